# SPDX-License-Identifier: MIT
"""File systems that are not whole: e2fsprogs' own odd and corrupt images, and mutations of healthy
ones. tests/stress/fspoke.c mounts and uses each; whatever the answers are, the kernel must neither
panic nor hang nor report an error inside itself. The quick form takes a sample that changes every
day; the suite `badfsall` takes everything."""
import bz2
import dataclasses
import datetime
import glob
import gzip
import os
import random
import re
import subprocess

import fsimages
from crash import mutate
from vmlib.guest import Guest
from vmlib.qemu import Options, TOP

from . import interchange

SECONDS = 20        # for one image, before it counts as a hang
BATCH = 25
TARGET_KIB = 160000
MOUNTS = ("errors=continue", "errors=remount-ro")
HEALTHY = ("-b 1024 -I 128", "-b 1024 -I 256 -g 1024", "-b 4096 -I 256", "-b 1024 -O ^dir_index")


@dataclasses.dataclass
class Image:
    """Bytes of a file system up to the last that is not zero, and its size; where they are on the
    source disk."""
    data: bytes
    size: int
    offset: int = 0


@dataclasses.dataclass
class Case:
    """One mount: an image by number, options, changes."""
    name: str
    base: int
    options: str
    changes: list

    def line(self):
        return " ".join(["case", self.name, str(self.base), self.options] +
                        ["%d:%s" % (at, data.hex()) for at, data in self.changes])


def upstream():
    """{name: image} of the images in e2fsprogs' sources that look like ext2, 3 or 4, or nearly."""
    script = os.path.join(TOP, "scripts/build/e2fsprogs.sh")
    folder = subprocess.run([script], check=True, capture_output=True).stdout.decode().strip()
    out = {}
    for path in sorted(glob.glob(folder + "/tests/*/image*.gz") +
                       glob.glob(folder + "/tests/*/image*.bz2")):
        if ".tar" in path:
            continue
        with (gzip if path.endswith("gz") else bz2).open(path) as f:
            data = f.read()
        name = os.path.basename(os.path.dirname(path))
        if name in out:
            name += "-" + os.path.basename(path).split(".")[0]
        out[name] = Image(data.rstrip(b"\0"), len(data))
    return out


def healthy(folder):
    """{options: image} of small healthy file systems, with all kinds of objects in them."""
    out = {}
    for options, path in zip(HEALTHY, interchange.make_images(list(HEALTHY), folder, small=True)):
        with open(path, "rb") as f:
            data = f.read()
        out[options] = Image(data.rstrip(b"\0"), len(data))
    return out


class Run:
    """The images on one disk, a machine, and the cases that go through it."""

    def __init__(self, ctx, folder):
        self.ctx, self.folder = ctx, folder
        self.images, self.cases = [], []

    def add(self, image):
        self.images.append(image)
        return len(self.images) - 1

    def write_source(self):
        """The source disk: images one after the other, with a line for fspoke each."""
        self.source, at = self.folder + "/source", 0
        fd = os.open(self.source, os.O_WRONLY | os.O_CREAT, 0o600)
        for image in self.images:
            image.offset = at
            for k in range(0, len(image.data), 65536):
                piece = image.data[k:k + 65536]
                if piece.strip(b"\0"):
                    os.pwrite(fd, piece, at + k)
            at += -(-len(image.data) // 65536) * 65536
        os.ftruncate(fd, at + fsimages.MIB)
        os.close(fd)
        self.target = self.folder + "/target"
        with open(self.target, "wb") as f:
            f.truncate(TARGET_KIB * 1024)

    def guest(self):
        """A machine with the source, and the device that takes the images."""
        linux = self.ctx.kernel == "linux"
        args, names = fsimages.attach(self.ctx.kernel,
                                   [self.source] + ([self.target] if linux else []))
        self.devices = names if linux else [names[0], "/dev/ram0"]
        return Guest(Options(kernel=self.ctx.kernel, config=self.ctx.config, image="test", smp=2,
                             mem="1024", append="ramdisk_size=%d" % TARGET_KIB, extra=args))

    def reports(self, guest):
        """How many errors the kernel counted inside itself."""
        if self.ctx.kernel == "linux" or not guest.proc:
            return 0
        return int(guest.run(["cat", "/proc/keelson/reports"]).stdout.strip() or 0)

    def feed(self, guest, cases):
        """{name: result line} of a batch, and what became of the machine."""
        lines = ["base %d %d %d %d" % (n, i.offset, i.size, len(i.data))
                 for n, i in enumerate(self.images) if n in {c.base for c in cases}]
        # Loud answers of the file system are wanted, but not at the speed of a serial line.
        done = guest.run(["/usr/lib/tests/fspoke", *self.devices, "/mnt", str(SECONDS)],
                         stdin=("\n".join(lines + [c.line() for c in cases]) + "\n").encode(),
                         timeout=SECONDS * 3 + len(cases) * 10)
        results = {}
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            name, _, text = line.partition(": ")
            results[name] = (results[name] + "; " if name in results else "") + text
        return results, done

    def batch(self, guest, cases):
        """Run cases; after one that the machine did not survive go on with the rest."""
        while cases:
            before = self.reports(guest)
            results, done = self.feed(guest, cases)
            log = done.log or guest.log()
            seen = 0
            for case in cases:
                text = results.get(case.name)
                if text is None:
                    break
                seen += 1
                wrong = re.search(r"hang|umount:|cannot install|ended with", text)
                if wrong or len(cases) == 1 and self.reports(guest) > before:
                    self.ctx.fail(case.name, text if wrong else "the kernel reported errors",
                                  "%s\n%s\n%s" % (case.line(), text, log))
                elif len(cases) == 1 or self.reports(guest) == before:
                    self.ctx.ok(case.name)
            if done.status and seen < len(cases):
                if not re.search("hang|umount:|cannot install", results.get(
                        cases[seen - 1].name, "") if seen else ""):
                    self.ctx.fail(cases[seen].name, "status %d %s" % (done.status, done.reason),
                                  "%s\n%s\n%s" % (cases[seen].line(),
                                                  done.stderr.decode("utf-8", "replace"), log))
                    seen += 1
                guest.close()
            elif len(cases) > 1 and self.reports(guest) > before:
                # Which one was it? One by one, on a fresh machine.
                guest.close()
                for case in cases:
                    self.batch(guest, [case])
                return
            cases = cases[seen:]

    def run(self):
        self.write_source()
        with self.guest() as guest:
            for i in range(0, len(self.cases), BATCH):
                self.batch(guest, self.cases[i:i + BATCH])


def run(ctx, images=50, mutants=100):
    """images, mutants: how many of each to take; 0: all of the images, in every way to mount."""
    today = ctx.pattern and "" or datetime.date.today().isoformat()
    rng = random.Random(today)
    with fsimages.folder("badfs") as folder:
        r = Run(ctx, folder)
        found = upstream()
        names = sorted(found) if not images or ctx.pattern else sorted(rng.sample(sorted(found),
                                                                                  images))
        for i, name in enumerate(names):
            for k, options in enumerate(MOUNTS):
                if (not images or (i + len(today)) % 2 == k) and ctx.wants(name):
                    r.cases.append(Case("%s,%s" % (name, options), r.add(found[name]), options, []))
        bases = [(r.add(i), mutate.Ext2(i.data.ljust(i.size, b"\0"))) for i in healthy(folder).values()]
        first = 0 if not images or ctx.pattern else rng.randrange(1000000)
        for n in range(first, first + mutants):
            number, image = bases[n % len(bases)]
            name = "mutant-%d" % n
            if ctx.wants(name):
                r.cases.append(Case(name, number, MOUNTS[n // 4 % 2], mutate.mutate(image, n)))
        r.run()
