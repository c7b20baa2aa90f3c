# SPDX-License-Identifier: MIT
"""ext2 under load: storms of names, large directories, links, full disks, far ends of files, on 1, 2
and 4 CPUs, each judged by e2fsck -fn on the host; features that must be refused. The suite
`interchange` compares what other drivers wrote."""
import os
import re
import subprocess
import tempfile

from vmlib.guest import Guest
from vmlib.qemu import Options

from . import check_reports

PROGRAM = "/usr/lib/tests/fstree"
SIZE = "16M"
AT_ONCE = 8  # disks of one guest

def mke2fs(image, options, size=SIZE):
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", *options, image, size], check=True,
                   capture_output=True)


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


def races(ctx, folder):
    """What is on the disk while commits are under way; a slow disk keeps them there."""
    for mode in ("size", "fresh", "reuse"):
        if not ctx.wants("race " + mode):
            continue
        image = os.path.join(folder, "race-" + mode)
        with open(image, "wb") as f:
            f.truncate(20 << 20)
        mke = subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", "-N",
                              "1024", image], capture_output=True, check=False)
        drive = ("-drive", "file=%s,format=raw,if=virtio,throttling.iops-write=1500" % image)
        with Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test", smp=4,
                           extra=drive)) as guest:
            result = guest.run(["sh", "-c", "mount -t ext2 /dev/vda /mnt && "
                                "/usr/lib/tests/fsrace %s /dev/vda /mnt 5 && umount /mnt" % mode],
                               timeout=120)
            check_reports(ctx, guest, "race %s/no reports" % mode)
            log = result.log or guest.log()
        ctx.check("race " + mode, not mke.returncode and result.status == 0,
                  "status %d" % result.status,
                  (result.stdout + result.stderr).decode("utf-8", "replace") + log)


def run(ctx):
    with tempfile.TemporaryDirectory(prefix="keelson-ext2-") as folder:
        if ctx.wants("refuse"):
            refusals(ctx, folder)
        for smp in (1, 2, 4):
            loads(ctx, folder, smp)
        races(ctx, folder)
