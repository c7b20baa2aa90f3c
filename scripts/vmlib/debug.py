# SPDX-License-Identifier: MIT
"""`vm debug`: a machine that waits at its first instruction, and gdb on it.

gdb gets the kernel's symbols and the commands of scripts/gdb/keelson.py. The guest's console goes
to a file that the command `k-console` shows, so that the terminal belongs to gdb.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from . import qemu


def debug(opt, only_port, commands=()):
    """Run gdb on a fresh machine; its exit status. only_port: leave gdb to another program.
    commands: lines for gdb to run first."""
    if not only_port and not shutil.which("gdb"):
        raise qemu.VmError("gdb is missing: run `make setup`")
    with tempfile.TemporaryDirectory(prefix="keelson-debug-") as folder:
        socket = os.path.join(folder, "gdb")
        console = os.path.join(folder, "console")
        opt.accel = "tcg"  # hardware breakpoints of a real CPU are few and less exact
        opt.extra += ("-S", "-monitor", "none")
        where = "tcp:127.0.0.1:1234" if only_port else "unix:%s,server=on,wait=off" % socket
        serials = ["mon:stdio"] if only_port else ["file:" + console]
        if only_port:
            opt.extra = tuple(a for a in opt.extra if a not in ("-monitor", "none"))
        proc = qemu.start(qemu.command(opt, serials=serials, gdb=where), own_group=not only_port,
                          stdin=None if only_port else subprocess.DEVNULL)
        try:
            if only_port:
                print("vm: gdb can connect to localhost:1234", file=sys.stderr)
                return proc.wait()
            return run_gdb(opt, socket, console, commands)
        finally:
            qemu.kill(proc)


def run_gdb(opt, socket, console, commands):
    """gdb in this terminal; Ctrl-C stops the machine, not this tool."""
    kernel = os.path.join(qemu.TOP, "build", opt.config, "kernel.elf")
    for _ in range(200):
        if os.path.exists(socket):
            break
        subprocess.run(["sleep", "0.02"], check=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    env = dict(os.environ, KEELSON_CONSOLE=console)
    cmd = ["gdb", "-q", kernel, "-ex", "set pagination off", "-ex", "target remote " + socket,
           "-ex", "source " + os.path.join(qemu.TOP, "scripts/gdb/keelson.py")]
    for line in commands:
        cmd += ["-ex", line]
    return subprocess.run(cmd, env=env, check=False,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)).returncode
