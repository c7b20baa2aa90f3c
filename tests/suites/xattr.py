# SPDX-License-Identifier: MIT
"""Extended attributes and ACLs on ext2: tests/abi/acl on images as on Linux; trees that Linux wrote
are read and changed here and the other way round, judged by e2fsck and debugfs; storms; damage; power
cuts."""
import os
import random
import re
import subprocess
import tempfile

import disks
from crash import fsck, logwrites
from vmlib.guest import Guest
from vmlib.qemu import Options

from . import abi, both, check_reports, powercut

SETS = (("-I", "256", "-b", "4096"), ("-I", "128", "-b", "1024"), ("-I", "256", "-b", "1024"),
        ("-I", "512", "-b", "2048"), ("-I", "256", "-b", "1024", "-O", "^ext_attr"),
        ("-I", "128", "-b", "1024", "-r", "0"))
MIB = 8
PROGRAM = "/usr/lib/tests/fsxattr"
DAMAGED = 24  # images that are hurt


def machine(ctx, kernel, images, smp=2):
    return Guest(Options(kernel=kernel, config=ctx.config, image="test", disks=tuple(images),
                         smp=smp))


def disk(k):
    return "/dev/vd" + "abcdefghijklmnopqrstuvwxyz"[k]


def shell(guest, text, timeout=120):
    return guest.run(["sh", "-c", text], timeout=timeout)


def judge(ctx, case, path):
    status, text = disks.fsck(path)
    ctx.check(case, status == 0 and "Fix?" not in text, "e2fsck -fn: status %d" % status, text)


def quiet(ctx, case, guest):
    """The file system had nothing to complain about."""
    wrong = [l for l in guest.log().splitlines() if "ext2: " in l and " error:" in l]
    ctx.check(case, not wrong, wrong[0] if wrong else "", "\n".join(wrong))


# --- the ABI program ---

def run_acl(ctx, kernel, folder):
    """{set: cases} of tests/abi/acl on each image."""
    images = [disks.make("%s/%s%d" % (folder, kernel[:1], k), MIB, *options)
              for k, options in enumerate(SETS)]
    results = []
    with machine(ctx, kernel, images) as guest:
        for k in range(len(SETS)):
            done = shell(guest, "ACL_DEV=%s %sacl" % (disk(k), abi.WHERE), 180)
            results.append(abi.split(done.stdout.decode("utf-8", "replace")))
        log = guest.log()
        check_reports(ctx, guest)
        if kernel == ctx.kernel:
            quiet(ctx, "acl/no errors", guest)
    return results, images, log


def acl_cases(ctx, folder):
    linux, ours = both(lambda: run_acl(ctx, "linux", folder),
                       lambda: run_acl(ctx, ctx.kernel, folder))
    for k, options in enumerate(SETS):
        text = " ".join(options)
        for case in abi.case_names("build/tests/acl"):
            abi.compare(ctx, "acl %s/%s" % (text, case), linux[0][k].get(case),
                        ours[0][k].get(case), ours[2])
        judge(ctx, "acl %s/fsck" % text, ours[1][k])


# --- interchange ---

def step(ctx, kernel, images, command):
    """Runs fsxattr on every image; what `list` says afterwards."""
    out = []
    with machine(ctx, kernel, images) as guest:
        for k in range(len(images)):
            done = shell(guest, "mkdir -p /mnt/d && mount -t ext2 %s /mnt/d && %s && %s list /mnt/d "
                         "&& umount /mnt/d" % (disk(k), command or "true", PROGRAM))
            text = done.stdout.decode("utf-8", "surrogateescape")
            if done.status:
                text += "status %d: %s" % (done.status, done.stderr.decode("utf-8", "replace"))
            out.append(text)
        if kernel == ctx.kernel:
            check_reports(ctx, guest)
            quiet(ctx, "interchange %s/no errors" % (command or "list"), guest)
    return out


def debugfs_names(image, path):
    """Attributes as debugfs sees them: {name: size}; sizes of ACLs differ from the kernel's."""
    done = subprocess.run(["/usr/sbin/debugfs", "-R", "ea_list " + path, image], check=False,
                          capture_output=True)
    found = {}
    for name, size in re.findall(r"^\s+(\S.*?)\s+\((\d+)\)", done.stdout.decode("utf-8", "replace"),
                                 re.M):
        if re.fullmatch(r"[0-9a-f]{2}( [0-9a-f]{2})+", name):  # not all letters are ASCII
            name = bytes.fromhex(name).decode("utf-8")
        if not name.startswith("system."):
            found[name] = size
    return found


def check_debugfs(ctx, case, image, listing):
    wrong = []
    for line in listing.splitlines():
        path, _, rest = line.partition(" ")
        want = dict(re.findall(r" (\S+)=(\d+):", rest))
        want = {n: s for n, s in want.items() if not n.startswith("system.")}
        got = debugfs_names(image, path[1:] or "/")
        if path.startswith(".") and got != want:
            wrong.append("%s: %r, not %r" % (path, got, want))
    ctx.check(case, not wrong, "%d files differ" % len(wrong), "\n".join(wrong))


def same(ctx, case, a, b):
    lines = [l for l in a.splitlines() if l not in b.splitlines()]
    lines += [l for l in b.splitlines() if l not in a.splitlines()]
    ctx.check(case, a == b and "status" not in a, "%d lines differ" % len(lines),
              "\n".join(lines[:40]))


def interchange(ctx, folder, first, second):
    """One kernel writes, the other reads and changes, the first reads again."""
    images = [disks.make("%s/x%d" % (folder, k), MIB, *o) for k, o in enumerate(SETS)]
    name = "%s to %s" % (first, second)
    wrote = step(ctx, first, images, PROGRAM + " make /mnt/d 7")
    read = step(ctx, second, images, "")
    changed = step(ctx, second, images, PROGRAM + " change /mnt/d 8")
    for k, options in enumerate(SETS):
        if second == ctx.kernel:
            judge(ctx, "%s %s/fsck" % (name, " ".join(options)), images[k])
            check_debugfs(ctx, "%s %s/debugfs" % (name, " ".join(options)), images[k], changed[k])
    again = step(ctx, first, images, "")
    for k, options in enumerate(SETS):
        same(ctx, "%s %s/read" % (name, " ".join(options)), wrote[k], read[k])
        same(ctx, "%s %s/changed" % (name, " ".join(options)), changed[k], again[k])
        judge(ctx, "%s %s/fsck at the end" % (name, " ".join(options)), images[k])


# --- storms and damage ---

def storms(ctx, folder):
    images = [disks.make("%s/s%d" % (folder, k), MIB, *o) for k, o in enumerate(SETS[:3])]
    with machine(ctx, ctx.kernel, images, 4) as guest:
        for k in range(3):
            done = shell(guest, "mkdir -p /mnt/d && mount -t ext2 %s /mnt/d && chmod 777 /mnt/d && "
                         "%s storm /mnt/d 4; r=$?; umount /mnt/d && exit $r" % (disk(k), PROGRAM))
            ctx.check("storm %s" % " ".join(SETS[k]), done.status == 0, "status %d" % done.status,
                      done.stderr.decode("utf-8", "replace") + done.log)
        check_reports(ctx, guest)
        quiet(ctx, "storm/no errors", guest)
    for k in range(3):
        judge(ctx, "storm %s/fsck" % " ".join(SETS[k]), images[k])


def hurt(path, seed):
    """Changes bytes near the magic of attribute blocks and of attributes inside of inodes."""
    r = random.Random(seed)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    places = [m.start() for m in re.finditer(b"\x00\x00\x02\xea", bytes(data))]
    for at in places:
        for _ in range(r.choice([0, 0, 1, 1, 2, 5])):
            data[at + r.randrange(r.choice([8, 40, 120]))] = r.randrange(256)
    with open(path, "wb") as f:
        f.write(data)
    return len(places)


def damage(ctx, folder):
    """Nothing worse than errors comes of damaged attributes; what e2fsck repairs is whole."""
    base = [disks.make("%s/d%d" % (folder, k), 4, *o) for k, o in enumerate(SETS[:4])]
    step(ctx, ctx.kernel, base, PROGRAM + " make /mnt/d 11")
    images = []
    for k in range(DAMAGED):
        path = "%s/h%d" % (folder, k)
        with open(base[k % 4], "rb") as f, open(path, "wb") as g:
            g.write(f.read())
        ctx.check("damage %d/there are attributes" % k, hurt(path, k) > 10)
        images.append(path)
    with machine(ctx, ctx.kernel, images) as guest:
        for k in range(DAMAGED):
            done = shell(guest, "mkdir -p /mnt/d; mount -t ext2 %s /mnt/d && { %s list /mnt/d; "
                         "%s change /mnt/d 3; rm -rf /mnt/d/*; umount /mnt/d; }"
                         % (disk(k), PROGRAM, PROGRAM))
            ctx.check("damage %d" % k, done.status == 0, "status %d" % done.status, done.log)
        check_reports(ctx, guest)
    for k, path in enumerate(images):
        disks.fsck(path, "-fy")
        judge(ctx, "damage %d/fsck after repair" % k, path)


# --- power cuts ---

# A share of a block is given up before or after the inode says so: a count.
COUNT = re.compile(r"Extended attribute block \d+ has reference count \d+, should be \d+\. .*")


def cut_states(base, log):
    """Every prefix of the log, and reorderings between flushes: (label, image)."""
    image = bytearray(base)
    for number, epoch in enumerate(logwrites.epochs(logwrites.read(log))):
        start = bytes(image)
        for k in range(2 if len(epoch) > 1 else 0):
            image = bytearray(start)
            for e in logwrites.subset(epoch, "xattr-%d-%d" % (number, k)):
                logwrites.apply(image, e)
            yield "epoch %d, choice %d" % (number, k), image
        image = bytearray(start)
        for k, e in enumerate(epoch):
            logwrites.apply(image, e)
            if k % 4 == 0 or k == len(epoch) - 1:
                yield "epoch %d, write %d" % (number, k), image


def cuts(ctx, folder):
    for n, options in enumerate(SETS[:3]):
        path, log = "%s/c%d" % (folder, n), "%s/c%d.log" % (folder, n)
        disks.make(path, 4, *options)
        with open(path, "rb") as f:
            base = f.read()
        open(log, "wb").close()
        with Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test", smp=2,
                           extra=powercut.drive(path, log))) as guest:
            done = shell(guest, "mkdir -p /mnt/d && mount -t ext2 /dev/vda /mnt/d && cd /mnt/d && "
                         "chmod 777 . && {P} make . 5 && sync && {P} change . 6 && sync && "
                         "{{ {P} storm . 2 & p=$!; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; sync; "
                         "done; wait $p; }} && cd / && umount /mnt/d".format(P=PROGRAM))
            ctx.check("cut %d/load" % n, done.status == 0, "status %d" % done.status,
                      done.stderr.decode("utf-8", "replace") + done.log)
            check_reports(ctx, guest)
        states, failures = 0, []
        for label, image in cut_states(base, log):
            with open(folder + "/state", "wb") as f:
                f.write(image)
            problems = [p for p in fsck.check(folder + "/state")[0] if not COUNT.fullmatch(p)]
            if states % 8 == 0:
                problems += fsck.repair(folder + "/state")
            states += 1
            if problems:
                failures.append("\n  ".join([label] + problems))
        ctx.note("cut %d: %d states" % (n, states))
        ctx.check("cut %d/e2fsck" % n, states > 20 and not failures,
                  "%d of %d states" % (len(failures), states), "\n".join(failures[:20]))


def run(ctx):
    with tempfile.TemporaryDirectory(prefix="keelson-xattr-") as folder:
        if ctx.wants("acl"):
            acl_cases(ctx, folder)
        if ctx.wants("interchange"):
            interchange(ctx, folder, "linux", ctx.kernel)
            interchange(ctx, folder, ctx.kernel, "linux")
        if ctx.wants("storm"):
            storms(ctx, folder)
        if ctx.wants("damage"):
            damage(ctx, folder)
        if ctx.wants("cut"):
            cuts(ctx, folder)
