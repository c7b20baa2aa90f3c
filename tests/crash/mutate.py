# SPDX-License-Identifier: MIT
"""Where the metadata of an ext2 image lies, and seeded ways to spoil it."""
import random
import struct


class Ext2:
    """As much of the format as it takes to find every block that is no file's data."""

    def __init__(self, data):
        self.data = data
        sb = data[1024:2048]
        self.blocks, = struct.unpack_from("<I", sb, 4)
        self.first, log = struct.unpack_from("<II", sb, 20)
        self.size = 1024 << log
        self.per_group, = struct.unpack_from("<I", sb, 32)
        self.inodes_per_group, = struct.unpack_from("<I", sb, 40)
        self.inode_size = struct.unpack_from("<H", sb, 88)[0] if sb[76] else 128
        self.regions = {"super": [(1024, 1024)], "descriptors": [], "bitmaps": [], "inodes": [],
                        "directories": [], "indirect": [], "xattrs": []}
        groups = -(-(self.blocks - self.first) // self.per_group)
        table = (self.first + 1) * self.size
        self.regions["descriptors"].append((table, groups * 32))
        for g in range(groups):
            bitmap, ibitmap, inodes = struct.unpack_from("<III", data, table + g * 32)
            self.regions["bitmaps"] += [(bitmap * self.size, self.size),
                                        (ibitmap * self.size, self.size)]
            for i in range(self.inodes_per_group):
                self.inode(inodes * self.size + i * self.inode_size)

    def inode(self, at):
        mode, = struct.unpack_from("<H", self.data, at)
        links, = struct.unpack_from("<H", self.data, at + 26)
        if not links and not mode:
            return
        self.regions["inodes"].append((at, self.inode_size))
        acl, = struct.unpack_from("<I", self.data, at + 104)
        if acl:
            self.regions["xattrs"].append((acl * self.size, self.size))
        if mode >> 12 not in (4, 8, 10) or (mode >> 12 == 10 and
                                            not struct.unpack_from("<I", self.data, at + 28)[0]):
            return
        pointers = struct.unpack_from("<15I", self.data, at + 40)
        for k, block in enumerate(pointers):
            if block:
                self.block(block, k - 11 if k > 11 else 0, mode >> 12 == 4)

    def block(self, block, level, directory):
        if block >= self.blocks:
            return
        if not level:
            if directory:
                self.regions["directories"].append((block * self.size, self.size))
            return
        self.regions["indirect"].append((block * self.size, self.size))
        for child in struct.unpack_from("<%dI" % (self.size // 4), self.data, block * self.size):
            if child:
                self.block(child, level - 1, directory)


def change(rng, image, kind):
    """One (offset, bytes) in metadata of a kind."""
    at, size = rng.choice(image.regions[kind])
    way = rng.randrange(6)
    if way == 0:    # a bit
        at += rng.randrange(size)
        return at, bytes([image.data[at] ^ 1 << rng.randrange(8)])
    if way in (1, 2):  # a field
        width = rng.choice((1, 2, 4))
        # Most of a super block is empty.
        at += rng.randrange(0, min(size, 256 if kind == "super" else size), width)
        old = int.from_bytes(image.data[at:at + width], "little")
        new = rng.choice((0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1), old + 1, old - 1, old * 2,
                          image.blocks, image.blocks - 1, rng.getrandbits(8 * width)))
        return at, (new % (1 << 8 * width)).to_bytes(width, "little")
    if way == 3:    # a piece of zeroes or ones
        n = min(rng.choice((16, 64, 256, 1024)), size)
        return at + rng.randrange(size - n + 1), rng.choice((b"\0", b"\xff")) * n
    if way == 4:    # a piece of other metadata
        other, length = rng.choice(image.regions[rng.choice([k for k in image.regions
                                                             if image.regions[k]])])
        n = min(size, length, rng.choice((32, 128, 1024)))
        return at, bytes(image.data[other:other + n])
    n = min(rng.choice((4, 16, 64)), size)  # noise
    return at + rng.randrange(size - n + 1), rng.randbytes(n)


def mutate(image, seed):
    """[(offset, bytes)] of one mutation: mostly a single change, sometimes a few."""
    rng = random.Random(seed)
    kinds = [k for k in image.regions if image.regions[k]]
    return [change(rng, image, rng.choice(kinds)) for _ in range(rng.choice((1, 1, 1, 2, 4, 10)))]
