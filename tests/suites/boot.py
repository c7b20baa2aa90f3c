# SPDX-License-Identifier: MIT
"""The boot matrix: every way in, both machines, 1 to 8 CPUs, 16 MiB to 4 GiB; to a shell and off.

Each row boots, checks at the shell that all CPUs and the memory are there, and powers off.
"""
import os
import re
import sys
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "console"))
from session import Session  # noqa: E402

# name: way, machine, CPUs, MiB, more options of the session
ROWS = {
    "direct, 1 CPU": ("direct", "q35", 1, 512, {}),
    "direct, 2 CPUs": ("direct", "q35", 2, 512, {}),
    "direct, 4 CPUs": ("direct", "q35", 4, 512, {}),
    "direct, 8 CPUs": ("direct", "q35", 8, 1024, {}),
    "direct, pc": ("direct", "pc", 2, 256, {}),
    "direct, pc, 8 CPUs": ("direct", "pc", 8, 512, {}),
    "direct, 16 MiB": ("direct", "q35", 1, 16, {"image": "minimal"}),
    "direct, 32 MiB": ("direct", "q35", 1, 32, {}),
    "direct, 64 MiB, 4 CPUs": ("direct", "q35", 4, 64, {}),
    "direct, 3 GiB": ("direct", "q35", 2, 3072, {}),
    "direct, 4 GiB": ("direct", "q35", 2, 4096, {}),
    "direct, plain CPU": ("direct", "q35", 1, 256, {"cpu": "qemu64"}),
    "direct, no HPET": ("direct", "q35,hpet=off", 1, 256, {}),
    "BIOS, 1 CPU": ("bios", "q35", 1, 512, {}),
    "BIOS, 4 CPUs": ("bios", "q35", 4, 512, {}),
    "BIOS, pc": ("bios", "pc", 2, 512, {}),
    "BIOS, 32 MiB": ("bios", "q35", 1, 32, {}),
    "BIOS, 4 GiB": ("bios", "q35", 2, 4096, {}),
    "UEFI, 1 CPU": ("uefi", "q35", 1, 512, {}),
    "UEFI, 4 CPUs": ("uefi", "q35", 4, 512, {}),
    "UEFI, pc": ("uefi", "pc", 2, 512, {}),
    "UEFI, 4 GiB": ("uefi", "q35", 2, 4096, {}),
}
# What firmware, kernel image and page descriptors may take of the memory, in MiB and a fraction.
TAKEN, FRACTION = 14, 0.03


def run(ctx):
    for name, (way, machine, cpus, memory, more) in ROWS.items():
        if ctx.wants(name) and (ctx.kernel == "keelson" or way == "direct" and memory >= 128):
            run_row(ctx, name, way, machine, cpus, memory, more)


def run_row(ctx, name, way, machine, cpus, memory, more):
    """One row of the matrix."""
    text = ""
    try:
        with Session(kernel=ctx.kernel, config=ctx.config, boot=way, machine=machine, smp=cpus,
                     mem=memory, limit=60, **more) as s:
            try:
                s.prompt()
                seen = int(s.shell("grep -c ^processor /proc/cpuinfo"))
                assert seen == cpus, "%d CPUs, not %d" % (seen, cpus)
                total = int(re.search(r"MemTotal: +(\d+)", s.shell("cat /proc/meminfo")).group(1))
                least = (memory * (1 - FRACTION) - TAKEN) * 1024
                assert ctx.kernel == "linux" or total >= least, "MemTotal is %d kB" % total
                assert s.shell("echo alive | cat") == "alive\n", "pipeline"
                s.send("poweroff\r")
                status = s.ended()
                assert status == 0, "power off: status %s" % status
            finally:
                text = s.text()
        ctx.ok(name)
    except Exception as err:  # a row fails whatever went wrong
        ctx.fail(name, (str(err).split("\n", 1)[0] or type(err).__name__)[:100],
                 traceback.format_exc() + text)
