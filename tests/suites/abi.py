# SPDX-License-Identifier: MIT
"""tests/abi: the same programs on Linux and on the kernel under test, compared case by case."""
import difflib
import glob
import os

from vmlib.guest import Guest, PANICKED, TIMED_OUT
from vmlib import qemu
from vmlib.qemu import Options

from . import both, check_reports

WHERE = "/usr/lib/tests/"
LIMIT = 180
IMAGE = "test"
# These try everything on everything, device nodes included: last, in a machine of their own.
ROUGH = ("badargs", "random_syscalls")
# What is part of our kernel and a module of Linux's: with its parameters.
MODULES = {"blockdev": (("brd", "rd_nr=16 rd_size=16384"), ("loop", "max_loop=8")),
           "pagecache": (("brd", "rd_nr=16 rd_size=16384"),)}


def split(text):
    """The cases of a program's output: {name: lines}."""
    cases, lines = {}, None
    for line in text.splitlines():
        if line.startswith("= "):
            lines = cases[line[2:]] = []
        elif lines is not None:
            lines.append(line)
    return cases


def load_modules(guest, program):
    """For Linux: the drivers that a program needs, from the kernel's package."""
    for name, parameters in MODULES.get(program, ()):
        path = os.path.join(qemu.CACHE, "linux/modules/kernel/drivers/block/%s.ko" % name)
        with open(path, "rb") as f:
            load = "cat >/tmp/m.ko; insmod /tmp/m.ko %s; rm /tmp/m.ko" % parameters
            guest.run(["sh", "-c", load], stdin=f.read())


def run_program(guest, program, names):
    """All cases of a program, begun again behind a case that took the machine down.

    Returns ({case: lines}, {case: console log})."""
    cases, logs, left = {}, {}, list(names)
    while left:
        result = guest.run([WHERE + program] + left, timeout=LIMIT)
        got = split(result.stdout.decode("utf-8", "replace"))
        cases.update(got)
        if result.status not in (PANICKED, TIMED_OUT):
            break
        last = list(got)[-1] if got else left[0]
        cases.setdefault(last, []).append("machine lost: status %d" % result.status)
        logs[last] = result.log
        left = left[left.index(last) + 1:] if last in left else []
    return cases, logs


def run_kernel(ctx, kernel, config, programs):
    """Every program on one kernel: {program: (cases, logs)}."""
    results = {}
    gentle = [p for p in programs if p not in ROUGH]
    for group in [gentle] + [[p] for p in programs if p in ROUGH]:
        if not group:
            continue
        with Guest(Options(kernel=kernel, config=config, image=IMAGE, smp=2)) as guest:
            for program in group:
                if kernel == "linux":
                    load_modules(guest, program)
                results[program] = run_program(guest, program, programs[program])
            check_reports(ctx, guest)
    return results


def case_names(path):
    """Cases of a program, in its order: it runs on this machine, too."""
    return os.popen(path + " -l").read().split()


def run(ctx):
    programs = {}
    for path in sorted(glob.glob("build/tests/*")):
        program = os.path.basename(path)
        if os.path.exists("tests/abi/%s.c" % program):
            names = [n for n in case_names(path) if ctx.wants("%s/%s" % (program, n))]
            if names:
                programs[program] = names
    linux, ours = both(lambda: run_kernel(ctx, "linux", ctx.config, programs),
                       lambda: run_kernel(ctx, ctx.kernel, ctx.config, programs))
    for program, names in programs.items():
        for name in names:
            compare(ctx, "%s/%s" % (program, name), linux[program][0].get(name),
                    ours[program][0].get(name), ours[program][1].get(name, ""))


def compare(ctx, case, linux, ours, log):
    """One case; a case that does not work on Linux is a fault of the test."""
    if linux is None or any(l.startswith("needed: ") or l.startswith("machine lost") for l in linux):
        ctx.fail(case, "does not run on Linux", "\n".join(linux or []))
    elif ours is None:
        ctx.fail(case, "did not run", log)
    elif ours != linux:
        diff = "\n".join(difflib.unified_diff(linux, ours, "linux", "keelson", lineterm=""))
        first = next((o for l, o in zip(linux + [""], ours) if o != l), "output is shorter")
        ctx.fail(case, first[:100], diff + "\n" + log)
    else:
        ctx.ok(case)
