# SPDX-License-Identifier: MIT
"""Disks of a machine: the words of --disk to QEMU's arguments, and what Linux needs to see them.

Debian's cloud kernel has NVMe built in, virtio as modules and AHCI not at all. The modules are put
into a second archive behind the image, with a first program that loads them and goes on with the
one that was asked for.
"""
import dataclasses
import os
import re

WAYS = ("virtio", "virtio-transitional", "virtio-legacy", "nvme", "ahci")
MODULES = ("virtio_pci", "virtio_blk")
LOADER = "sbin/load-disks"


@dataclasses.dataclass
class Disk:
    """One --disk. way: how it is attached, of WAYS; queues 0: one for each CPU."""
    path: str
    way: str = "virtio"
    read_only: bool = False
    serial: str = ""
    format: str = ""
    queues: int = 0


def parse(text):
    """FILE[,if=WAY][,ro][,serial=TEXT][,format=NAME][,queues=N]; raises ValueError."""
    path, *words = text.split(",")
    disk = Disk(path)
    for word in words:
        key, _, value = word.partition("=")
        if key == "if" and value in WAYS:
            disk.way = value
        elif word == "ro":
            disk.read_only = True
        elif key == "serial" and value:
            disk.serial = value
        elif key == "format" and value:
            disk.format = value
        elif key == "queues" and value.isdigit() and int(value):
            disk.queues = int(value)
        else:
            raise ValueError("--disk: what is %r?" % word)
    if disk.way == "ahci" and disk.read_only:
        raise ValueError("--disk: QEMU has no read-only SATA disks")
    disk.format = disk.format or ("qcow2" if path.endswith(".qcow2") else "raw")
    return disk


def device(disk, drive, smp, number):
    """The -device argument of a disk whose drive or block node is there."""
    serial = disk.serial or ("keelson%d" % number if disk.way == "nvme" else "")
    more = ",drive=%s,id=dev%d" % (drive, number) + (",serial=" + serial if serial else "")
    if disk.way == "nvme":
        return "nvme" + more + (",max_ioqpairs=%d" % disk.queues if disk.queues else "")
    if disk.way == "ahci":
        return "ide-hd,bus=ahci%d.%d" % (number // 6, number % 6) + more
    name = {"virtio-transitional": "virtio-blk-pci-transitional",
            "virtio-legacy": "virtio-blk-pci,disable-modern=on,disable-legacy=off"
            }.get(disk.way, "virtio-blk-pci")
    return name + more + ",num-queues=%d" % (disk.queues or smp)


def controllers(disks):
    """The -device arguments that come before those of the disks: six ports for each AHCI."""
    need = sorted({i // 6 for i, d in enumerate(disks) if d.way == "ahci"})
    return [a for n in need for a in ("-device", "ahci,id=ahci%d" % n)]


def arguments(texts, smp):
    """QEMU's arguments for all --disk of a machine."""
    disks = [parse(t) for t in texts]
    args = controllers(disks)
    for i, d in enumerate(disks):
        args += ["-drive", "file=%s,if=none,id=disk%d,format=%s,cache=writeback,discard=unmap%s"
                 % (d.path.replace(",", ",,"), i, d.format, ",readonly=on" if d.read_only else ""),
                 "-device", device(d, "disk%d" % i, smp, i)]
    return args


# --- Linux ---

def depends(path):
    """Names of the modules that a module file says it needs."""
    with open(path, "rb") as f:
        found = re.search(rb"\0depends=([^\0]*)\0", f.read())
    return [n.replace("-", "_") for n in found.group(1).decode().split(",") if n] if found else []


def in_order(folder, names):
    """Files of modules and of what they need, in the order to load them."""
    files = {f[:-3].replace("-", "_"): os.path.join(at, f)
             for at, _, found in os.walk(os.path.realpath(folder)) for f in found
             if f.endswith(".ko")}
    order = []

    def visit(name):
        if name in files and files[name] not in order:
            for other in depends(files[name]):
                visit(other)
            order.append(files[name])

    for name in names:
        visit(name)
    return order


def entry(name, mode, data):
    """One entry of a cpio archive."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return pad(head) + pad(data)


def pad(data):
    return data + bytes(-len(data) % 4)


def extra_archive(folder, init):
    """The archive with the modules and the program that loads them, then runs init."""
    files = in_order(folder, MODULES)
    out = entry("lib", 0o40755, b"") + entry("lib/disk-modules", 0o40755, b"")
    lines = ["#!/bin/sh"]
    for path in files:
        name = "lib/disk-modules/" + os.path.basename(path)
        with open(path, "rb") as f:
            out += entry(name, 0o100644, f.read())
        lines.append("insmod /" + name)
    script = "\n".join(lines + ['exec %s "$@"' % init, ""])
    out += entry(LOADER, 0o100755, script.encode())
    return out + entry("TRAILER!!!", 0, b"")


def linux_initrd(image, folder, args, init, target):
    """Writes image and modules behind each other to target: its first program; None: not needed."""
    if any(a.startswith(("ahci", "ide-hd")) for a in args):
        raise ValueError("Debian's cloud kernel has no driver for AHCI")
    if not any(a.startswith("virtio-blk") for a in args):
        return None
    with open(image, "rb") as f:
        data = f.read()
    with open(target, "wb") as f:
        f.write(data + bytes(-len(data) % 512))
        f.write(extra_archive(folder, init))
    return "/" + LOADER
