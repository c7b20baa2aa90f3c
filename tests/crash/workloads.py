# SPDX-License-Identifier: MIT
"""Short workloads for power cuts, and what must be on the disk once each is acknowledged.

Each workload has a folder of its own, set up and synchronised; one or two operations of every kind
(after CrashMonkey: short sequences find almost everything); one way of making them last; an
acknowledgement. A small model of files tells what must be there from then on.
"""
import copy
import dataclasses
import itertools
import random

PERSIST = ("sync", "fsync", "fsyncdir", "fdatasync", "syncfs")


def pattern(seed, offset, length):
    """The bytes that tests/stress/fsops.c writes."""
    out = bytearray()
    for at in range(offset, offset + length):
        x = ((at // 4) * 2654435761 + seed * 40503) & 0xffffffff
        out.append(x >> (8 * (at % 4)) & 0xff)
    return bytes(out)


class Model:
    """Names to objects; an object is a dict with kind and data."""

    def __init__(self):
        self.names = {}

    def file(self, path):
        node = self.names.get(path)
        return node if node and node["kind"] == "file" else None

    def children(self, path):
        return [n for n in self.names if n.startswith(path + "/")]

    def parent_ok(self, path):
        up = path.rsplit("/", 1)[0] if "/" in path else None
        return up is None or self.names.get(up, {}).get("kind") == "dir"

    def write(self, path, offset, data):
        node = self.file(path)
        if path in self.names and not node or not self.parent_ok(path):
            return False
        if not node:
            node = self.names[path] = {"kind": "file", "data": bytearray()}
        if len(node["data"]) < offset:
            node["data"] += bytes(offset - len(node["data"]))
        node["data"][offset:offset + len(data)] = data
        return True

    def apply(self, op, *a):
        """Carry out one operation; False when it could not be done."""
        return getattr(self, "op_" + op)(*a)

    def op_create(self, p):
        if p in self.names or not self.parent_ok(p):
            return False
        self.names[p] = {"kind": "file", "data": bytearray()}
        return True

    def op_mkdir(self, p):
        if p in self.names or not self.parent_ok(p):
            return False
        self.names[p] = {"kind": "dir"}
        return True

    def op_rmdir(self, p):
        if self.names.get(p, {}).get("kind") != "dir" or self.children(p):
            return False
        del self.names[p]
        return True

    def op_unlink(self, p):
        if self.names.get(p, {"kind": "dir"})["kind"] == "dir":
            return False
        del self.names[p]
        return True

    def op_symlink(self, target, p):
        if p in self.names or not self.parent_ok(p):
            return False
        self.names[p] = {"kind": "link", "data": target.encode()}
        return True

    def op_link(self, a, b):
        if not self.file(a) or b in self.names or not self.parent_ok(b):
            return False
        self.names[b] = self.names[a]
        return True

    def op_rename(self, a, b):
        node, old = self.names.get(a), self.names.get(b)
        if not node or not self.parent_ok(b) or (b + "/").startswith(a + "/") or old is node:
            return False
        if old and (old["kind"] == "dir") != (node["kind"] == "dir"):
            return False
        if old and old["kind"] == "dir" and self.children(b):
            return False
        moved = {b + n[len(a):]: self.names.pop(n) for n in self.children(a)}
        del self.names[a]
        self.names[b] = node
        self.names.update(moved)
        return True

    def op_write(self, p, offset, length, seed):
        return self.write(p, offset, pattern(seed, offset, length))

    op_dsync = op_direct = op_write

    def op_mwrite(self, p, offset, length, seed):
        node = self.file(p)
        if not node or offset + length > len(node["data"]):
            return False
        return self.write(p, offset, pattern(seed, offset, length))

    def op_truncate(self, p, size):
        node = self.file(p)
        if not node:
            return False
        data = node["data"]
        del data[size:]
        data += bytes(size - len(data))
        return True

    def op_falloc(self, p, offset, length):
        # ext2 has no unwritten space: EOPNOTSUPP, and a new file is there but empty.
        return self.write(p, 0, b"")


SETUP = [("write", "a", 0, 5000, 1), ("write", "b", 0, 300, 2), ("mkdir", "A"), ("mkdir", "B"),
         ("mkdir", "C"), ("write", "A/f", 0, 9000, 3)]
# The last word of each row: the file whose fsync would cover it.
OPERATIONS = [
    ("create", "n"), ("write", "a", 0, 4096, 11), ("write", "a", 100, 50, 12),
    ("write", "a", 5000, 9000, 13), ("write", "n", 0, 20000, 14), ("write", "n", 70000, 300, 15),
    ("mwrite", "a", 1000, 3000, 16), ("dsync", "a", 3000, 4000, 17), ("dsync", "n", 0, 700, 18),
    ("direct", "a", 0, 4096, 19), ("truncate", "a", 0), ("truncate", "a", 100),
    ("truncate", "a", 9000), ("truncate", "A/f", 4096), ("rename", "a", "n"), ("rename", "a", "b"),
    ("rename", "A/f", "B/f"), ("rename", "a", "A/f"), ("rename", "A", "B/A"), ("rename", "C", "B"),
    ("link", "a", "n"), ("link", "a", "B/n"), ("unlink", "a"), ("unlink", "A/f"), ("mkdir", "n"),
    ("mkdir", "A/n"), ("rmdir", "C"), ("symlink", "text", "n"), ("symlink", "x" * 90, "A/n"),
    ("falloc", "a", 0, 20000),
]
MOVES = {("rename", "A", "B/A")}


@dataclasses.dataclass
class Workload:
    """One case: script lines, the operations' text, and the names that must be there after ack.
    expect: {path: node or None (must be absent)}; moved: a directory changes its parent; latest:
    the promise holds only until the next acknowledgement."""
    number: int
    title: str
    lines: list
    expect: dict
    moved: bool
    latest: bool = False


def line(folder, op):
    """A line of the script: paths get the folder."""
    words = [op[0]]
    for i, w in enumerate(op[1:]):
        is_text = op[0] == "symlink" and i == 0
        words.append(str(w) if isinstance(w, int) or is_text else "%s/%s" % (folder, w))
    return " ".join(words)


def touched(op):
    """The name that an operation leaves its result at."""
    return op[2] if op[0] in ("rename", "link", "symlink") else op[1]


def build(number, ops, how, root):
    """A workload, or None when an operation cannot be done here."""
    folder = "%s/w%d" % (root, number)
    model = Model()
    for op in SETUP:
        model.apply(*op)
    before = copy.deepcopy(model)
    for op in ops:
        if not model.apply(*op):
            return None
    lines = ["mkdir " + folder] + [line(folder, op) for op in SETUP] + ["sync"]
    for op in ops:
        lines.append(line(folder, op))
        if op[0] == "mwrite" and how in ("fsyncdir", "fdatasync"):
            lines.append("msync " + folder)
    target = touched(ops[-1])
    if how in ("fsync", "fdatasync") and not model.file(target):
        how = "fsyncdir"
    if how in ("sync", "syncfs"):
        lines.append("sync" if how == "sync" else "syncfs " + folder)
        expect = dict(model.names)
        expect.update({n: None for n in before.names if n not in model.names})
    elif how == "fsyncdir":
        # Both the folder and, for renames, the one that lost the name.
        folders = {n.rsplit("/", 1)[0] if "/" in n else "" for op in ops for n in op[1:]
                   if isinstance(n, str) and not (op[0] == "symlink" and n == op[1])}
        folders = sorted(f for f in folders if not f or model.names.get(f, {}).get("kind") == "dir")
        lines += ["fsyncdir %s/%s" % (folder, f) for f in folders]
        def inside(n):
            return (n.rsplit("/", 1)[0] if "/" in n else "") in folders
        expect = {n: {"kind": v["kind"]} for n, v in model.names.items() if inside(n)}
        expect.update({n: None for n in before.names if n not in model.names and inside(n)})
    else:
        lines.append("%s %s/%s" % (how, folder, target))
        expect = {target: model.names[target]}
    lines.append("ack %d" % number)
    moved = any(op in MOVES for op in ops)
    title = "; ".join(" ".join(str(w)[:20] for w in op) for op in ops) + "; " + how
    return Workload(number, title, lines, {"%s/%s" % (folder, p): n for p, n in expect.items()},
                    moved)


def sequences(root, depth=2, step=1, first=1):
    """All workloads of one and two operations; step > 1 takes every step-th pair."""
    out, number = [], first
    singles = [(op,) for op in OPERATIONS]
    pairs = list(itertools.product(OPERATIONS, repeat=2))[::step] if depth > 1 else []
    for i, ops in enumerate(singles + pairs):
        ways = PERSIST if len(ops) == 1 else (PERSIST[i % len(PERSIST)],)
        for how in ways:
            w = build(number, ops, how, root)
            if w:
                out.append(w)
                number += 1
    return out


# --- mixed load: long random sequences in one tree ---

FOLDERS = ["d0", "d1", "d0/d2", "d1/d3", "d0/d2/d4"]
NAMES = FOLDERS + [d + "/" + f for d in [""] + FOLDERS for f in ("f0", "f1", "f2")]
NAMES = [n.lstrip("/") for n in NAMES]


def random_operation(rng):
    """One operation on the names of the pool; it may turn out to be impossible."""
    a, b, seed = rng.choice(NAMES), rng.choice(NAMES), rng.randrange(1000)
    size = rng.choice((10, 700, 4096, 9000, 60000))
    at = rng.choice((0, 0, 100, 4096, 30000))
    return rng.choice([
        ("create", a), ("mkdir", rng.choice(FOLDERS)), ("mkdir", rng.choice(FOLDERS)),
        ("write", a, at, size, seed), ("write", a, at, size, seed), ("mwrite", a, 0, 200, seed),
        ("dsync", a, at, min(size, 9000), seed), ("direct", a, 0, 4096, seed),
        ("truncate", a, rng.choice((0, 5, 5000, 70000))), ("rename", a, b), ("rename", a, b),
        ("link", a, b), ("unlink", a), ("unlink", b), ("rmdir", a), ("symlink", "t%d" % seed, a)])


def snapshot(model):
    """Names to what they show: kind and bytes."""
    return {n: (v["kind"], bytes(v.get("data", b""))) for n, v in model.names.items()}


def mixed(root, seed, segments):
    """A sequence of `segments` parts, each synchronised and acknowledged. What a part promises are
    the names that the next part does not touch."""
    rng = random.Random(seed)
    folder, model = root + "/mixed", Model()
    parts, touched_by = [], []
    for number in range(1, segments + 1):
        lines = ["mkdir " + folder] if number == 1 else []
        touched, moved, ops = set(), False, []
        while len(ops) < rng.randrange(3, 15):
            before = snapshot(model)
            op = random_operation(rng)
            isdir = model.names.get(op[1], {}).get("kind") == "dir"
            if not model.apply(*op):
                continue
            after = snapshot(model)
            touched |= {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
            moved |= op[0] == "rename" and isdir
            ops.append(op)
            lines.append(line(folder, op))
        lines += [rng.choice(("sync", "syncfs " + folder)), "ack %d" % number]
        expect = {folder + "/" + n: copy.deepcopy(model.names.get(n)) for n in NAMES}
        parts.append(Workload(number, "mixed part %d" % number, lines, expect, moved, True))
        touched_by.append(touched)
    for part, touched in zip(parts, touched_by[1:]):
        for n in touched:
            part.expect.pop(folder + "/" + n, None)
    return parts
