# SPDX-License-Identifier: MIT
"""Disks for tests: file systems as the partitions of disks, and QEMU's arguments for them."""
import os
import re
import subprocess
import tempfile

MIB = 1 << 20
EACH = 12  # partitions on a disk
ENVIRONMENT = dict(os.environ, LC_ALL="C")


def folder(prefix):
    """A temporary folder where much is written, in memory when that is possible."""
    return tempfile.TemporaryDirectory(prefix="keelson-%s-" % prefix,
                                       dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def tool(name, *args, check=True, **more):
    """Run one of e2fsprogs' or util-linux' tools on the host; its output as text."""
    done = subprocess.run(["/usr/sbin/" + name, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, env=ENVIRONMENT, **more)
    text = done.stdout.decode("utf-8", "replace")
    if check and done.returncode:
        raise RuntimeError("%s %s: status %d: %s" % (name, " ".join(args), done.returncode, text))
    return text


def copy(src, at, dst, to, length):
    """Bytes of one open file into another; holes stay holes."""
    end = at + length
    while at < end:
        try:
            start = os.lseek(src, at, os.SEEK_DATA)
        except OSError:
            return
        stop = min(os.lseek(src, start, os.SEEK_HOLE), end)
        to += start - at
        at = start
        while at < stop:
            n = os.sendfile(dst, src, at, stop - at) if os.lseek(dst, to, 0) == to else 0
            at, to = at + n, to + n


class Disk:
    """A GPT disk whose partitions are images. parts: [(offset, length)]."""

    def __init__(self, path, images):
        self.path, self.parts = path, []
        at = MIB
        for image in images:
            size = os.path.getsize(image)
            self.parts.append((at, size))
            at += -(-size // MIB) * MIB
        with open(path, "wb") as f:
            f.truncate(at + MIB)
        table = "label: gpt\n" + "".join("start=%d, size=%d\n" % (a // 512, n // 512)
                                         for a, n in self.parts)
        tool("sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, input=table.encode())
        fd = os.open(path, os.O_WRONLY)
        for image, (offset, size) in zip(images, self.parts):
            src = os.open(image, os.O_RDONLY)
            copy(src, 0, fd, offset, size)
            os.close(src)
        os.close(fd)

    def clone(self, path):
        """Another disk with the same bytes."""
        subprocess.run(["cp", "--sparse=always", self.path, path], check=True)
        other = object.__new__(Disk)
        other.path, other.parts = path, self.parts
        return other

    def extract(self, number, out):
        """Partition `number` (from 0) as a file of its own."""
        src = os.open(self.path, os.O_RDONLY)
        dst = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        offset, size = self.parts[number]
        os.ftruncate(dst, size)
        copy(src, offset, dst, 0, size)
        os.close(src)
        os.close(dst)


def attach(kernel, paths, more="", driver=""):
    """(QEMU arguments, device names) of raw disks: virtio here, NVMe on Linux, whose kernel has
    virtio only as a module."""
    driver = driver or ("nvme" if kernel == "linux" else "virtio")
    args, names = [], []
    for i, path in enumerate(paths):
        args += ["-drive", "file=%s,if=none,id=t%d,format=raw,cache=writeback,discard=unmap%s"
                 % (path, i, more)]
        if driver == "nvme":
            args += ["-device", "nvme,drive=t%d,serial=t%d" % (i, i)]
            names.append("/dev/nvme%dn1" % i)
        else:
            args += ["-device", "virtio-blk-pci,drive=t%d" % i]
            names.append("/dev/vd" + chr(ord("a") + i))
    return tuple(args), names


def part(name, number):
    """The name of partition `number`, counted from 1."""
    return name + ("p" if name[-1].isdigit() else "") + str(number)


def fsck(image):
    """What e2fsck -fn complains of; empty when the file system is clean."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, env=ENVIRONMENT)
    text = done.stdout.decode("utf-8", "replace")
    return text if done.returncode or re.search(r"\? no\b|IGNORED", text) else ""
