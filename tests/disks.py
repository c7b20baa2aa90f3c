# SPDX-License-Identifier: MIT
"""Disks for tests: images by mke2fs, machines that have them, e2fsck as the judge.

On Keelson a disk is a virtio disk, /dev/vda and so on. Debian's cloud kernel has virtio as modules:
`options` adds them to the image and `prepare` loads them, so that the names are the same.
"""
import os
import subprocess
import tempfile

from vmlib import qemu
from vmlib.qemu import Options

MIB = 1 << 20
MODULES = ("virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev",
           "virtio/virtio_pci_legacy_dev", "virtio/virtio_pci", "block/virtio_blk", "block/brd")
ENVIRONMENT = dict(os.environ, LC_ALL="C")


def make(path, mib, *options, folder=None):
    """A file with an ext2 file system of so many MiB, and what is in folder."""
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


def entry(name, data, mode, number):
    """One file of a cpio archive (newc)."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def linux_image(name):
    """The image with the modules in /modules; a file below build/."""
    source = qemu.image_path(name)
    out = os.path.join(qemu.TOP, "build/images", os.path.basename(source) + ".linux")
    qemu.linux_kernel()
    with open(source, "rb") as f:
        data = f.read()
    data += bytes(-len(data) % 512) + entry("modules", b"", 0o40755, 900000)
    for i, module in enumerate(MODULES):
        path = os.path.join(qemu.CACHE, "linux/modules/kernel/drivers", module + ".ko")
        with open(path, "rb") as f:
            data += entry("modules/%d.ko" % i, f.read(), 0o100644, 900001 + i)
    data += entry("TRAILER!!!", b"", 0, 0)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(out), delete=False) as f:
        f.write(data)
    os.replace(f.name, out)
    return out


def options(kernel, image="test", **more):
    """Options of a machine with disks=..., for either kernel."""
    return Options(kernel=kernel, image=linux_image(image) if kernel == "linux" else image, **more)


def prepare(guest, ramdisk_mib=0):
    """Load what Linux has as modules. ramdisk_mib: /dev/ram0 of that size, too (on Keelson the
    command line makes it: see ramdisk)."""
    if guest.options.kernel != "linux":
        return
    script = "for i in 0 1 2 3 4 5; do insmod /modules/$i.ko || exit 1; done"
    if ramdisk_mib:
        script += "; insmod /modules/6.ko rd_nr=1 rd_size=%d" % (ramdisk_mib * 1024)
    result = guest.run(["sh", "-c", script])
    if result.status:
        raise qemu.VmError("modules: %r %s" % (result.stderr, result.log))
