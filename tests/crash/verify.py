# SPDX-License-Identifier: MIT
"""Every state a log of writes allows: built, judged by e2fsck, repaired, and its files compared."""
import os
import random
import re
import shutil
import subprocess
import tempfile

from . import fsck, logwrites

KINDS = {"regular": "file", "directory": "dir", "symlink": "link"}


def last_ack(entries, region):
    """For each prefix length of entries the number acknowledged in it; region: byte range."""
    acks, n = [0], 0
    for e in entries:
        if e.data and region[0] <= e.offset < region[1] and e.data[:4] == b"ack!":
            n = int.from_bytes(e.data[8:16], "little")
        acks.append(n)
    return acks


def contents(image, wanted, folder):
    """What debugfs finds at each path of wanted: {path: None or (kind, data or None)}."""
    commands, paths = [], sorted(wanted)
    for i, path in enumerate(paths):
        commands.append("stat %s" % path)
        node = wanted[path]
        if node and "data" in node and node["kind"] == "file":
            commands.append("dump %s %s/%d" % (path, folder, i))
    script = folder + "/commands"
    with open(script, "w", encoding="ascii") as f:
        f.write("\n".join(commands) + "\n")
    text = subprocess.run(["/usr/sbin/debugfs", "-f", script, image], capture_output=True,
                          check=False).stdout.decode("utf-8", "replace")
    found = {}
    for i, part in enumerate(re.split(r"debugfs: stat ", text)[1:]):
        kind = re.search(r"Type: (\w+)", part)
        if not kind:
            found[paths[i]] = None
            continue
        kind, data = KINDS.get(kind[1], kind[1]), None
        if kind == "link":
            link = re.search(r'Fast link dest: "(.*)"', part)
            data = link[1].encode() if link else None
        elif os.path.exists("%s/%d" % (folder, i)):
            with open("%s/%d" % (folder, i), "rb") as f:
                data = f.read()
            os.unlink("%s/%d" % (folder, i))
        found[paths[i]] = (kind, data)
    return found


def missing(image, wanted, folder):
    """What was promised and is not there, as text lines."""
    out = []
    for path, (node, got) in ((p, (wanted[p], g)) for p, g in contents(image, wanted, folder).items()):
        if node is None:
            if got is not None:
                out.append("%s is back" % path)
        elif got is None:
            out.append("%s is gone" % path)
        elif got[0] != node["kind"]:
            out.append("%s is a %s, not a %s" % (path, got[0], node["kind"]))
        elif "data" in node and got[1] is not None and got[1] != bytes(node["data"]):
            at = next((i for i, (a, b) in enumerate(zip(got[1], node["data"])) if a != b),
                      min(len(got[1]), len(node["data"])))
            out.append("%s differs at byte %d (%d bytes, %d promised)"
                       % (path, at, len(got[1]), len(node["data"])))
    return out


class Replay:
    """One run: a base image, its log, its workloads. region: of acknowledgements, bytes; fs: of
    the file system."""

    def __init__(self, base, log, workloads, region, fs, strip):
        self.disk = bytearray(base)
        self.entries = logwrites.read(log)
        self.acks = last_ack(self.entries, region)
        self.workloads = {w.number: w for w in workloads}
        self.fs, self.strip = fs, strip
        self.states = 0

    def wanted(self, ack, rng):
        """Promises to look at: the latest two and one of the older ones."""
        done = [n for n in self.workloads if n <= ack]
        if done and self.workloads[done[-1]].latest:
            done = done[-1:]
        out = {}
        for n in done[-2:] + ([rng.choice(done[:-2])] if len(done) > 2 else []):
            for path, node in self.workloads[n].expect.items():
                out[path[len(self.strip):]] = node
        return out

    def judge(self, disk, ack, folder, label):
        """Problems of one state, as (label, lines)."""
        self.states += 1
        image = folder + "/image"
        with open(image, "wb") as f:
            f.write(disk[self.fs[0]:self.fs[1]])
        now = self.workloads.get(ack + 1)
        problems, _ = fsck.check(image, moved=bool(now and now.moved))
        problems += fsck.repair(image)
        problems += missing(image, self.wanted(ack, random.Random(self.states)), folder)
        if problems:
            title = now.title if now else "-"
            return [("%s, %d acknowledged, during [%s]" % (label, ack, title), problems)]
        return []

    def run(self, seed, share, subsets):
        """All prefixes whose number modulo share[1] is share[0], and `subsets` random subsets of
        each epoch among them. A list of (label, problems)."""
        failures = []
        folder = tempfile.mkdtemp(prefix="keelson-cut-", dir="/dev/shm" if os.path.isdir("/dev/shm")
                                  else None)
        try:
            disk, epoch_start, epoch = self.disk, bytes(self.disk), []
            first = 0
            for i, e in enumerate(self.entries):
                if e.flags & logwrites.FLUSH and epoch:
                    failures += self.subsets(epoch_start, epoch, first, seed, share, subsets,
                                             folder)
                    epoch_start, epoch, first = bytes(disk), [], i
                if e.length:
                    epoch.append(e)
                    logwrites.apply(disk, e)
                    if i % share[1] == share[0]:
                        failures += self.judge(disk, self.acks[i + 1], folder, "write %d" % i)
                if len(failures) > 20:
                    break
        finally:
            shutil.rmtree(folder)
        return failures

    def subsets(self, start, epoch, first, seed, share, count, folder):
        """States that reordering between two flushes allows. What the acknowledgements at the
        start of the epoch promised holds in all of them."""
        failures = []
        if len(epoch) < 2 or first % share[1] != share[0]:
            return failures
        for k in range(count):
            disk = bytearray(start)
            for e in logwrites.subset(epoch, "%s-%d-%d" % (seed, first, k)):
                logwrites.apply(disk, e)
            failures += self.judge(disk, self.acks[first], folder,
                                   "subset %d of the writes from %d" % (k, first))
        return failures
