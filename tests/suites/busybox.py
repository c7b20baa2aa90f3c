# SPDX-License-Identifier: MIT
"""BusyBox's own tests: every case that passes on Linux passes on the kernel under test.

testsuite/ applet by applet through tests/busybox/run.sh, and the shell's tests folder by folder
through their own run-all. An applet that reaches the limit on Linux counts with the cases it got to
(the arithmetic of bc takes minutes under emulation); the other kernel gets more time.
"""
import glob
import os
import re
import subprocess

from vmlib.guest import Guest, PANICKED
from vmlib.qemu import Options

from . import both, check_reports

LIMIT = 20
ASH_LIMIT = 120
PATIENCE = 3
# Some of the shell's cases are races (ash-misc/exitcode_trap2: a signal against a fork), and fail one
# time in a dozen on Linux, too: what fails on the other kernel alone is tried again.
TRIES = 3
TESTSUITE = re.compile(r"^(PASS|FAIL): (.*)$", re.M)
ASH = re.compile(r"^(\S+\.tests): (ok|fail)$", re.M)


def applets():
    """Applets with tests, from the built BusyBox."""
    folder = subprocess.run(["scripts/build/busybox.sh"], capture_output=True, text=True,
                            check=True).stdout.strip()
    names = {os.path.basename(p)[:-6] for p in glob.glob(folder + "/testsuite/*.tests")}
    names |= {os.path.basename(p[:-1]) for p in glob.glob(folder + "/testsuite/*/")}
    modules = sorted(os.path.basename(p[:-1]) for p in glob.glob(folder + "/ash_test/*/"))
    return sorted(names), modules


def verdicts(job, text):
    """{case: passed}; a name used twice gets a number."""
    if job.startswith("ash-"):
        pairs = [(name, word == "ok") for name, word in ASH.findall(text)]
    else:
        pairs = [(name, word == "PASS") for word, name in TESTSUITE.findall(text)]
    result = {}
    for name, passed in pairs:
        key, n = name, 1
        while key in result:
            n += 1
            key = "%s #%d" % (name, n)
        result[key] = passed
    return result


def run_kernel(ctx, kernel, config, jobs, factor):
    """All jobs on one kernel: {job: (verdicts, output, how it ended)}."""
    results = {}
    with open("tests/busybox/run.sh", "rb") as f:
        script = f.read()
    with Guest(Options(kernel=kernel, config=config, image="test", smp=2)) as guest:
        boots = -1
        for job in jobs:
            if not guest.proc or guest.boots != boots:
                guest.put("/tmp/run.sh", script, 0o755)
                boots = guest.boots
            if job.startswith("ash-"):
                command = ["sh", "-c", "cd /usr/lib/busybox-tests/ash_test && ./run-all " + job]
                limit = ASH_LIMIT * factor
            else:
                command, limit = ["/tmp/run.sh", job], LIMIT * factor
            result = guest.run(command, timeout=limit)
            text = result.stdout.decode("utf-8", "replace")
            ended = "panic" if result.status == PANICKED else "status %d" % result.status
            results[job] = verdicts(job, text), text + result.log, ended
        check_reports(ctx, guest)
    return results


def run(ctx):
    names, modules = applets()
    jobs = [j for j in names + modules if ctx.wants(j)]
    linux, ours = both(lambda: run_kernel(ctx, "linux", ctx.config, jobs, 1),
                       lambda: run_kernel(ctx, ctx.kernel, ctx.config, jobs, PATIENCE))
    for _ in range(TRIES):
        again = [job for job in jobs if any(passed and ours[job][0].get(case) is False
                                            for case, passed in linux[job][0].items())]
        for job, (got, text, ended) in (run_kernel(ctx, ctx.kernel, ctx.config, again, PATIENCE)
                                        if again else {}).items():
            for case, passed in got.items():
                got[case] = passed or ours[job][0].get(case, False)
            ours[job] = got, text, ended
    for job in jobs:
        expected = [case for case, passed in linux[job][0].items() if passed]
        got, text, ended = ours[job]
        for case in expected:
            name = "%s/%s" % (job, case)
            if case not in got:
                ctx.fail(name, "did not run: %s" % ended, text)
            else:
                ctx.check(name, got[case], "passes on Linux only", text)
