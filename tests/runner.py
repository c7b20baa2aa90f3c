#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run the test suites and count.

usage: tests/runner.py [options] [SUITE[:TEXT] ...]

Without names all suites of the quick tier run. TEXT selects the cases (or programs) whose name
contains it. Every case gives one line when it fails, and leaves what is known about it in
build/logs/SUITE/CASE.log; -v prints a line for those that pass, too. A suite that ran fewer cases
than tests/minimum.txt says has failed, so that a run that finds no tests is not a green one.

The last line is `N passed, N failed`; the exit status is 0 when nothing failed.
"""
import argparse
import dataclasses
import importlib
import os
import re
import shutil
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(TOP, "scripts")]

# In the order they run: what is fast and close to the code comes first.
QUICK = ["host", "tool", "ktest", "abi", "boot", "input", "console", "busybox", "debian", "disk", "ext2",
         "xattr", "powercut", "interchange", "badfs", "rootdisk", "fsload", "stress"]
LONG = ["soak", "badfsall", "programs", "fsloadsoak"]


@dataclasses.dataclass
class Context:
    """What a suite is given: how to run, and where to report."""
    name: str
    config: str
    kernel: str
    pattern: str
    seconds: float
    report: "Report"

    def wants(self, name):
        """Whether the command line selects this case or program."""
        return self.pattern in name

    def ok(self, case):
        """A case passed."""
        self.report.add(self.name, case, "", "")

    def fail(self, case, why, log=""):
        """A case failed; why is one line, log everything that helps."""
        self.report.add(self.name, case, why, log)

    def note(self, text):
        """A figure worth seeing with -v and in long runs, no case."""
        if self.report.verbose or self.name in LONG:
            print("# %s: %s" % (self.name, text), flush=True)

    def check(self, case, good, why="", log=""):
        """A case with a yes or no."""
        if good:
            self.ok(case)
        else:
            self.fail(case, why, log)


class Report:
    """Counts, prints, keeps logs of failures."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.passed = self.failed = 0
        self.counts = {}

    def add(self, suite, case, why, log):
        self.counts[suite] = self.counts.get(suite, 0) + 1
        if not why:
            self.passed += 1
            if self.verbose:
                print("ok - %s/%s" % (suite, case), flush=True)
            return
        self.failed += 1
        folder = os.path.join(TOP, "build/logs", suite)
        path = os.path.join(folder, re.sub(r"[^\w.+-]+", "_", case)[:100] + ".log")
        os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="replace") as f:
            f.write("%s/%s: %s\n\n%s\n" % (suite, case, why, log))
        print("not ok - %s/%s: %s (%s)" % (suite, case, why, os.path.relpath(path, TOP)),
              flush=True)


def minimums():
    """Cases a suite must have run: {suite: count}."""
    with open(os.path.join(HERE, "minimum.txt"), encoding="utf-8") as f:
        rows = [line.split("#")[0].split() for line in f]
    return {row[0]: int(row[1]) for row in rows if row}


def run_suite(args, report, name, pattern):
    """One suite, from loading its module to the check of its minimum."""
    started = time.monotonic()
    shutil.rmtree(os.path.join(TOP, "build/logs", name), ignore_errors=True)
    before = report.passed, report.failed
    ctx = Context(name, args.config, args.kernel, pattern, args.seconds, report)
    try:
        importlib.import_module("suites." + name).run(ctx)
    except Exception as err:  # a suite that breaks is a failed suite, not the end of the run
        ctx.fail("suite", "broke: %s" % err, traceback.format_exc())
    least = minimums().get(name, 1)
    ran = report.counts.get(name, 0)
    if not pattern and ran < least:
        ctx.fail("minimum", "%d cases ran, at least %d are there" % (ran, least))
    print("# %s: %d passed, %d failed in %.1f s"
          % (name, report.passed - before[0], report.failed - before[1],
             time.monotonic() - started), flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("suites", nargs="*", metavar="SUITE[:TEXT]",
                    help="of " + " ".join(QUICK + LONG))
    ap.add_argument("--config", default="default", help="configuration of the kernel under test")
    ap.add_argument("--kernel", default="keelson",
                    help="keelson, or linux to check the tests themselves")
    ap.add_argument("--seconds", type=float, default=0,
                    help="length of each stress (a few seconds; soak: 600)")
    ap.add_argument("-v", "--verbose", action="store_true")
    args = ap.parse_args()
    os.chdir(TOP)
    report = Report(args.verbose)
    for word in args.suites or QUICK:
        name, _, pattern = word.partition(":")
        if name not in QUICK + LONG:
            ap.error("no suite %s" % name)
        run_suite(args, report, name, pattern)
    print("%d passed, %d failed" % (report.passed, report.failed))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
