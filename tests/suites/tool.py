# SPDX-License-Identifier: MIT
"""scripts/vm itself: streams, statuses, limits, nothing left behind."""
import os
import subprocess
import time

VM = ["scripts/vm", "exec", "--kernel", "linux"]


def vm(*args, **kwargs):
    """vm exec --kernel linux with arguments; the finished process."""
    return subprocess.run(VM + list(args), capture_output=True, timeout=120, check=False, **kwargs)


def keelson(ctx, *args):
    """vm exec of the kernel under test, without input; the finished process."""
    return subprocess.run(["scripts/vm", "exec", "--config", ctx.config] + list(args), timeout=120,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)


def machines():
    """How many QEMU processes are children of this one, at any depth."""
    rows = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as f:
                name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError):
            continue  # it has ended
        rows.append((pid, rest.split()[1], name))
    family, count = {str(os.getpid())}, 0
    for _ in range(8):
        family |= {pid for pid, ppid, _ in rows if ppid in family}
    for pid, _, name in rows:
        count += pid in family and name.startswith("qemu-system")
    return count


def run(ctx):
    data = os.urandom(100000)
    done = vm("--", "cat", input=data)
    ctx.check("streams/binary", done.returncode == 0 and done.stdout == data,
              "stdout differs from stdin, status %d" % done.returncode, repr(done.stderr))
    done = vm("--", "sh", "-c", "echo out; echo err >&2; exit 7", input=b"")
    ctx.check("streams/apart", (done.stdout, done.stderr) == (b"out\n", b"err\n"), repr(done))
    ctx.check("status/exit", done.returncode == 7, "status %d, not 7" % done.returncode)
    done = vm("--", "sh", "-c", "kill -SEGV $$", input=b"")
    ctx.check("status/signal", done.returncode == 139, "status %d, not 139" % done.returncode)
    done = vm("--", "/no/such/program", input=b"")
    ctx.check("status/missing", done.returncode == 127, "status %d, not 127" % done.returncode)
    started = time.monotonic()
    done = vm("--timeout", "2", "--", "sleep", "1000", input=b"")
    ctx.check("limit/status", done.returncode == 124, "status %d, not 124" % done.returncode)
    ctx.check("limit/time", time.monotonic() - started < 60, "took too long")
    done = vm("--", "sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger",
              input=b"")
    ctx.check("panic/status", done.returncode == 125, "status %d, not 125" % done.returncode)
    ctx.check("panic/log", b"Kernel panic" in done.stderr, "no log on standard error",
              repr(done.stderr))
    for way in ("bios", "uefi"):
        done = keelson(ctx, "--" + way, "--", "echo", "here")
        ctx.check("way/" + way, (done.returncode, done.stdout) == (0, b"here\n"),
                  "status %d" % done.returncode, repr(done.stderr))
    for option in ("config", "image", "kernel"):
        done = keelson(ctx, "--" + option, "nothing", "--", "true")
        ctx.check("no such/" + option, done.returncode == 1 and b"nothing" in done.stderr and
                  b"make" not in done.stderr, "unclear", repr(done.stderr))
    debug_session(ctx)
    killed = subprocess.Popen(VM + ["--", "sleep", "1000"], stdin=subprocess.DEVNULL)
    time.sleep(2)
    killed.kill()
    killed.wait()
    time.sleep(0.5)
    ctx.check("killed/no machine left", machines() == 0, "a QEMU lives on")


def debug_session(ctx):
    """gdb stops the kernel in a system call; our commands print what they promise."""
    cmd = ["scripts/vm", "debug", "--config", ctx.config]
    for line in ("hbreak sys_getpid", "continue", "k-cpus", "k-ps", "k-log", "k-bt-all"):
        cmd += ["--ex", line]
    cmd += ["--ex", "kill", "--ex", "quit"]
    text = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=120, check=False).stdout
    for name, part in (("processors", "CPU 0: task "), ("processes", "  PID   TID  PPID"),
                       ("log", "init: Keelson"), ("backtrace", "syscall_entry")):
        ctx.check("debug/" + name, part in text, "%r is missing" % part, text)
