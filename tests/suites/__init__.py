# SPDX-License-Identifier: MIT
"""Suites of tests/runner.py: each module has run(ctx) and reports its cases to ctx."""
import os
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))


def both(one, other):
    """Call two functions at the same time and return both results; an exception is passed on."""
    results, errors = {}, []

    def call(key, function):
        try:
            results[key] = function()
        except Exception as err:  # carried over to the caller's thread below
            errors.append(err)

    threads = [threading.Thread(target=call, args=(i, f)) for i, f in enumerate((one, other))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results[0], results[1]


def check_reports(ctx, guest, case="no reports"):
    """A case of its own: the kernel counted no error inside itself while the guest ran."""
    if guest.options.kernel != "keelson" or not guest.proc:
        return
    result = guest.run(["cat", "/proc/keelson/reports"])
    count = result.stdout.strip()
    ctx.check(case, count == b"0", "the kernel reported %s errors" % count.decode("ascii", "replace"),
              guest.log())
