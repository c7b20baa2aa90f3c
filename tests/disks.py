# SPDX-License-Identifier: MIT
"""ext2 images for tests: made by mke2fs, judged by e2fsck, both on this machine."""
import os
import subprocess

MIB = 1 << 20
ENVIRONMENT = dict(os.environ, LC_ALL="C")


def make(path, mib, *options, folder=None):
    """A file with an ext2 file system of so many MiB, and what is in folder; its path."""
    with open(path, "wb") as f:
        f.truncate(int(mib * MIB))
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", *options,
                    *(["-d", folder] if folder else []), path], check=True, capture_output=True)
    return path


def fsck(path, mode="-fn"):
    """(exit status, output): 0 is a whole file system."""
    done = subprocess.run(["/usr/sbin/e2fsck", mode, path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, env=ENVIRONMENT)
    return done.returncode, done.stdout.decode("utf-8", "replace")
