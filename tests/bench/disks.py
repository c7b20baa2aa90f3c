# SPDX-License-Identifier: MIT
"""Figures of ext2 on disks (tests/bench/diskbench.c), Keelson and Linux on the same image.

Wall     a virtio disk of 256 MiB with blocks of 4 KiB, its file in memory on the host: both machines
         are up at the same time and take turns; the least of the rounds counts. Ratios hold on a
         loaded host, times do not.
Count    instructions on a RAM disk (ram0 here, brd on Linux) under -icount: nothing waits for a
         device, so this is the kernels' own work, write-back included where the row ends in a sync.
"""
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile

from vmlib import qemu
from vmlib.guest import Guest
from vmlib.qemu import Options

PROGRAM = "/usr/lib/tests/diskbench"
MIB = 1 << 20
WALL = dict(disk=256, big=64, files=500, rounds=3)
COUNT = dict(disk=64, big=16, files=300)
# Rows of which a figure is a whole file: shown for each MiB.
WHOLE = ("seq_write", "seq_read", "reread", "mmap_reread", "rewrite_cached")
ICOUNT = ("-icount", "shift=0,sleep=off")
MOUNT_GOAL_MS = 20


def source_tree(path):
    """A tar file of the tree's own sources, the same bytes for the same sources."""
    names = subprocess.run(["git", "ls-files", "src", "fs", "include", "arch", "drivers"],
                           cwd=qemu.TOP, capture_output=True, check=True).stdout.decode().split()
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(names):
            with open(os.path.join(qemu.TOP, name), "rb") as f:
                data = f.read()
            info = tarfile.TarInfo("tree/" + name)
            info.size, info.mode, info.mtime = len(data), 0o644, 1700000000
            tar.addfile(info, io.BytesIO(data))
    with open(path, "r+b") as f:  # whole sectors of a disk
        f.truncate(-(-os.path.getsize(path) // 4096) * 4096)


def make_image(path, mib):
    with open(path, "wb") as f:
        f.truncate(mib * MIB)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-b", "4096", "-I", "256", path],
                   check=True)


def parse(result, kernel):
    """{row: nanoseconds}; complains when the program failed."""
    if result.status:
        sys.stderr.write("diskbench on %s: status %d\n%s%s\n" % (
            kernel, result.status, result.stderr.decode("utf-8", "replace"), result.log))
    return {m[0]: int(m[1]) for m in
            re.findall(r"^(\w+) (\d+)$", result.stdout.decode("ascii", "replace"), re.M)}


def shown(rows, big):
    """Whole files become a MiB."""
    return {name: value / big if name in WHOLE else value for name, value in rows.items()}


def wall(kernels, wanted, rounds):
    """{kernel: {row: ns}}: the least of several rounds in turns."""
    best = {k: {} for k in kernels}
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="keelson-bench-", dir=memory) as folder:
        tree = os.path.join(folder, "tree.tar")
        source_tree(tree)
        guests = {}
        try:
            for k in kernels:
                image, large = (os.path.join(folder, name + k) for name in ("disk-", "large-"))
                make_image(image, WALL["disk"])
                make_image(large, 1024)
                guests[k] = Guest(Options(kernel=k, image="test", accel="tcg",
                                          disks=(image, tree + ",ro", large)))
                guests[k].run(["sh", "-c", "cat /dev/vdb >/tmp/tree.tar; mkdir /tmp/d; "
                               "mount -t ext2 /dev/vda /tmp/d"])
            for _ in range(rounds):
                for k in kernels:
                    args = [PROGRAM, "/tmp/d", str(WALL["big"]), str(WALL["files"])] + wanted
                    rows = parse(guests[k].run(args, timeout=900), k)
                    if not wanted or "mount_1g" in wanted:
                        guests[k].run(["sh", "-c", "echo 3 >/proc/sys/vm/drop_caches"])
                        rows.update(parse(guests[k].run([PROGRAM, "mount", "/dev/vdc"]), k))
                    for name, value in rows.items():
                        best[k][name] = min(value, best[k].get(name, value))
        finally:
            for guest in guests.values():
                guest.close()
    return {k: shown(rows, WALL["big"]) for k, rows in best.items()}


def count(kernel, wanted, **more):
    """{row: instructions} on a RAM disk. more: of the machine; append is added to."""
    line = " ".join(["nokaslr", "ramdisk_size=%d" % (COUNT["disk"] * 1024), more.pop("append", "")])
    script = ("dd if=/dev/vda of=/dev/ram0 bs=64k 2>/dev/null; cat /dev/vdb >/tmp/tree.tar; "
              "mkdir /tmp/d; mount -t ext2 /dev/ram0 /tmp/d && exec " + PROGRAM +
              " /tmp/d %d %d %s" % (COUNT["big"], COUNT["files"], " ".join(wanted)))
    with tempfile.TemporaryDirectory(prefix="keelson-bench-") as folder:
        image, tree = os.path.join(folder, "disk"), os.path.join(folder, "tree.tar")
        make_image(image, COUNT["disk"])
        source_tree(tree)
        with Guest(Options(kernel=kernel, image="test", accel="tcg,thread=single", extra=ICOUNT,
                           append=line, disks=(image, tree + ",ro"), **more)) as guest:
            if kernel == "linux":
                path = os.path.join(qemu.CACHE, "linux/modules/kernel/drivers/block/brd.ko")
                with open(path, "rb") as f:
                    guest.put("/tmp/brd.ko", f.read())
                guest.run(["insmod", "/tmp/brd.ko", "rd_nr=1", "rd_size=%d" % (COUNT["disk"] * 1024)])
            return shown(parse(guest.run(["sh", "-c", script], timeout=900), kernel), COUNT["big"])


def rows_of(ours, *others):
    """Rows for the table: Keelson, the others, the ratio to the last of them, in thousands. Each
    row must be at least as fast as that one."""
    rows = {}
    for name in ours:
        values = [kernel.get(name) for kernel in (ours,) + others]
        ratio = values[0] / values[-1] if others and values[-1] else None
        missed = ratio and ratio > 1 or name == "mount_1g" and ours[name] > MOUNT_GOAL_MS * 1e6
        rows[name] = [v / 1000 if v else None for v in values] + [ratio], "MISSED" if missed else ""
    return rows


def tables(table, say, hardest, no_linux=False, quick=False, wanted=()):
    """Both tables, by bench.py's functions. hardest: Options of Linux in its hardest form."""
    wanted = list(wanted)
    linux = [] if no_linux else [count("linux", wanted), count("linux", wanted, **hardest)]
    table("ext2, RAM disk, 1000 instr.", ["Keelson", "Linux D", "Linux H", "to H"],
          rows_of(count("keelson", wanted), *linux), say)
    timed = wall(["keelson"] if no_linux else ["linux", "keelson"], wanted,
                 1 if quick else WALL["rounds"])
    table("ext2, virtio, microseconds", ["Keelson", "Linux D", "to D"],
          rows_of(timed["keelson"], *([] if no_linux else [timed["linux"]])), say)
