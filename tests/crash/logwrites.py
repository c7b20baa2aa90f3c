# SPDX-License-Identifier: MIT
"""The log of QEMU's blklogwrites driver (the format of Linux's dm-log-writes, version 1).

A super block (magic, version, number of entries, sector size, each little-endian), then entries:
a header of one sector (first sector, number of sectors, flags, length of extra data) and the
sectors written. A flush entry orders: what completed before it is stable.
"""
import dataclasses
import random
import struct

MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


@dataclasses.dataclass
class Write:
    """One request: byte offset, data (None: discard of length bytes), flags."""
    offset: int
    length: int
    data: bytes
    flags: int


def read(path):
    """All entries of a log, in the order in which they completed."""
    entries = []
    with open(path, "rb") as f:
        magic, version, count, sector = struct.unpack("<QQQI", f.read(28))
        if magic != MAGIC or version != 1:
            raise ValueError("%s is no log of writes" % path)
        at = sector
        for _ in range(count):
            f.seek(at)
            first, sectors, flags, extra = struct.unpack("<QQQQ", f.read(32))
            at += sector
            length = sectors * sector
            data = None
            if not flags & DISCARD:
                f.seek(at)
                data = f.read(length)
                at += length
            at += -(-extra // sector) * sector if extra else 0
            entries.append(Write(first * sector, length, data, flags))
    return entries


def apply(disk, write):
    """Into a bytearray or memory map."""
    if write.data is None:
        disk[write.offset:write.offset + write.length] = bytes(write.length)
    elif write.data:
        disk[write.offset:write.offset + len(write.data)] = write.data


def epochs(entries):
    """Entries between flushes, as lists: inside one, any subset may have reached the disk."""
    out = [[]]
    for e in entries:
        if e.flags & FLUSH:
            out.append([])
        if e.length:
            out[-1].append(e)
            if e.flags & FUA:  # stable itself, but orders nothing before it
                continue
    return out


def subset(epoch, seed):
    """A random choice of the writes of an epoch, in a random order that keeps overlapping ones."""
    rng = random.Random(seed)
    chosen = [e for e in epoch if e.flags & FUA or rng.random() < rng.choice((0.2, 0.5, 0.8))]
    keyed = sorted(((rng.random(), i, e) for i, e in enumerate(chosen)), key=lambda t: t[:2])
    order = [(i, e) for _, i, e in keyed]
    for a in range(len(order)):
        for b in range(a + 1, len(order)):
            (ia, ea), (ib, eb) = order[a], order[b]
            overlap = ea.offset < eb.offset + eb.length and eb.offset < ea.offset + ea.length
            if overlap and ia > ib:
                order[a], order[b] = order[b], order[a]
    return [e for _, e in order]
