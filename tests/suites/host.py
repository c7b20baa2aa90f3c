# SPDX-License-Identifier: MIT
"""Unit tests on the build machine: every program built by `make host-tests` prints TAP."""
import glob
import os
import re
import subprocess

LINE = re.compile(r"(ok|not ok) \d+ - (.*)")


def run(ctx):
    for path in sorted(glob.glob("build/host/*_test")):
        program = os.path.basename(path)
        if os.path.exists("tests/host/%s.c" % program) and ctx.wants(program):
            run_program(ctx, path, program)


def run_program(ctx, path, program):
    """One program; what it printed before it died still counts."""
    try:
        done = subprocess.run([path], capture_output=True, text=True, errors="replace",
                              timeout=300, check=False)
        status, text, errors = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, text, errors = "time limit", (late.stdout or b"").decode("utf-8", "replace"), ""
    failed = 0
    for verdict, case in LINE.findall(text):
        failed += verdict != "ok"
        ctx.check("%s/%s" % (program, case), verdict == "ok", "failed", text + errors)
    if status and not failed:
        ctx.fail(program, "ended with %s" % status, text + errors)
