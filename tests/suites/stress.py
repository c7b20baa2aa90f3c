# SPDX-License-Identifier: MIT
"""Storms of tests/stress on 4 CPUs: each checks its own results, and memory must come back.

The quick form gives each a few seconds; the suite `soak` is the long one (--seconds, 600).
"""
import re

from vmlib.guest import Guest, PANICKED
from vmlib.qemu import Options

from . import check_reports

STORMS = ["fork", "sigexec", "setid", "threads", "mmap", "mapfile", "pipes", "files", "names",
          "futex", "cache", "loop", "oom"]
# A storm under another name: of a device that is made first.
MADE = {"loop": "truncate -s 16M /tmp/img; losetup /dev/loop0 /tmp/img || exit;"
                "STRESS_DEV=/dev/loop0 exec /usr/lib/tests/stress cache %d"}
QUICK = 3
REPORT = re.compile(r"^.*(?:\breport: |Kernel panic:).*$", re.M)


def run(ctx, seconds=QUICK):
    seconds = int(ctx.seconds or seconds)
    for storm in STORMS:
        if ctx.wants(storm):
            run_storm(ctx, storm, seconds)


def run_storm(ctx, storm, seconds):
    """One storm on a fresh machine; the console must stay free of reports."""
    memory = "256" if ctx.config != "debug" else "768"
    with Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test", smp=4, mem=memory,
                       append="loglevel=7")) as guest:
        argv = ["/usr/lib/tests/stress", storm, str(seconds)]
        if storm in MADE:
            argv = ["sh", "-c", MADE[storm] % seconds]
        result = guest.run(argv, timeout=seconds * 3 + 120)
        check_reports(ctx, guest, storm + "/no reports")
        log = result.log or guest.log()
    text = "%s\n%s\n%s" % (result.stdout.decode("utf-8", "replace"),
                           result.stderr.decode("utf-8", "replace"), log)
    if result.stdout:
        ctx.note(result.stdout.decode("utf-8", "replace").strip())
    reports = REPORT.findall(log)
    if result.status == PANICKED:
        ctx.fail(storm, "the machine was lost", text)
    elif result.status:
        ctx.fail(storm, "status %d" % result.status, text)
    else:
        ctx.check(storm, not reports, (reports or [""])[0][:100], text)
