# SPDX-License-Identifier: MIT
"""Console sessions: the functions test_* of tests/console/*.py, each on a machine of its own.

A function takes the arguments of Session that name the kernel, opens a session and asserts. A
docstring line `linux: no` keeps it from running when Linux is the subject.
"""
import glob
import importlib.util
import os
import traceback


def load(path):
    """A file of tests/console as a module."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(ctx):
    os.sys.path.insert(0, "tests/console")
    for path in sorted(glob.glob("tests/console/*.py")):
        module = load(path)
        for name, function in list(vars(module).items()):
            case = "%s/%s" % (module.__name__, name[5:])
            if name.startswith("test_") and ctx.wants(case):
                if ctx.kernel == "linux" and "linux: no" in (function.__doc__ or ""):
                    continue
                run_case(ctx, case, module, function)


def run_case(ctx, case, module, function):
    """One function; the session's text is the log of a failure."""
    sessions = []

    class Recorded(module.Session):
        """A session that leaves its text when it closes."""

        def close(self):
            if not self.log.closed:
                sessions.append(self.text())
            super().close()

    try:
        function(lambda **options: Recorded(kernel=ctx.kernel, config=ctx.config, **options))
        ctx.ok(case)
    except Exception as err:  # whatever it is, this case failed by it
        why = (str(err).split("\n", 1)[0] or type(err).__name__)[:100]
        ctx.fail(case, why, traceback.format_exc() + "\n".join(sessions))
