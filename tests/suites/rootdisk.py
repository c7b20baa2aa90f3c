# SPDX-License-Identifier: MIT
"""The disk of `make image` as root: every way to boot it and to name it, and what each kind of end
leaves. After an orderly end e2fsck finds nothing on the host; after a pulled plug the next boot
repairs the root, says so at the console, and has what was synchronised."""
import json
import os
import re
import subprocess
import sys
import traceback
import uuid

import fsimages
from vmlib import qemu

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "console"))
from session import Session  # noqa: E402  pylint: disable=wrong-import-position

ROOT = 2  # third partition, counted from 0
LIMIT = 90
# An initramfs that looks for the root by itself, as those of distributions do.
SWITCH = """#!/bin/sh
mkdir -p /dev /proc /newroot
mountpoint -q /dev || mount -t devtmpfs dev /dev
mount -t proc proc /proc
for word in $(cat /proc/cmdline); do case $word in root=*) root=${word#root=};; esac; done
echo "initramfs: looking for $root"
mount -t ext2 -o ro "$(findfs "$root")" /newroot || exec sh
mount --move /dev /newroot/dev
umount /proc
exec switch_root /newroot /sbin/init
"""


def cpio_file(name, data, mode):
    """An archive (newc) of one file, to lie behind another archive."""
    out = b""
    for n, (name, data, mode) in enumerate(((name, data, mode), ("TRAILER!!!", b"", 0))):
        fields = (900000 + n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


class Disk:
    """A copy on write of the disk, thrown away with its folder."""

    def __init__(self, ctx, folder):
        base = qemu.artefact("build/%s/disk.raw" % ctx.config)
        self.ctx, self.folder = ctx, folder
        self.path = folder + "/disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, self.path],
                       check=True)
        table = json.loads(fsimages.tool("sfdisk", "-J", base))["partitiontable"]["partitions"][ROOT]
        self.start, self.size = table["start"] * 512, table["size"] * 512
        with open(base, "rb") as f:
            f.seek(self.start + 1024)
            sb = f.read(1024)
        self.names = {"PARTUUID": table["uuid"], "UUID": str(uuid.UUID(bytes=sb[104:120])),
                      "LABEL": sb[120:136].rstrip(b"\0").decode(), "PARTLABEL": table.get("name", "")}

    def root(self):
        """The root file system as it is now, in a file."""
        raw, out = self.folder + "/raw", self.folder + "/root"
        subprocess.run(["qemu-img", "convert", "-O", "raw", self.path, raw], check=True)
        whole = object.__new__(fsimages.Disk)
        whole.path, whole.parts = raw, [(self.start, self.size)]
        whole.extract(0, out)
        os.unlink(raw)
        return out

    def cat(self, name):
        """A file of the root, as debugfs reads it."""
        return fsimages.tool("debugfs", "-R", "cat " + name, self.root(), check=False)

    def boot(self, way, **more):
        """A session on this disk by its own boot loader."""
        return Session(config=self.ctx.config, boot=way, limit=LIMIT, keep=True, smp=2,
                       **{"from": self.path}, **more)

    def direct(self, line, image="none"):
        """A session with the kernel loaded by QEMU."""
        return Session(config=self.ctx.config, boot="direct", limit=LIMIT, smp=2, image=image,
                       disk=self.path, append=line)


def clean(disk):
    """The host finds nothing to complain of, not even that it was not unmounted."""
    root = disk.root()
    said = fsimages.fsck(root)
    assert not said, "e2fsck -fn: " + said
    state = fsimages.tool("dumpe2fs", "-h", root)
    assert re.search(r"Filesystem state: +clean\n", state), "not marked clean: " + state.split("Filesystem state:")[1].split("\n")[0].strip()


def orderly(s, command="poweroff"):
    """End the machine; QEMU ends with 0 for both, because of -no-reboot."""
    s.send(command + "\r")
    status = s.ended()
    assert status == 0, "%s: status %s" % (command, status)


def mounted(s):
    """The options of the root, as /proc/mounts has them."""
    found = re.search(r"^(/dev/\S+) / ext2 (\S+)", s.shell("cat /proc/mounts"), re.M)
    assert found, "the root is no ext2"
    return found[1], found[2].split(",")


# --- cases; each gets a disk of its own and keeps the session in `seen` for the log ---

def firmware(way, command, disk, seen):
    s = seen(disk.boot(way))
    s.prompt()
    assert "rw" in mounted(s)[1], "the root is read-only"
    s.shell("echo kept >/etc/kept; mkdir /etc/d; echo unsynced >/etc/d/f")
    orderly(s, command)
    clean(disk)
    assert "kept" in disk.cat("/etc/kept"), "a file is lost"
    assert "unsynced" in disk.cat("/etc/d/f"), "a file that was not synchronised is lost"
    s = seen(disk.boot(way))
    s.prompt()
    assert s.shell("cat /etc/kept") == "kept\n", "not there after another boot"
    s.shell("rm -r /etc/kept /etc/d")
    orderly(s)
    clean(disk)


def killed(disk, seen):
    s = seen(disk.boot("bios"))
    s.prompt()
    s.shell("echo safe >/etc/safe; sync; for i in 1 2 3 4 5; do echo $i >/etc/x$i; rm /etc/x$((i-1)); done")
    s.close()
    assert "clean\n" not in re.search(r"Filesystem state:.*\n", fsimages.tool(
        "dumpe2fs", "-h", disk.root()))[0].replace("not clean", ""), "marked clean while in use"
    s = seen(disk.boot("bios"))
    said = s.prompt()
    assert re.search(r"was not cleanly unmounted|Inode|clean, ", s.text()), \
        "e2fsck is not seen at the console:\n" + said
    assert s.shell("cat /etc/safe") == "safe\n", "a synchronised file is lost"
    assert "rw" in mounted(s)[1], "the root is read-only"
    orderly(s)
    clean(disk)


def remounted(disk, seen):
    s = seen(disk.boot("bios"))
    s.prompt()
    s.shell("echo x >/etc/x; mount -o remount,ro /")
    assert "ro" in mounted(s)[1], "still read-write"
    assert "Read-only" in s.shell("echo y >/etc/y"), "can be written"
    s.close()  # pulled while read-only: nothing to repair
    clean(disk)
    assert "x" in disk.cat("/etc/x"), "a file is lost"


def by_name(line, state, disk, seen):
    s = seen(disk.direct(line.format(**disk.names)))
    s.prompt()
    device, options = mounted(s)
    assert state in options, "mounted %s" % options
    assert device == "/dev/vda3", "mounted from %s" % device
    if state == "rw":
        s.shell("echo x >/etc/x")
    orderly(s)
    clean(disk)


def no_device(disk, seen):
    s = seen(disk.direct("root=/dev/vda9"))
    s.expect("no root device")


def appears_later(disk, seen):
    s = seen(Session(config=disk.ctx.config, boot="direct", limit=LIMIT, image="none",
                     append="loglevel=7 root=PARTUUID=%s rootwait" % disk.names["PARTUUID"]))
    s.expect("waiting for the root device")


def switched(line, disk, seen):
    image = disk.folder + "/initramfs"
    with open(qemu.image_path("minimal"), "rb") as f:
        data = f.read()
    with open(image, "wb") as f:
        f.write(data + bytes(-len(data) % 512) + cpio_file("start", SWITCH.encode(), 0o100755))
    s = seen(disk.direct("rdinit=/start " + line.format(**disk.names), image))
    s.prompt()
    assert "initramfs: looking for" in s.text(), "the initramfs was not asked"
    assert "rw" in mounted(s)[1], "the root is read-only"
    assert s.shell("ls /newroot 2>&1").count("No such"), "still in the initramfs"
    orderly(s)
    clean(disk)


def cases():
    """{name: function of disk and seen}."""
    out = {}
    for way in ("bios", "uefi"):
        for command in ("poweroff", "reboot"):
            out["%s, %s" % (way, command)] = lambda d, s, w=way, c=command: firmware(w, c, d, s)
    out["pulled plug"] = killed
    out["remount read-only, pulled plug"] = remounted
    for line, state in (("root=/dev/vda3", "rw"), ("root=/dev/vda3 rw", "rw"),
                        ("root=UUID={UUID}", "rw"), ("root=PARTUUID={PARTUUID} rootwait", "rw"),
                        ("root=LABEL={LABEL} ro", "rw"), ("root=254:3 rootfstype=ext2", "rw"),
                        ("root=/dev/vda3 rw rootflags=errors=remount-ro,nouid32 rootwait", "rw"),
                        ("root=LABEL={LABEL} ro init=/bin/sh", "ro")):
        if "init=" in line:
            out[line] = lambda d, s, l=line: only_shell(l, d, s)
        else:
            out[line] = lambda d, s, l=line, t=state: by_name(l, t, d, s)
    out["switch_root by UUID"] = lambda d, s: switched("root=UUID={UUID}", d, s)
    out["switch_root by LABEL"] = lambda d, s: switched("root=LABEL={LABEL}", d, s)
    out["no such device"] = no_device
    out["rootwait waits"] = appears_later
    return out


def only_shell(line, disk, seen):
    s = seen(disk.direct(line.format(**disk.names)))
    s.expect("# ")
    s.send("echo x >/etc/x; echo do''ne\r")
    s.expect("Read-only file system")
    s.expect("done")
    s.close()
    clean(disk)


def run_case(ctx, name, function):
    """One case with a disk of its own; a failure has everything that the machines wrote."""
    sessions, texts = [], []

    def seen(session):
        sessions.append(session)
        return session

    with fsimages.folder("rootdisk") as folder:
        try:
            try:
                function(Disk(ctx, folder), seen)
            finally:
                texts = [s.text() if not s.log.closed else "" for s in sessions]
                for s in sessions:
                    s.close()
            ctx.ok(name)
        except Exception as err:  # a case fails whatever went wrong
            ctx.fail(name, (str(err).split("\n", 1)[0] or type(err).__name__)[:100],
                     traceback.format_exc() + "\n".join(texts))


def run(ctx):
    if ctx.kernel != "keelson":
        ctx.ok("nothing to check on another kernel: the disk has its own")
        return
    for name, function in cases().items():
        if ctx.wants(name):
            run_case(ctx, name, function)
