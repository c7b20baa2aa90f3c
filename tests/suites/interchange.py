# SPDX-License-Identifier: MIT
"""File systems go back and forth between e2fsprogs, Linux and Keelson.

Each case is one way to make an ext2. The host fills it (`mke2fs -d` and debugfs); both kernels list
it, write a tree of their own beside that, change it and list everything again; each then reads what
the other wrote. tests/stress/trees.c does it, the same program on both. After every orderly
unmounting e2fsck must find nothing.
"""
import gzip
import os
import re
import stat
import struct
import zlib

import fsimages
from vmlib.guest import Guest
from vmlib.qemu import Options

from . import both, check_reports

LIMIT = 120
# ext2 as users make it, and every usual option by itself and in pairs.
OPTIONS = [
    "-b 1024", "-b 2048", "-b 4096", "-b 1024 -I 128", "-b 2048 -I 128", "-b 4096 -I 128",
    "-b 1024 -I 256", "-b 2048 -I 256", "-b 4096 -I 256", "-b 4096 -I 512", "-b 2048 -I 1024",
    "-b 1024 -r 0 -I 128", "-b 4096 -r 0 -I 128", "-b 1024 -I 128 -O none",
    "-b 4096 -I 256 -O none", "-b 1024 -O ^filetype", "-b 4096 -O ^filetype",
    "-b 1024 -O ^sparse_super,^resize_inode", "-b 4096 -O ^sparse_super,^resize_inode", "-b 1024 -O ^resize_inode",
    "-b 1024 -O ^ext_attr", "-b 1024 -O ^dir_index", "-b 4096 -O ^dir_index", "-b 1024 -O dir_index",
    "-b 1024 -O ^large_file", "-b 4096 -O none,filetype", "-b 1024 -O none,sparse_super",
    "-b 1024 -O sparse_super2,^resize_inode", "-b 1024 -m 0", "-b 1024 -m 20", "-b 4096 -m 7",
    "-b 1024 -N 400", "-b 1024 -N 6000", "-b 4096 -N 5000 -I 128", "-b 1024 -i 1024",
    "-b 1024 -g 1024", "-b 1024 -g 2048 -O ^sparse_super,^resize_inode", "-b 2048 -g 1024 -I 256",
    "-b 1024 -g 1024 -E packed_meta_blocks=1", "-b 1024 -L label -M /mnt/here",
    "-b 1024 -U 12345678-1234-1234-1234-123456789abc", "-b 1024 -E resize=1000000",
    "-b 4096 -E stride=4,stripe_width=16", "-b 1024 -e remount-ro", "-b 1024 -e panic",
    "-b 1024 -E root_owner=12:34", "-b 1024 -E hash_seed=12345678-1234-1234-1234-123456789abc",
    "-b 1024 -o FreeBSD", "-b 4096 -E num_backup_sb=0", "-b 1024 -g 512 -m 1", "-b 1024 -D",
    "-b 2048 -m 0 -N 300 -I 128 -O none,ext_attr,large_file,filetype",
]
# user::rw-, user:1000:rwx, group::r--, mask::rwx, other::---, as setxattr takes it.
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in (
    (1, 6, 0xffffffff), (2, 7, 1000), (4, 4, 0xffffffff), (16, 7, 0xffffffff), (32, 0, 0xffffffff)))


def features(option):
    """What a tree made by the host may contain: set of large, xattr, extra (nanoseconds)."""
    out = {"large", "xattr"}
    if "-r 0" in option or "none" in option:
        out.clear()
    if "ext_attr" in option:
        (out.add if "none,ext_attr" in option else out.discard)("xattr")
    if "large_file" in option:
        (out.discard if "^large_file" in option else out.add)("large")
    if "-I 128" not in option and "-r 0" not in option:
        out.add("extra")
    return out


def write_file(path, pieces, size=0):
    """A file with data at some places and holes between them."""
    with open(path, "wb") as f:
        for offset, length in pieces:
            f.seek(offset)
            f.write(bytes((i * 7 + offset // 512) % 251 for i in range(length)))
        if size:
            f.truncate(size)


def host_tree(top, large, names=120):
    """A folder for mke2fs -d, with everything that needs no rights; debugfs adds the rest."""
    for sub in ("dir/sub/deep", "empty", "big", "links"):
        os.makedirs(os.path.join(top, sub))
    write_file(top + "/none", [])
    write_file(top + "/short", [(0, 100)])
    write_file(top + "/block", [(0, 4096)])
    write_file(top + "/indirect", [(0, 70000)])
    write_file(top + "/double", [(0, 400000)])
    write_file(top + "/holes", [(5000, 10), (300000, 5000), (900000, 1)], 1500000)
    write_file(top + "/allhole", [], 3000000)
    write_file(top + "/dir/" + "n" * 255, [(0, 20)])
    write_file(top + "/dir/sub/a name with spaces", [(0, 3)])
    write_file(top + "/dir/sub/deep/f", [(0, 12345)])
    for n in (1, 59, 60, 61, 300, 1000):
        os.symlink(("target/" * 200)[:n], top + "/links/%d" % n)
    for i in range(3):
        os.link(top + "/short", top + "/links/hard%d" % i)
    for i in range(names):
        write_file(top + "/big/entry-%d-%s" % (i, "x" * (i % 40)), [])
    if large:
        write_file(top + "/huge", [(0, 1000), ((1 << 30) - 20, 40), ((4 << 30) - 60, 200),
                                   ((5 << 30), 5000)], (5 << 30) + 123456)
    for i, (base, folders, files) in enumerate(sorted(os.walk(top))):
        for k, name in enumerate(sorted(folders + files)):
            path = os.path.join(base, name)
            if not os.path.islink(path) and base != top + "/big":
                os.chmod(path, [0o644, 0o4755, 0o2711, 0o1777, 0o600, 0o000][(i + k) % 6]
                         | (0o700 if os.path.isdir(path) else 0))


def host_commands(top, has, value_file):
    """debugfs commands: owners, times, nodes, attributes."""
    out = ["mknod fifo p", "mknod chr c 4 65", "mknod blk b 8 17", "cd dir", "mknod pipe p", "cd /"]
    paths = sorted(os.path.join(b, n)[len(top):] for b, d, f in os.walk(top) for n in d + f)
    for i, path in enumerate(p for p in paths if not p.startswith("/big/")):
        name = '"%s"' % path
        out += ["sif %s uid %d" % (name, [0, 1000, 70000, 4000000][i % 4]),
                "sif %s gid %d" % (name, [0, 100, 99999][i % 3]),
                "sif %s mtime @%d" % (name, [1, 1000000000 + i, 2147483647, 1600000000][i % 4])]
        if "extra" in has:
            # Two bits of epoch, thirty of nanoseconds.
            out.append("sif %s mtime_extra %d" % (name, (i * 7654321 % 10**9) << 2 | (i % 5 == 3)))
        mode = os.lstat(top + path).st_mode
        if "xattr" in has and not stat.S_ISLNK(mode) and not i % 3:
            out += ["ea_set %s user.name value%d" % (name, i), "ea_set %s trusted.t x" % name]
            if not i % 2:
                out.append("ea_set -f %s %s user.long" % (value_file + ".long", name))
            if not i % 4:
                out.append("ea_set -f %s %s system.posix_acl_access" % (value_file, name))
    return out


def make_images(options, folder, small=False):
    """Paths of one image for each option set. small: 2 MiB, without the long directory."""
    trees = {}
    for large in (False, True):
        trees[large] = folder + "/tree%d" % large
        os.mkdir(trees[large])
        host_tree(trees[large], large, 20 if small else 120)
    value = folder + "/value"
    with open(value, "wb") as f:
        f.write(ACL)
    with open(value + ".long", "wb") as f:
        f.write(b"long value " * 30)

    def make(i):
        has = features(options[i])
        image, tree = folder + "/image%d" % i, trees["large" in has]
        with open(image, "wb") as f:
            f.truncate((2 if small else 8 + i % 5 * 3) * fsimages.MIB)
        out = fsimages.tool("mke2fs", "-q", "-F", "-t", "ext2", *options[i].split(), "-d", tree, image)
        script = image + ".commands"
        with open(script, "w", encoding="ascii") as f:
            f.write("\n".join(host_commands(tree, has, value)) + "\n")
        out += fsimages.tool("debugfs", "-w", "-f", script, image)
        bad = [l for l in out.splitlines() if l and not l.startswith(("debugfs", "Allocated", "128-byte"))]
        if bad:
            raise RuntimeError("%s: %s" % (options[i], bad[0]))
        return image

    half = len(options) // 2
    one, two = both(lambda: [make(i) for i in range(half)],
                    lambda: [make(i) for i in range(half, len(options))])
    return one + two


FIRST = """
t=/usr/lib/tests/trees
mount -t ext2 -o ro $0 /mnt || exit 10
$t list /mnt; umount /mnt || exit 11
mount -t ext2 $0 /mnt || exit 12
echo '#write'; $t write /mnt/new $1; echo "#status $?"
$t change /mnt/new $1; echo "#status $?"
$t change /mnt/big $1; $t change /mnt/dir $1
echo '#before'; $t list /mnt
umount /mnt || exit 13
mount -t ext2 -o ro $0 /mnt || exit 14
echo '#after'; $t list /mnt
umount /mnt || exit 15
"""
SECOND = """
t=/usr/lib/tests/trees
mount -t ext2 -o ro $0 /mnt || exit 20
$t list /mnt; umount /mnt || exit 21
mount -t ext2 $0 /mnt || exit 22
$t change /mnt/new 7$1; $t change /mnt/big 7$1
$t remove /mnt/new; $t remove /mnt/links; rm -r /mnt/links
umount /mnt || exit 23
"""


class Machine:
    """One kernel with its copy of the disks: runs a script on every partition."""

    def __init__(self, ctx, kernel, folder, originals):
        self.ctx, self.kernel = ctx, kernel
        self.disks = [d.clone("%s-%d" % (folder, i))
                      for i, d in enumerate(originals)]
        self.log = ""

    def run(self, script, own, numbers, label):
        """{number: (status, text)} of a script on the partitions of the disks `own`."""
        args, names = fsimages.attach(self.kernel, [d.path for d in own])
        out = {}
        with Guest(Options(kernel=self.kernel, config=self.ctx.config, image="test", smp=2,
                           extra=args)) as guest:
            for i in numbers:
                device = fsimages.part(names[i // fsimages.EACH], i % fsimages.EACH + 1)
                done = guest.run(["sh", "-c", "{ sh -c \"$2\" \"$0\" \"$1\"; echo \"#exit $?\"; } "
                                  "2>&1 | gzip -1", device, str(i), script], timeout=LIMIT)
                try:
                    text = gzip.decompress(done.stdout).decode("utf-8", "replace")
                except (OSError, EOFError):
                    text = done.stdout.decode("utf-8", "replace")
                found = re.search(r"#exit (\d+)\n$", text)
                out[i] = (int(found[1]) if found else done.status or -1,
                          text + done.stderr.decode("utf-8", "replace") + done.log)
            check_reports(self.ctx, guest, label + "/no reports")
            if guest.proc:
                guest.run(["sync"])
            self.log = guest.log()
        return out


def sections(text):
    """A listing's lines by section: first, write, before, after."""
    out, now = {"first": []}, "first"
    for line in text.splitlines():
        if line in ("#write", "#before", "#after"):
            now = line[1:]
            out[now] = []
        elif not line.startswith("#exit"):
            out[now].append(line)
    return out


def portable(lines):
    """Lines without what depends on where a file system puts things."""
    out = []
    for line in lines:
        words = line.split(" ")
        if line[:1] != "/" or len(words) < 9 or words[1] == "!":
            continue
        if re.match(r"/(new|big|dir)(/|$)", words[0]):
            words[2] = words[3] = "*"
            if words[1] == "d":
                words[4] = "*"
            out.append(" ".join(words))
    return out


def difference(one, other, names):
    """The first lines that differ, or nothing."""
    if one == other:
        return ""
    rows = ["%s differs from %s (%d lines, %d)" % (*names, len(one), len(other))]
    for line in [l for l in one if l not in set(other)][:15]:
        rows.append("  %s: %s" % (names[0], line))
    for line in [l for l in other if l not in set(one)][:15]:
        rows.append("  %s: %s" % (names[1], line))
    return "\n".join(rows) + "\n"


def judge_first(mine, linux, small):
    """Problems of the listings of one case, as text."""
    out = ""
    if mine[0] or linux[0]:
        out += "status %d, on Linux %d\n" % (mine[0], linux[0])
    a, b = sections(mine[1]), sections(linux[1])
    out += difference(a["first"], b["first"], ("keelson", "linux"))
    out += difference(a.get("before", []), a.get("after", []), ("before unmounting", "after"))
    out += "".join("%s\n" % l for l in a.get("write", [])
                   if l.startswith("!") or l.startswith("#status") and l != "#status 0")
    if not small:
        out += difference(portable(a.get("after", [])), portable(b.get("after", [])),
                          ("written by keelson", "written by linux"))
    return out


def is_full(text):
    """Whether the tree did not fit: then the two may differ in where they stopped."""
    found = re.search(r"#after\n# statfs \w+ \d+ (\d+) (-?\d+) \d+ (\d+)", text)
    return not found or int(found[2]) <= 8 or int(found[3]) == 0


def dump_with_debugfs(image, lines, folder):
    """Files of a listing as debugfs reads them, compared by their checksums."""
    out = ""
    files = [l.split(" ") for l in lines if l[:1] == "/" and l.split(" ")[1] == "-"]
    files = [w for w in files if 0 < int(w[4]) <= 4 << 20 and "\\" not in w[0]][:12]
    commands = "".join('dump "%s" %s/%d\n' % (w[0], folder, i) for i, w in enumerate(files))
    with open(folder + "/commands", "w", encoding="ascii") as f:
        f.write(commands)
    said = fsimages.tool("debugfs", "-f", folder + "/commands", image, check=False)
    for i, words in enumerate(files):
        path = "%s/%d" % (folder, i)
        data = b""
        if os.path.exists(path):
            with open(path, "rb") as f:
                data = f.read()
            os.unlink(path)
        if "%08x" % zlib.crc32(data) != words[10]:
            out += "debugfs reads %s differently\n" % words[0]
    return out and out + said


def check_disks(own, numbers, folder, listings=None):
    """{number: what e2fsck and debugfs complain of}."""
    out = {}
    image = "%s/check-%x" % (folder, id(own))
    os.makedirs(image + ".d", exist_ok=True)
    for i in numbers:
        own[i // fsimages.EACH].extract(i % fsimages.EACH, image)
        out[i] = fsimages.fsck(image)
        if listings and i in listings:
            out[i] += dump_with_debugfs(image, listings[i], image + ".d")
    return out


def run(ctx):
    options = [o for o in OPTIONS if ctx.wants(o)]
    numbers = range(len(options))
    with fsimages.folder("interchange") as folder:
        images = make_images(options, folder)
        dirty = {i: fsimages.fsck(images[i]) for i in numbers}
        originals = [fsimages.Disk("%s/disk%d" % (folder, i), images[i:i + fsimages.EACH])
                     for i in range(0, len(images), fsimages.EACH)]
        for image in images:
            os.unlink(image)
        mine = Machine(ctx, ctx.kernel, folder + "/mine", originals)
        linux = Machine(ctx, "linux", folder + "/linux", originals)
        for d in originals:
            os.unlink(d.path)
        k1, l1 = both(lambda: mine.run(FIRST, mine.disks, numbers, "first"),
                      lambda: linux.run(FIRST, linux.disks, numbers, "first on linux"))
        wrote = {i: sections(k1[i][1]).get("after", []) for i in numbers}
        fsck1 = check_disks(mine.disks, numbers, folder, wrote)
        # The disks change hands.
        k2, l2 = both(lambda: mine.run(SECOND, linux.disks, numbers, "second"),
                      lambda: linux.run(SECOND, mine.disks, numbers, "second on linux"))
        fsck2 = check_disks(linux.disks, numbers, folder)
        for i in numbers:
            full = is_full(k1[i][1]) or is_full(l1[i][1]) or "-r 0" in options[i]
            # Revision 0 ends at 2 GiB here; Linux makes revision 1 of it for a larger file.
            problems = dirty[i] and "the host's own tree is not clean: " + dirty[i]
            problems = problems or judge_first(k1[i], l1[i], full)
            ctx.check(options[i] + ": read and write", not problems, (problems + "\n").split("\n")[0],
                      "%s\n\nkeelson:\n%s\nlinux:\n%s" % (problems, k1[i][1], l1[i][1]))
            ctx.check(options[i] + ": fsck after writing", not fsck1[i], "e2fsck complains", fsck1[i])
            theirs = difference(sections(l2[i][1])["first"], wrote[i], ("linux reads", "keelson wrote"))
            ours = difference(sections(k2[i][1])["first"], sections(l1[i][1]).get("after", []),
                              ("keelson reads", "linux wrote"))
            bad = theirs + ours + ("status %d" % k2[i][0] if k2[i][0] else "")
            ctx.check(options[i] + ": exchanged", not bad, bad.split("\n")[0],
                      "%s\n\n%s" % (bad, k2[i][1]))
            ctx.check(options[i] + ": fsck after removal", not fsck2[i], "e2fsck complains", fsck2[i])
