# SPDX-License-Identifier: MIT
"""ext2 on disks: bytes against a model, storms of processes, full disks, failing disks.

Images are made by mke2fs here and judged by e2fsck -fn when the guest has unmounted them.
The programs are tests/stress/{fsx,fsstorm,full,iofail}.c. The suite `fsloadsoak` (make stress) is the
long form: --seconds for each case, in the debug configuration.
"""
import os
import re
import tempfile

from vmlib.guest import Guest, PANICKED
from vmlib.qemu import Options

import disks

from . import check_reports

WHERE = "/usr/lib/tests/"
BLOCKS = ("1024", "2048", "4096")
# What memory must be there again when all is unmounted and the caches are dropped.
LOST_KB = 2048
# Operations, processes and so on of the quick form; a soak has them times its seconds.
FSX = ["fsx -n {n} -p 2 -s {s} .", "fsx -n {n} -w -p 3 -s {s} .",
       "fsx -n {n} -b 0x100000000 -s {s} .", "fsx -n {n} -l 8192 -p 2 -s {s} ."]
# fsx and fsstorm: name, block size, CPUs, MiB of memory, MiB of a hog.
STORMS = [("1k-1cpu", "1024", 1, "256", 0), ("2k-2cpu", "2048", 2, "256", 0),
          ("4k-4cpu", "4096", 4, "256", 0), ("1k-4cpu-pressure", "1024", 4, "96", 40)]
TREE_FILES, TREE_SIZE = 4, 20000
DISK_MIB = 2
RULES = [("nth-continue", "errors=continue", "nth"), ("nth-ro", "errors=remount-ro", "nth"),
         ("from-continue", "errors=continue", "from"), ("from-ro", "errors=remount-ro", "from")]
# Of all requests of the work the quick form lets every STEP-th fail.
STEP = 7
QEMU_ERRORS = [(n, errno) for errno in (5, 28) for n in (1, 4, 9, 17, 25, 33)]
FULL_AGREE = 0.97  # of the room that Linux finds


def text(result, guest):
    """All that is known about a command."""
    return "%s\n%s\n%s" % (result.stdout.decode("utf-8", "replace"),
                           result.stderr.decode("utf-8", "replace"), result.log or guest.log())


def run(ctx, seconds=0):
    seconds = int(ctx.seconds or seconds)
    with tempfile.TemporaryDirectory(prefix="keelson-load-") as folder:
        for row in STORMS:
            if ctx.wants("storm/" + row[0]):
                storm(ctx, folder, seconds, *row)
        if ctx.wants("full"):
            full(ctx, folder)
        for block in BLOCKS if seconds else BLOCKS[::2]:
            for name, options, rule in RULES:
                if ctx.wants("errors/%s-%s" % (name, block)):
                    injected(ctx, folder, name + "-" + block, block, options, rule,
                             1 if seconds else STEP)
        if ctx.wants("errors/qemu"):
            from_qemu(ctx, folder)


def judge(ctx, case, image, log):
    """A case: e2fsck finds nothing."""
    status, said = disks.fsck(image)
    ctx.check(case + "/e2fsck", status == 0, "status %d" % status, said + log)


# --- storms ---

MEMORY = ("echo 3 >/proc/sys/vm/drop_caches; sleep 0.2; echo 3 >/proc/sys/vm/drop_caches; "
          "grep -E '^(MemFree|Cached|Buffers|Dirty|Writeback):' /proc/meminfo")


def memory(guest):
    """{field: KiB} when caches are dropped."""
    out = guest.run(["sh", "-c", MEMORY]).stdout.decode("ascii", "replace")
    return {name: int(value) for name, value in re.findall(r"^(\w+): *(\d+)", out, re.M)}


def storm(ctx, folder, seconds, name, block, smp, mem, hog):
    """fsx and fsstorm on one machine; the tree is the same after unmounting; memory comes back."""
    case = "storm/" + name
    image = disks.make(os.path.join(folder, name), 48, "-b", block, "-I", "256", "-m", "0")
    if ctx.config == "debug":
        mem = str(int(mem) * 3)
        hog *= 3
    seed = int.from_bytes(os.urandom(4), "little") if seconds else 1
    count = max(150, 100 * seconds)
    storm_length = "-t %d" % max(4, seconds) if seconds else "-n 800"
    commands = [WHERE + c.format(n=count, s=seed) for c in FSX]
    commands.append(WHERE + "fsstorm %s -s %d -m %d ." % (storm_length, seed, hog))
    with Guest(Options(kernel=ctx.kernel, image="test", config=ctx.config, smp=smp, mem=mem,
                       disks=(image,), append="loglevel=7")) as guest:
        mount = "mount -t ext2 /dev/vda /mnt && cd /mnt && "
        guest.run(["sh", "-c", mount + WHERE + "fsx -n 30 . ; cd / && umount /mnt"])
        before = memory(guest)
        for command in commands:
            result = guest.run(["sh", "-c", mount + command + " && " + WHERE + "fsstorm list . "
                                ">/tmp/before; s=$?; cd /; umount /mnt && exit $s"],
                               timeout=240 + 4 * seconds)
            short = case + "/" + command.split("/")[-1].split(" -s")[0]
            ctx.check(short, result.status == 0, "status %d" % result.status, text(result, guest))
            if result.status == PANICKED:
                return
        result = guest.run(["sh", "-c", mount + WHERE + "fsstorm list . >/tmp/after; cd / && "
                            "umount /mnt && cmp /tmp/before /tmp/after && rm /tmp/before /tmp/after"],
                           timeout=120)
        ctx.check(case + "/same after unmounting", result.status == 0, "the list of files differs",
                  text(result, guest))
        after = memory(guest)
        lost = before.get("MemFree", 0) - after.get("MemFree", 0)
        ctx.check(case + "/memory", after and lost < LOST_KB and not after.get("Dirty", 0),
                  "%d KiB less" % lost, "before %r\nafter %r" % (before, after))
        check_reports(ctx, guest, case + "/no reports")
        log = guest.log()
    judge(ctx, case, image, log)
    interchange(ctx, case, image)


def interchange(ctx, case, image):
    """Linux finds every record whole."""
    if ctx.kernel == "linux":
        return
    with Guest(Options(kernel="linux", image="test", disks=(image,))) as guest:
        result = guest.run(["sh", "-c", "mount -t ext2 /dev/vda /mnt && " + WHERE +
                            "fsstorm records /mnt"], timeout=120)
        ctx.check(case + "/Linux reads it", result.status == 0, "status %d" % result.status,
                  text(result, guest))


# --- full ---

def fill(ctx, kernel, folder, block):
    """{part: how much there was room for} and the machine's words."""
    image = disks.make(os.path.join(folder, "full-%s-%s" % (kernel, block)), 3, "-b", block, "-I",
                       "256", "-N", "1024")
    with Guest(Options(kernel=kernel, image="test", config=ctx.config, smp=2,
                       disks=(image,))) as guest:
        result = guest.run(["sh", "-c", "mount -t ext2 /dev/vda /mnt && " + WHERE + "full /mnt; "
                            "s=$?; umount /mnt && exit $s"], timeout=240)
        log = text(result, guest)
        if kernel == ctx.kernel:
            ctx.check("full/%s" % block, result.status == 0, "status %d" % result.status, log)
            check_reports(ctx, guest, "full/%s/no reports" % block)
    if kernel == ctx.kernel:
        judge(ctx, "full/%s" % block, image, log)
    rows = re.findall(r"^(\w+) (\d+)$", result.stdout.decode("ascii", "replace"), re.M)
    return {name: int(value) for name, value in rows}, log


def full(ctx, folder):
    """Every way of filling a disk; there must be room for as much as on Linux."""
    for block in BLOCKS[::2]:
        ours, log = fill(ctx, ctx.kernel, folder, block)
        if ctx.kernel == "linux":
            continue
        linux, _ = fill(ctx, "linux", folder, block)
        for part, room in linux.items():
            got = ours.get(part, 0)
            ctx.check("full/%s/%s" % (block, part), got >= room * FULL_AGREE,
                      "room for %d, on Linux %d" % (got, room), log)


# --- errors ---

def work_tree(folder):
    """What iofail expects to find: old/0.. of its pattern."""
    letters = b"abcdefghijklmnopqrstuvwxyz"
    os.makedirs(os.path.join(folder, "tree/old"), exist_ok=True)
    for k in range(TREE_FILES):
        with open(os.path.join(folder, "tree/old/%d" % k), "wb") as f:
            f.write(bytes(letters[(at * 7 + at // 1024 + k) % 26] for at in range(TREE_SIZE)))
    return os.path.join(folder, "tree")


def work_image(folder, name, block):
    return disks.make(os.path.join(folder, name), DISK_MIB, "-b", block, "-I", "256", "-N", "128",
                      folder=work_tree(folder))


def sparse(folder, name, mib):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.truncate(mib * disks.MIB)
    return path


def repairable(image, silent):
    """None, or what is wrong with an image behind a failure. silent: nobody was told of one."""
    status, said = disks.fsck(image, "-fy")
    if status > 1:
        return "e2fsck -fy: status %d\n%s" % (status, said)
    if silent and status:
        return "nobody was told, and e2fsck has something to mend\n" + said
    status, said = disks.fsck(image)
    return "after repair: status %d\n%s" % (status, said) if status else None


def injected(ctx, folder, name, block, options, rule, step):
    """The kernel's hook lets the 1st, 2nd, ... request fail."""
    case = "errors/" + name
    if ctx.kernel != "keelson":
        return
    base = work_image(folder, "base", block)
    results = sparse(folder, "results", DISK_MIB * 400)
    with Guest(Options(kernel=ctx.kernel, image="test", config=ctx.config, mem="256",
                       disks=(sparse(folder, "work", DISK_MIB), base, results))) as guest:
        result = guest.run([WHERE + "iofail", "/dev/vda", "/sys/block/vda/inject", "/dev/vdb",
                            "/dev/vdc", options, rule, "1", "399", str(step)], timeout=300)
        log = text(result, guest)
        ctx.check(case, result.status == 0, "status %d" % result.status, log)
        check_reports(ctx, guest, case + "/no reports")
    rows = [line.split(None, 3) for line in result.stdout.decode("utf-8", "replace").splitlines()
            if line[:1].isdigit()]
    wrong = []
    one = os.path.join(folder, "one")
    for at, row in enumerate(rows):
        with open(results, "rb") as source, open(one, "wb") as target:
            source.seek(at * DISK_MIB * disks.MIB)
            target.write(source.read(DISK_MIB * disks.MIB))
        problem = repairable(one, row[2] == "0")
        if problem:
            wrong.append("%s: %s" % (" ".join(row), problem))
    ctx.check(case + "/e2fsck", rows and rows[-1][1] == "0" and not wrong,
              (wrong or ["the work did not end"])[0].splitlines()[0], "\n".join(wrong) + log)
    ctx.note("%s: %d requests, every one of them in steps of %d" % (case, int(rows[-1][0]), step)
             if rows else "no rows")


def blkdebug(folder, number, n, errno):
    """Rules for QEMU's blkdebug: the n-th write fails."""
    path = os.path.join(folder, "rules%d" % number)
    with open(path, "w", encoding="ascii") as f:
        for k in range(1, n):
            f.write('[set-state]\nevent = "pwritev"\nstate = "%d"\nnew_state = "%d"\n' % (k, k + 1))
        f.write('[inject-error]\nevent = "pwritev"\nstate = "%d"\nerrno = "%d"\nonce = "on"\n'
                % (n, errno))
    return path


def from_qemu(ctx, folder):
    """The device itself reports errors: one disk for each rule, all in one machine."""
    extra, images = [], []
    for k, (n, errno) in enumerate(QEMU_ERRORS):
        image = work_image(folder, "qemu%d" % k, "1024")
        images.append(image)
        extra += ["-drive", "file=blkdebug:%s:%s,format=raw,if=none,id=e%d"
                  % (blkdebug(folder, k, n, errno), image, k),
                  "-device", "virtio-blk-pci,drive=e%d,werror=report,rerror=report" % k]
    with Guest(Options(kernel=ctx.kernel, image="test", config=ctx.config, mem="256",
                       extra=tuple(extra))) as guest:
        for k, (n, errno) in enumerate(QEMU_ERRORS):
            case = "errors/qemu/write %d, errno %d" % (n, errno)
            result = guest.run([WHERE + "iofail", "work", "/dev/vd" + "abcdefghijklmnop"[k],
                                "errors=continue"], timeout=60)
            told = re.match(rb"(\d+) failed", result.stdout)
            ctx.check(case, result.status == 0 and told and int(told.group(1)) > 0,
                      "status %d, %r" % (result.status, result.stdout), text(result, guest))
        check_reports(ctx, guest, "errors/qemu/no reports")
    wrong = [p for p in (repairable(image, False) for image in images) if p]
    ctx.check("errors/qemu/e2fsck", not wrong, "".join(wrong)[:60], "\n".join(wrong))
