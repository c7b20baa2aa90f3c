# SPDX-License-Identifier: MIT
"""A booted machine that runs commands, one after the other, through the agent on ttyS1.

    with Guest(Options(kernel="linux")) as guest:
        result = guest.run(["uname", "-a"], stdin=b"", timeout=10)
        result.status, result.stdout, result.stderr

The frames are described in userland/vmagent/main.c. The machine boots on the first run() and is
booted again after a panic, a hang or a time limit that the agent could not enforce.
"""
import dataclasses
import os
import select
import signal
import socket
import struct
import tempfile
import time

from . import qemu

AGENT = "init=/sbin/vmagent"
HELLO = b"H\x01\x001"
INPUT_WINDOW = 2048
BOOT_LIMIT = 60.0
KILL_GRACE = 5.0
TIMED_OUT, PANICKED = 124, 125


@dataclasses.dataclass
class Result:
    """How a command ended. status: exit status, 128+signal, 124 time limit, 125 machine lost;
    then log is the console's and reason says how it was lost."""
    status: int
    stdout: bytes
    stderr: bytes
    seconds: float
    log: str = ""
    reason: str = ""


class Lost(Exception):
    """The machine ended or does not answer."""


class Guest:
    """One machine, booted when needed. Not for use by two threads at once."""

    def __init__(self, options, boot_limit=BOOT_LIMIT):
        self.options = options
        self.boot_limit = boot_limit
        self.proc = None
        self.sock = None
        self.buffer = b""
        self.log_file = None
        self.boots = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def log(self):
        """What the machine wrote to its console (ttyS0) so far."""
        if not self.log_file:
            return ""
        with open(self.log_file.name, "rb") as f:
            return f.read().decode("utf-8", "replace").replace("\r\n", "\n")

    def boot(self):
        """Start the machine and wait for the agent's hello; raises Lost."""
        self.close()
        self.log_file = tempfile.NamedTemporaryFile(prefix="keelson-log-")
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        append = AGENT + (" rd" + AGENT if self.options.kernel == "linux" else "")
        cmd = qemu.command(self.options, append=append,
                           serials=["file:" + self.log_file.name, "chardev:agent"])
        cmd += ["-chardev", "socket,id=agent,fd=%d" % fd]
        self.proc = qemu.start(cmd, stdin=qemu.subprocess.DEVNULL, pass_fds=[fd])
        theirs.close()
        self.sock, self.buffer = ours, b""
        self.boots += 1
        self.wait_for_hello(time.monotonic() + self.boot_limit)

    def wait_for_hello(self, deadline):
        """Wait for the agent's first frame. UEFI uses both ports as consoles: its text comes
        before it and is dropped."""
        while HELLO not in self.buffer:
            if not self.receive(deadline):
                raise Lost("the agent did not come up within %g s" % self.boot_limit)
        self.buffer = self.buffer.split(HELLO, 1)[1]

    def close(self):
        """End the machine at once."""
        if self.proc:
            qemu.kill(self.proc)
        if self.sock:
            self.sock.close()
        self.proc = self.sock = None

    def power_off(self, limit=10.0):
        """Ask for an orderly end; True when the machine went off by itself in time."""
        self.send(b"Q", b"")
        try:
            return self.proc.wait(limit) == 0
        except qemu.subprocess.TimeoutExpired:
            return False
        finally:
            self.close()

    def send(self, kind, data):
        """Send one frame; raises Lost."""
        try:
            self.sock.sendall(kind + struct.pack("<H", len(data)) + data)
        except OSError as err:
            raise Lost(str(err)) from err

    def frame(self, deadline):
        """The next frame (type, payload), or (b"", b"") at the deadline; raises Lost."""
        while True:
            if len(self.buffer) >= 3:
                size = 3 + struct.unpack_from("<H", self.buffer, 1)[0]
                if len(self.buffer) >= size:
                    frame, self.buffer = self.buffer[:size], self.buffer[size:]
                    return frame[:1], frame[3:]
            if not self.receive(deadline):
                return b"", b""

    def receive(self, deadline):
        """Wait for more bytes from the agent: False at the deadline; raises Lost."""
        wait = max(0.0, deadline - time.monotonic())
        if not select.select([self.sock], [], [], wait)[0]:
            return False
        try:
            data = self.sock.recv(65536)
        except OSError as err:
            raise Lost(str(err)) from err
        if not data:
            raise Lost("the machine ended")
        self.buffer += data
        return True

    def run(self, argv, stdin=b"", timeout=60.0, on_output=None):
        """Run a command. stdin: bytes or a file descriptor. on_output(1 or 2, bytes) gets output
        as it comes. Never raises for what the guest does: see Result.status."""
        started = time.monotonic()
        job = Job(self, stdin, on_output)
        reason = ""
        try:
            if not self.proc or self.proc.poll() is not None:
                self.boot()
            status = job.run(argv, time.monotonic() + timeout)
        except Lost as err:
            status, reason = PANICKED, str(err)
        result = Result(status, bytes(job.out[1]), bytes(job.out[2]), time.monotonic() - started,
                        reason=reason)
        if job.lost or status == PANICKED and (not self.proc or not job.ended):
            if self.proc:
                self.settle()
            result.log = self.log()
            self.close()
        return result

    def settle(self):
        """Give a machine that panics a moment to finish its report."""
        try:
            self.proc.wait(2)
        except qemu.subprocess.TimeoutExpired:
            pass

    def put(self, path, data, mode=0o644):
        """Write a file in the guest."""
        script = 'cat >"$0" && chmod %o "$0"' % mode
        result = self.run(["sh", "-c", script, path], stdin=data)
        if result.status:
            raise qemu.VmError("cannot write %s: %r" % (path, result.stderr))


class Job:
    """One command of a guest: its input still to send and the output so far."""

    def __init__(self, guest, stdin, on_output):
        self.guest = guest
        self.fd = stdin if isinstance(stdin, int) else None
        self.input = b"" if self.fd is not None else stdin
        self.input_end = self.fd is None
        self.end_sent = False
        self.window = INPUT_WINDOW
        self.on_output = on_output
        self.out = {1: bytearray(), 2: bytearray()}
        self.ended = False
        self.lost = False

    def run(self, argv, deadline):
        """Run to the end or the deadline and return the status; raises Lost."""
        self.guest.send(b"R", b"".join(os.fsencode(a) + b"\0" for a in argv))
        timed_out = False
        while True:
            if not timed_out:
                self.push()
            kind, data = self.next_frame(deadline)
            if kind in (b"1", b"2"):
                self.take(int(kind), data)
            elif kind == b"A":
                self.window += struct.unpack("<I", data)[0]
            elif kind == b"X":
                self.ended = True
                return TIMED_OUT if timed_out else status_of(struct.unpack("<I", data)[0])
            elif kind == b"" and time.monotonic() >= deadline:
                if timed_out:
                    self.lost = True
                    return TIMED_OUT
                timed_out = True
                deadline = time.monotonic() + KILL_GRACE
                self.guest.send(b"K", b"")

    def next_frame(self, deadline):
        """A frame, or nothing as soon as there is input to fetch from the descriptor."""
        wants_input = self.fd is not None and not self.input_end and not self.input
        if wants_input and len(self.guest.buffer) < 3:
            wait = max(0.0, deadline - time.monotonic())
            ready = select.select([self.guest.sock, self.fd], [], [], wait)[0]
            if self.fd in ready:
                data = os.read(self.fd, 65536)
                self.input, self.input_end = data, not data
            if self.guest.sock not in ready:
                return b"", b""
        return self.guest.frame(deadline)

    def push(self):
        """Send as much input as the guest has room for."""
        while self.input and self.window:
            part, self.input = self.input[:self.window], self.input[self.window:]
            self.window -= len(part)
            self.guest.send(b"I", part)
        if not self.input and self.input_end and not self.end_sent:
            self.end_sent = True
            self.guest.send(b"E", b"")

    def take(self, stream, data):
        if self.on_output:
            self.on_output(stream, data)
        else:
            self.out[stream] += data


def status_of(wait_status):
    """A shell's status for the guest's wait status."""
    if os.WIFSIGNALED(wait_status):
        return 128 + os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


def signal_name(status):
    """`SIGSEGV` for 139, and so on; empty for statuses that are none."""
    try:
        return signal.Signals(status - 128).name
    except ValueError:
        return ""
