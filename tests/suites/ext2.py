# SPDX-License-Identifier: MIT
"""ext2 against e2fsprogs: trees that mke2fs -d made are read in the guest, changed there, and judged
by e2fsck -fn and debugfs on the host; storms, full disks and large directories likewise."""
import os
import random
import re
import subprocess
import tempfile
import zlib

from vmlib.guest import Guest
from vmlib.qemu import Options

from . import check_reports

PROGRAM = "/usr/lib/tests/fstree"
SIZE = "16M"
AT_ONCE = 8  # disks of one guest

BLOCKS = (("-b", "1024"), ("-b", "2048"), ("-b", "4096"))
INODES = (("-I", "128"), ("-I", "256"), ("-I", "512"))
FEATURES = (
    (), ("-r", "0"), ("-O", "none"), ("-O", "^filetype"), ("-O", "^sparse_super,^resize_inode"),
    ("-O", "^resize_inode"), ("-O", "^dir_index"), ("-O", "^ext_attr"), ("-O", "^large_file"),
    ("-O", "meta_bg,^resize_inode"), ("-m", "0"), ("-g", "1024"), ("-N", "2000"), ("-i", "8192"),
    ("-E", "hash_seed=8e7f7a3c-1111-4222-8333-123456789abc"), ("-O", "sparse_super2,^resize_inode"),
)


def option_sets():
    """At least 40 ways of making a file system; revision 0 knows neither features nor inode sizes."""
    sets = []
    for number, extra in enumerate(FEATURES):
        for k, block in enumerate(BLOCKS):
            if extra == ("-g", "1024") and block[1] != "1024":
                continue
            inode = INODES[(number + k) % len(INODES)]
            if extra == ("-r", "0"):
                inode = ("-I", "128")
            sets.append(block + inode + extra)
    return sets


def make_tree(top, seed):
    """Some of everything that mke2fs -d takes over."""
    r = random.Random(seed)
    os.makedirs(top + "/sub/deeper/deepest")
    for k in range(120):
        path = "%s/%s/f%d" % (top, r.choice([".", "sub", "sub/deeper", "sub/deeper/deepest"]), k)
        with open(path, "wb") as f:
            if r.random() < 0.2:
                f.seek(r.randrange(300000))
            f.write(r.randbytes(r.choice([0, 1, 100, 1023, 1024, 1025, 5000, 60000, 200000])))
        os.chmod(path, r.choice([0o644, 0o600, 0o4755, 0o2711, 0o777]))
        os.chown(path, r.randrange(70000), r.randrange(70000))
        os.utime(path, (r.randrange(1 << 31), r.randrange(1 << 31)))
    for k in range(300):
        open("%s/sub/name%d" % (top, k), "wb").close()
    os.symlink("x" * 59, top + "/fast")
    os.symlink("y" * 60, top + "/slow")
    os.symlink("z" * 900, top + "/slower")
    os.mknod(top + "/null", 0o20666, os.makedev(1, 3))
    os.mknod(top + "/disk", 0o60600, os.makedev(300, 5000))
    os.mkfifo(top + "/fifo")
    for k in range(5):
        os.link(top + "/fifo", "%s/sub/fifo%d" % (top, k))


def sum_of(path):
    with open(path, "rb") as f:
        return zlib.crc32(f.read())


def list_tree(path, shown=""):
    """As `fstree list` prints it."""
    st = os.lstat(path)
    kind = st.st_mode & 0o170000
    line = "%s %o %d:%d" % (shown, st.st_mode, st.st_uid, st.st_gid)
    if kind != 0o040000:
        line += " links %d" % st.st_nlink
    if kind == 0o100000:
        line += " size %d sum %08x" % (st.st_size, sum_of(path))
    line += " -> " + os.readlink(path) if kind == 0o120000 else " mtime %d" % int(st.st_mtime)
    if kind in (0o020000, 0o060000):
        line += " dev %d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev))
    lines = [line]
    if kind == 0o040000:
        for name in sorted(os.listdir(path), key=os.fsencode):
            if name != "lost+found":
                lines += list_tree(path + "/" + name, shown + "/" + name)
    return lines


def mke2fs(image, options, tree=None, size=SIZE):
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", *options,
                    *(["-d", tree] if tree else []), image, size], check=True, capture_output=True)


def judge(ctx, case, image, log=""):
    """e2fsck finds nothing, not even an unclean mount."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], capture_output=True, check=False,
                          env=dict(os.environ, LC_ALL="C"))
    text = done.stdout.decode("utf-8", "replace")
    bad = done.returncode or re.search(r"was not cleanly unmounted|Fix\?|Clear\?", text)
    ctx.check(case, not bad, "e2fsck -fn: status %d" % done.returncode, text + log)


def guest_of(ctx, images, smp=2, mem="512"):
    return Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test", smp=smp, mem=mem,
                         disks=tuple(images)))


def shell(guest, text, timeout=120):
    return guest.run(["sh", "-c", text], timeout=timeout)


def without_root(lines):
    """The root directory itself is mke2fs's; its times change."""
    return [l for l in lines if not l.startswith(" ")]


def compare(ctx, case, got, want):
    missing = [l for l in want if l not in set(got)]
    extra = [l for l in got if l not in set(want)]
    ctx.check(case, not missing and not extra,
              "%d lines differ" % (len(missing) + len(extra)),
              "\n".join(["- " + l for l in missing[:20]] + ["+ " + l for l in extra[:20]]))


def dumped(image, folder):
    """The tree as debugfs takes it out; special files stay behind."""
    os.mkdir(folder)
    subprocess.run(["/usr/sbin/debugfs", "-R", "rdump / " + folder, image], check=False,
                   capture_output=True)
    return list_tree(folder)


def plain(lines):
    """What a dump can tell: files and links, without link counts and attributes. debugfs changes
    the owner last, which takes set-id bits away, and knows no sticky bit."""
    out = []
    for line in lines:
        if " size " in line or " -> " in line:
            name, mode, rest = line.split(" ", 2)
            rest = re.sub(r"links \d+|user\.\S+", "", rest)
            out.append(" ".join(("%s %o %s" % (name, int(mode, 8) & ~0o7000, rest)).split()))
    return sorted(out)


def interchange(ctx, folder):
    tree = folder + "/tree"
    make_tree(tree, 1)
    want = without_root(list_tree(tree))
    sets = [(n, o) for n, o in enumerate(option_sets())
            if ctx.wants("options " + " ".join(o))]
    for start in range(0, len(sets), AT_ONCE):
        part = sets[start:start + AT_ONCE]
        images = []
        for n, options in part:
            images.append("%s/set%d" % (folder, n))
            mke2fs(images[-1], options, tree)
        with guest_of(ctx, images) as guest:
            for k, (n, options) in enumerate(part):
                one_set(ctx, guest, "vd" + "abcdefgh"[k], n, options, want, folder)
            check_reports(ctx, guest, "interchange %d/no reports" % start)
            log = guest.log()
        for (n, options), image in zip(part, images):
            judge(ctx, "options %s/fsck" % " ".join(options), image, log)
            after = "%s/after%d" % (folder, n)
            if os.path.exists(after):
                with open(after, encoding="utf-8") as f:
                    compare(ctx, "options %s/dump" % " ".join(options),
                            plain(dumped(image, "%s/dump%d" % (folder, n))),
                            plain(f.read().splitlines()))
            os.unlink(image)


def one_set(ctx, guest, disk, number, options, want, folder):
    """Read, change, and read again what one set of options made."""
    case = "options " + " ".join(options)
    result = shell(guest, "mkdir -p /mnt/d && mount -t ext2 /dev/%s /mnt/d && "
                   "%s list /mnt/d" % (disk, PROGRAM))
    if result.status:
        ctx.fail(case + "/read", "status %d" % result.status,
                 result.stderr.decode("utf-8", "replace") + guest.log())
        return
    compare(ctx, case + "/read", without_root(result.stdout.decode("utf-8").splitlines()), want)
    result = shell(guest, "%s change /mnt/d %d && umount /mnt/d && mount -t ext2 /dev/%s /mnt/d && "
                   "%s list /mnt/d && umount /mnt/d" % (PROGRAM, number, disk, PROGRAM))
    ctx.check(case + "/change", result.status == 0, "status %d" % result.status,
              result.stderr.decode("utf-8", "replace") + guest.log())
    if not result.status:
        with open("%s/after%d" % (folder, number), "wb") as f:
            f.write(result.stdout)


LOADS = (
    # name, mke2fs options, size, fstree arguments
    ("storm", ("-b", "1024"), "32M", ("storm", "/mnt/d", "4", "6")),
    ("storm 4k", ("-b", "4096"), "32M", ("storm", "/mnt/d", "4", "6")),
    ("names", ("-b", "4096", "-N", "110000"), "64M", ("names", "/mnt/d", "100000")),
    ("names 1k", ("-b", "1024", "-N", "30000"), "32M", ("names", "/mnt/d", "25000")),
    ("deep", ("-b", "1024"), "16M", ("deep", "/mnt/d", "300")),
    ("links", ("-b", "4096"), "16M", ("links", "/mnt/d", "33000")),
    ("far", ("-b", "4096"), "16M", ("far", "/mnt/d")),
    ("far 1k", ("-b", "1024"), "16M", ("far", "/mnt/d")),
    ("fill", ("-b", "1024", "-m", "0"), "12M", ("fill", "/mnt/d")),
    ("fill 4k", ("-b", "4096", "-m", "5"), "24M", ("fill", "/mnt/d")),
)


def loads(ctx, folder, smp):
    wanted = [l for l in LOADS if ctx.wants("%s on %d" % (l[0], smp))]
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start:start + AT_ONCE]
        images = []
        for k, load in enumerate(part):
            images.append("%s/load%d" % (folder, k))
            mke2fs(images[-1], load[1], size=load[2])
        with guest_of(ctx, images, smp, "768") as guest:
            for k, load in enumerate(part):
                result = shell(guest, "mkdir -p /mnt/d && mount -t ext2 /dev/vd%s /mnt/d && "
                               "%s %s && umount /mnt/d" %
                               ("abcdefgh"[k], PROGRAM, " ".join(load[3])), 240)
                ctx.check("%s on %d" % (load[0], smp), result.status == 0,
                          "status %d" % result.status,
                          result.stderr.decode("utf-8", "replace") + (result.log or guest.log()))
            check_reports(ctx, guest, "loads %d on %d/no reports" % (start, smp))
            log = guest.log()
        for load, image in zip(part, images):
            judge(ctx, "%s on %d/fsck" % (load[0], smp), image, log)
            os.unlink(image)


def refusals(ctx, folder):
    """Features that we do not know."""
    rows = (("extents", ("-O", "extents"), False, False), ("64bit", ("-O", "extents,64bit"), False, False),
            ("huge_file", ("-O", "huge_file"), True, False),
            ("journal", ("-O", "has_journal"), True, True))
    images = []
    for name, options, _, _ in rows:
        images.append("%s/%s" % (folder, name))
        mke2fs(images[-1], options)
    with guest_of(ctx, images) as guest:
        for k, (name, _, ro, rw) in enumerate(rows):
            for option, expected in (("ro", ro), ("rw", rw)):
                result = shell(guest, "mkdir -p /mnt/d && mount -t ext2 -o %s /dev/vd%s /mnt/d && "
                               "ls /mnt/d && umount /mnt/d" % (option, "abcdefgh"[k]))
                ctx.check("refuse %s %s" % (name, option), (result.status == 0) == expected,
                          "status %d" % result.status, guest.log())
            if not rw:
                ctx.check("refuse %s/named" % name, re.search("ext2.*" + name[:6], guest.log()),
                          "the log does not name it", guest.log())


def run(ctx):
    with tempfile.TemporaryDirectory(prefix="keelson-ext2-") as folder:
        if ctx.wants("refuse"):
            refusals(ctx, folder)
        interchange(ctx, folder)
        for smp in (1, 2, 4):
            loads(ctx, folder, smp)
