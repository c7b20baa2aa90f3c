# SPDX-License-Identifier: MIT
"""Bad input at boot: damaged archives, absurd command lines.

Every boot must end in a shell or in a kernel panic that says what is missing (there is no process 1
without a file for it); never in a fault, a report, a reset or a hang.
"""
import gzip
import os
import random
import re
import subprocess
import tempfile

from vmlib import qemu

LIMIT = 60
SEED = 20261120
BAD = re.compile(r"page fault|protection fault|assertion failed|\breport: |divide error|"
                 r"invalid opcode|double fault|KASAN|stack of .* is corrupted")
NO_INIT = re.compile(r"Kernel panic: .*(init|root)", re.I)
SPEAKS = "@first"


def boot(ctx, folder, data, line, gzipped=False):
    """Boot with an archive and a command line: (how it ended, console text)."""
    image = os.path.join(folder, "image")
    log = os.path.join(folder, "log")
    with open(image, "wb") as f:
        f.write(gzip.compress(data, 1) if gzipped is True else data)
    opt = qemu.Options(kernel=ctx.kernel, config=ctx.config, image=image, mem="64", append=line)
    if os.path.exists(log):
        os.remove(log)
    proc = qemu.start(qemu.command(opt, serials=["file:" + log]), stdin=subprocess.DEVNULL)
    try:
        for _ in range(LIMIT * 20):
            text = read(log)
            if SPEAKS in text:
                return "spoke", text
            try:
                return proc.wait(0.05), read(log)
            except subprocess.TimeoutExpired:
                pass
        return "hang", read(log)
    finally:
        qemu.kill(proc)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def damaged(image, rng):
    """(name, bytes, gzip) of damaged archives."""
    for n in range(12):
        yield "cut %d" % n, image[:rng.randrange(len(image))], False
    for n in range(24):
        data = bytearray(image)
        for _ in range(rng.choice((1, 4, 64))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        yield "flipped %d" % n, bytes(data), False
    headers = [m.start() for m in re.finditer(b"070701", image)]
    for n in range(24):
        data = bytearray(image)
        at = rng.choice(headers) + 6 + 8 * rng.randrange(13)
        data[at:at + 8] = rng.choice((b"FFFFFFFF", b"7FFFFFFF", b"00000000", b"80000000", b"0000000G",
                                      b"%08X" % rng.randrange(1 << 32)))
        yield "header %d" % n, bytes(data), False
    packed = gzip.compress(image, 1)
    for n in range(12):
        data = bytearray(packed)
        for _ in range(rng.choice((1, 8))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        yield "gzip flipped %d" % n, bytes(data), None
    for n in range(6):
        yield "gzip cut %d" % n, packed[:rng.randrange(len(packed))], None
    yield "empty", b"", False
    yield "zeros", bytes(100000), False
    yield "noise", rng.randbytes(100000), False
    yield "only gzip magic", b"\x1f\x8b", None


LINES = {
    "long word": "x" * 3000,
    "many words": " ".join("w%d=%d" % (i, i) for i in range(400)),
    "odd numbers": "loglevel=999999999999999999999 maxcpus=-1 console=ttyS99 console=tty64,xyz",
    "empty values": "loglevel= maxcpus= console= init=",
    "quotes": "init=\"/sbin/init 'a b\" x='",
    "controls": "a\tb\x01c \x7f \xff\xfe",
    "only spaces": " " * 2000,
    "equals": "==== = =x x= ==x",
    "percent": "%s%n%p %x init=%s",
    "no such init": "init=/no/such/file",
    "directory as init": "init=/dev",
}


def run(ctx):
    with open(qemu.image_path("first"), "rb") as f:
        image = f.read()
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        for name, data, gzipped in damaged(image, rng):
            if ctx.wants(name):
                judge(ctx, name, *boot(ctx, folder, data, "", gzipped))
        for name, line in LINES.items():
            if ctx.wants(name):
                judge(ctx, name, *boot(ctx, folder, image, line))


def judge(ctx, name, ended, text):
    """A case from the end of a boot and what it said."""
    bad = BAD.search(text)
    if bad:
        ctx.fail(name, bad.group(0), text)
    elif ended == "spoke" or ended == qemu.EXIT_PANIC and NO_INIT.search(text):
        ctx.ok(name)
    else:
        ctx.fail(name, "ended with %s" % ended, text)
