# SPDX-License-Identifier: MIT
"""Self-tests inside the kernel: booted with ktest=all, which ends the machine by the exit device."""
import os
import re
import subprocess
import tempfile

from vmlib import qemu

LINE = re.compile(r"(ok|not ok) \d+ - (\S+)(.*)")
LIMIT = 120


def run(ctx):
    opt = qemu.Options(kernel=ctx.kernel, config=ctx.config, image="minimal", smp=2,
                       append="ktest=" + (ctx.pattern or "all"))
    with tempfile.NamedTemporaryFile() as log:
        proc = qemu.start(qemu.command(opt, serials=["file:" + log.name]),
                          stdin=subprocess.DEVNULL)
        try:
            status = proc.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = -1
        finally:
            qemu.kill(proc)
        with open(log.name, encoding="utf-8", errors="replace") as f:
            text = f.read().replace("\r\n", "\n")
    failed = 0
    for verdict, case, rest in LINE.findall(text):
        failed += verdict != "ok"
        ctx.check(case, verdict == "ok", rest.strip() or "failed", text)
    if status not in (qemu.EXIT_TEST_OK, qemu.EXIT_TEST_FAIL) and not failed:
        ctx.fail("end", "QEMU ended with %d" % status, text)
