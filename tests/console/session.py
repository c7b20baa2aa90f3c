# SPDX-License-Identifier: MIT
"""A machine at whose serial console the test sits as a person would, through a terminal.

    with Session(kernel="linux") as s:
        s.shell("echo $((6*7))")        types the line, returns what came before the next prompt
        s.send("vi f\\r"); s.expect("text"); s.key("ctrl-alt-delete"); s.screen("shot.ppm")

Nothing here waits for a time: expect() waits for text, up to a limit that only detects hangs.
"""
import json
import os
import re
import socket
import sys
import tempfile
import termios
import time

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import pexpect  # noqa: E402  pylint: disable=wrong-import-position

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROMPT = r"(?<!\r)root@keelson:[^\r\n]*# "  # behind a lone \r it is only drawn again
LIMIT = 30
# Programs ask the terminal where the cursor is; behind a move to the far corner that is its size.
ASK_CURSOR = "\x1b[6n"
FAR_CORNER = "\x1b[999;999H"
ROWS, COLUMNS = 24, 80


class Session:
    """One machine started by `scripts/vm run` inside a pseudo terminal of 24 lines, 80 columns."""

    def __init__(self, kernel="keelson", config="default", boot="direct", limit=LIMIT, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-session-")
        self.monitor_path = os.path.join(self.folder.name, "qmp")
        args = ["run", "--kernel", kernel, "--config", config, "--" + boot,
                "--qemu=-qmp", "--qemu=unix:%s,server=on,wait=off" % self.monitor_path]
        if boot == "direct":
            # Messages of the kernel between the characters would only confuse the patterns.
            options["append"] = ("quiet " + options.get("append", "")).strip()
        for name, value in options.items():
            args.append("--" + name if value is True else "--%s=%s" % (name, value))
        self.log = open(os.path.join(self.folder.name, "log"), "w", encoding="utf-8",
                        errors="replace", newline="")
        self.tty = pexpect.spawn(os.path.join(TOP, "scripts/vm"), args, encoding="utf-8",
                                 codec_errors="replace", dimensions=(ROWS, COLUMNS), timeout=limit,
                                 logfile=None, env=dict(os.environ, TERM="vt100"))
        # QEMU leaves output processing on; a second carriage return would confuse every pattern.
        mode = termios.tcgetattr(self.tty.child_fd)
        mode[1] &= ~termios.ONLCR
        termios.tcsetattr(self.tty.child_fd, termios.TCSANOW, mode)
        self.tty.logfile_read = self.log
        self.tty.delaybeforesend = None
        self.qmp = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the machine at once."""
        if self.qmp:
            self.qmp.close()
        self.tty.close(force=True)
        self.log.close()
        self.folder.cleanup()

    def text(self):
        """Everything the machine wrote so far."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace", newline="") as f:
            return f.read()

    def expect(self, pattern, limit=-1):
        """Wait for a regular expression; the match. Cursor questions are answered meanwhile."""
        while True:
            index = self.tty.expect([pattern, re.escape(ASK_CURSOR)], timeout=limit)
            if index == 0:
                return self.tty.match
            self.answer_cursor()

    def answer_cursor(self):
        """Say where the cursor is, as a terminal does when it is asked."""
        corner = self.tty.before.endswith(FAR_CORNER)
        self.tty.send("\x1b[%d;%dR" % (ROWS, COLUMNS if corner else 1))

    def send(self, text):
        """Type."""
        self.tty.send(text)

    def prompt(self, limit=-1):
        """Wait for the shell's prompt; what was written before it, with plain line ends."""
        before = ""
        while True:
            index = self.tty.expect([PROMPT, re.escape(ASK_CURSOR)], timeout=limit)
            before += self.tty.before
            if index == 0:
                return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", before).replace("\r\n", "\n")
            self.answer_cursor()

    def shell(self, line, limit=-1):
        """A line to the shell; its output."""
        self.send(line + "\r")
        text = self.prompt(limit)
        return text.split("\n", 1)[1] if "\n" in text else ""

    def ended(self, limit=30):
        """Wait for the end of the machine; QEMU's status."""
        self.tty.expect(pexpect.EOF, timeout=limit)
        self.tty.close()
        return self.tty.exitstatus

    def command(self, name, **arguments):
        """A QMP command; its answer."""
        if not self.qmp:
            self.qmp = socket.socket(socket.AF_UNIX)
            self.qmp.settimeout(20)
            self.qmp.connect(self.monitor_path)
            self.stream = self.qmp.makefile("rw", encoding="utf-8")
            self.stream.readline()
            self.command("qmp_capabilities")
        json.dump({"execute": name, "arguments": arguments}, self.stream)
        self.stream.write("\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "return" in answer or "error" in answer:
                return answer

    def key(self, *keys):
        """Press keys of the PS/2 keyboard together: key("ctrl", "alt", "delete")."""
        self.command("send-key", keys=[{"type": "qcode", "data": k} for k in keys])

    def type_keys(self, text):
        """Type text on the PS/2 keyboard, US layout."""
        names = {" ": ["spc"], "\n": ["ret"], "/": ["slash"], "-": ["minus"], ".": ["dot"],
                 ">": ["shift", "dot"], "_": ["shift", "minus"], ";": ["semicolon"],
                 "|": ["shift", "backslash"], "&": ["shift", "7"], "=": ["equal"]}
        for char in text:
            if char.isupper():
                self.key("shift", char.lower())
            else:
                self.key(*names.get(char, [char]))
            time.sleep(0.02)  # an emulated keyboard holds 16 bytes

    def screen(self, path):
        """A picture of the VGA screen, as PPM; its bytes."""
        self.command("screendump", filename=path)
        for _ in range(100):
            if os.path.exists(path) and os.path.getsize(path) > 100:
                break
            time.sleep(0.02)
        with open(path, "rb") as f:
            return f.read()
