#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Figures: Keelson beside Linux 6.1, in the same run, under software emulation.

usage: tests/bench/bench.py [--quick] [--no-linux] [--only-disks] [ROW ...]

Boot     QEMU's start to the first byte from user space (a static process 1), directly and from the
         ISO, the least of several starts; and the instructions until then, under -icount.
Memory   what is not free at a shell with 512 MiB; the stripped kernel's size.
Calls    instructions an operation (tests/bench/ubench.c under -icount shift=0): Keelson, Linux as
         Debian ships it (D), and Linux in its hardest form (H): every tuning on, on a CPU without
         the features that slow it down under emulation. Keelson runs on the same CPU as H and, in
         its own column, on the CPU of D.
Disks    ext2 (disks.py): instructions on a RAM disk, and times on a virtio disk.

The table goes to standard output and to build/bench.txt. A row is marked where a goal is missed.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "scripts"), os.path.join(TOP, "tests/console")]
from vmlib import qemu  # noqa: E402
from vmlib.guest import Guest  # noqa: E402
from vmlib.qemu import Options  # noqa: E402
import disks  # noqa: E402

ICOUNT = ("-icount", "shift=0,sleep=off")
CPU_D, CPU_H = "max", "max,-erms,-smap,-la57,-pku"
LINUX_H = ("init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off lsm=capability audit=0 "
           "cgroup_disable=memory transparent_hugepage=never")
HARDEST = {"cpu": CPU_H, "append": LINUX_H}
# The goals of the boot and memory rows.
GOALS = {"direct boot, s": 0.30, "ISO boot, s": 0.9, "boot, million instructions": 100,
         "not free at a shell, MiB": 14, "stripped kernel, MiB": 1.5}
# Calls that must take fewer instructions than Linux in its hardest form.
HARD = {"getppid", "read1_devzero", "stat", "fork_exit_wait", "fork_exec_hello", "pipe_pingpong",
        "futex_pingpong", "mmap_munmap_4k", "anon_fault_256p", "pread_64k"}


def first_byte(opt, limit=60):
    """Boot until process 1 speaks: (seconds, its time stamp)."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        cmd = qemu.command(opt, serials=["file:" + log])
        start = time.monotonic()
        proc = qemu.start(cmd, stdin=subprocess.DEVNULL)
        try:
            while time.monotonic() - start < limit:
                if os.path.exists(log):
                    with open(log, "rb") as f:
                        match = re.search(rb"@first (\d+)", f.read())
                    if match:
                        return time.monotonic() - start, int(match.group(1))
                if proc.poll() is not None:
                    break
                time.sleep(0.001)
        finally:
            qemu.kill(proc)
    raise qemu.VmError("process 1 did not speak (%s, %s)" % (opt.kernel, opt.boot))


def boot_rows(kernel, repeat):
    """{row: value} of the boot figures of one kernel."""
    base = dict(kernel=kernel, image="first", accel="tcg", append="quiet")
    rows = {}
    rows["direct boot, s"] = min(first_byte(Options(**base))[0] for _ in range(repeat))
    if kernel == "keelson":
        rows["ISO boot, s"] = min(first_byte(Options(boot="bios", **base))[0]
                                  for _ in range(repeat))
    base["append"] += " nokaslr"
    base["accel"] = "tcg,thread=single"
    count = first_byte(Options(extra=ICOUNT, **base))[1]
    rows["boot, million instructions"] = count / 1e6
    return rows


def memory_rows(kernel):
    """Memory that a machine of 512 MiB does not have free at a shell, and the kernel's size."""
    with Guest(Options(kernel=kernel, accel="tcg")) as guest:
        text = guest.run(["cat", "/proc/meminfo"]).stdout.decode()
    free = int(re.search(r"MemFree: +(\d+)", text).group(1))
    rows = {"not free at a shell, MiB": 512 - free / 1024}
    if kernel == "keelson":
        rows["stripped kernel, MiB"] = os.path.getsize(
            os.path.join(TOP, "build/default/kernel.img")) / (1 << 20)
    else:
        rows["stripped kernel, MiB"] = os.path.getsize(qemu.linux_kernel()) / (1 << 20)
    return rows


def call_rows(kernel, cpu, append, wanted):
    """{row: instructions an operation}."""
    opt = Options(kernel=kernel, image="test", cpu=cpu, accel="tcg,thread=single",
                  append="nokaslr " + append, extra=ICOUNT)
    with Guest(opt) as guest:
        result = guest.run(["/usr/lib/tests/ubench"] + wanted, timeout=900)
    if result.status:
        sys.stderr.write("ubench on %s: status %d\n%s%s\n" % (kernel, result.status,
                                                               result.stderr.decode(), result.log))
    return {m[0]: float(m[1]) for m in
            re.findall(r"^(\S+) +([\d.]+)$", result.stdout.decode(), re.M)}


def number(value):
    """A figure for the table; empty where there is none."""
    if value is None:
        return "-"
    return "%.0f" % value if value >= 100 else "%.2f" % value


def table(title, columns, rows, say):
    """Print rows {name: [values, note]}."""
    say("\n%-28s" % title + "".join("%12s" % c for c in columns))
    for name, (values, note) in rows.items():
        say("%-28s" % name + "".join("%12s" % number(v) for v in values) + "  " + note)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--quick", action="store_true", help="one start a row, no wall time")
    ap.add_argument("--no-linux", action="store_true")
    ap.add_argument("--only-disks", action="store_true", help="only ext2; ROW is one of diskbench")
    ap.add_argument("rows", nargs="*", metavar="ROW", help="rows of ubench")
    args = ap.parse_args()
    lines = []

    def say(text):
        print(text, flush=True)
        lines.append(text)

    if args.only_disks:
        disks.tables(table, say, HARDEST, args.no_linux, args.quick, args.rows)
        return
    ours, linux = {}, {}
    if not args.rows:
        repeat = 1 if args.quick else 5
        ours = {**boot_rows("keelson", repeat), **memory_rows("keelson")}
        if not args.no_linux:
            linux = {**boot_rows("linux", repeat), **memory_rows("linux")}
        table("boot, memory, size", ["Keelson", "goal", "Linux"],
              {name: ([value, GOALS.get(name), linux.get(name)],
                      "MISSED" if value > GOALS.get(name, value) else "")
               for name, value in ours.items()}, say)
    hard = call_rows("keelson", CPU_H, "", args.rows)
    same = call_rows("keelson", CPU_D, "", args.rows)
    theirs_d = {} if args.no_linux else call_rows("linux", CPU_D, "", args.rows)
    theirs_h = {} if args.no_linux else call_rows("linux", CPU_H, LINUX_H, args.rows)
    rows = {}
    for name in list(hard) + [n for n in theirs_h if n not in hard]:
        values = [hard.get(name), same.get(name), theirs_d.get(name), theirs_h.get(name)]
        ratio = values[0] / values[3] if values[0] and values[3] else None
        missed = name in HARD and (ratio is None or ratio >= 1)
        rows[name] = values + [ratio], "MISSED" if missed and theirs_h else ""
    table("instructions an operation", ["Keelson", "on D's CPU", "Linux D", "Linux H", "to H"],
          rows, say)
    if not args.rows:
        disks.tables(table, say, HARDEST, args.no_linux, args.quick)
    with open(os.path.join(TOP, "build/bench.txt"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
