# SPDX-License-Identifier: MIT
"""e2fsck as the judge: by what it says, not by its exit status."""
import os
import re
import subprocess

ENVIRONMENT = dict(os.environ, LC_ALL="C")

# What a cut may leave: marked but unused, unreferenced, miscounted, not unmounted.
LEAKS = [re.compile(p) for p in (
    r"Pass \d.*", r"", r".*recovering journal.*",
    r".* was not cleanly unmounted, check forced\.?",
    r".* contains a file system with errors, check forced\.?",
    r".*: \*+ WARNING: Filesystem still has errors \*+", r"e2fsck .*",
    r"(Block|Inode) bitmap differences: ( ?-\(?\d+(--\d+)?\)?)+ ?",
    r"Free (blocks|inodes) count wrong.*", r"Directories count wrong.*",
    r"Unattached (zero-length )?inode \d+\.?.*", r"Connect to /lost\+found\?.*",
    r"Unconnected directory inode \d+.*", r"'\.\.' in .* \(\d+\) is .*, should be <The NULL inode> .*",
    r"Inode \d+ ref count is \d+, should be \d+\. .*", r"Inode \d+, i_blocks is \d+, should be \d+\. .*",
    r"Deleted inode \d+ has zero dtime\. .*", r"Reserved inode .* has invalid mode.*",
    r"Fix\? no", r"Clear\? no", r"(Fix|Clear|Connect to /lost\+found)\? yes", r"IGNORED\.",
    r".*: \d+/\d+ files \(.*\), \d+/\d+ blocks",
    r"Superblock last (mount|write) time is in the future\.", r"\(by less than a day.*\)", r"Now = .*",
    r"Padding at end of (inode|block) bitmap is not set\. .*",
)]
# A directory on its way to another parent has two names (docs/subsystems/storage.md).
MOVED = [re.compile(p) for p in (
    r"Entry '.*' in .* \(\d+\) is a link to directory .*", r"'\.\.' in .* \(\d+\) is .*, should be .*",
)]


def worse(text, moved=False):
    """Lines of e2fsck's output that are more than leaks."""
    allowed = LEAKS + (MOVED if moved else [])
    out = []
    for line in text.splitlines():
        line = line.strip()
        if not any(p.fullmatch(line) for p in allowed):
            out.append(line)
    return out


def check(image, moved=False):
    """(problems as text lines, output) of a look without repair."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], capture_output=True, check=False,
                          env=ENVIRONMENT)
    text = done.stdout.decode("utf-8", "replace")
    problems = worse(text, moved)
    if done.returncode & ~4:
        problems.append("e2fsck -fn: status %d" % done.returncode)
    return problems, text


def repair(image):
    """Problems when repairing: it must succeed, and leave nothing for a second run."""
    for expected in ((0, 1), (0,)):
        done = subprocess.run(["/usr/sbin/e2fsck", "-fy", image], capture_output=True, check=False,
                              env=ENVIRONMENT)
        if done.returncode not in expected:
            return ["e2fsck -fy: status %d" % done.returncode] + \
                done.stdout.decode("utf-8", "replace").splitlines()
    return []
