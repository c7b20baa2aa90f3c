#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a disk that boots by itself, by BIOS and by UEFI, from rootfs/images/NAME.list.

    GPT | BIOS boot partition: GRUB | EFI system partition: GRUB | ext2: everything else

The root file system is made by `mke2fs -d` from a folder of this user's own; owners, device nodes
and times are then written by debugfs. So neither root rights nor loop devices are needed, and the
same inputs give the same bytes: identifiers come from a hash of the contents, times from
SOURCE_DATE_EPOCH (0 without it).

usage: mkdisk.py [--size MIB] [--append TEXT] [--timeout S] [--root-only] [--depend FILE]
                 --kernel FILE LIST -o OUT
  --size       of the root file system (0: what fits, and a quarter more, 64 at least)
  --append     the kernel's command line behind root=
  --root-only  only the ext2 file system, without partitions and boot loader
Environment: as for mkimage.py.
"""
import argparse
import hashlib
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import uuid

import mkimage

SECTOR = 512
MIB = 1 << 20
BIOS_START, BIOS_SIZE = 1 * MIB, 1 * MIB
ESP_START, ESP_SIZE = 2 * MIB, 6 * MIB
ROOT_START = 8 * MIB
TAIL = 1 * MIB  # the backup table
NAMESPACE = uuid.UUID("0f2c7a56-9b53-4d3c-8f0e-6b65656c736f")
TYPE_BIOS = "21686148-6449-6E6F-744E-656564454649"
TYPE_ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
TYPE_ROOT = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
GRUB = "/usr/lib/grub"
# What the boot loader needs to read its configuration and the kernel; all of it is in its image.
MODULES = ("normal multiboot2 ext2 part_gpt search search_fs_uuid serial terminal test echo "
           "configfile").split()
# Written by mkfs and by ourselves with this date.
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def run(*cmd, **more):
    """Run a tool; its output only shows when it fails."""
    env = dict(os.environ, E2FSPROGS_FAKE_TIME=str(max(EPOCH, 1)), MTOOLS_SKIP_CHECK="1",
               LC_ALL="C", MKE2FS_CONFIG="/dev/null", SOURCE_DATE_EPOCH=str(max(EPOCH, 315532800)))
    done = subprocess.run(cmd, env=env, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
        sys.exit("mkdisk: %s failed with status %d" % (cmd[0], done.returncode))
    return done.stdout


def tool(name):
    """A program that may lie where only root looks."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") or name


# --- the root file system ---

def quoted(path):
    """A name as debugfs reads it."""
    return '"%s"' % path.replace('"', '""')


class Tree:
    """The entries of an image as a folder, and what a plain user cannot give that folder."""

    def __init__(self, image, folder):
        self.folder = folder
        self.commands = []
        self.bytes = 0
        first = {}
        for path in sorted(image.entries, key=lambda p: (bool(image.entries[p].group
                                                              and not image.entries[p].data), p)):
            self.place(path, image.entries[path], first)
        for path in sorted(image.entries):
            self.finish(path, image.entries[path])

    def place(self, path, entry, first):
        host = self.folder + path
        if stat.S_ISDIR(entry.mode):
            os.makedirs(host, exist_ok=True)
        elif stat.S_ISLNK(entry.mode):
            os.symlink(entry.data, host)
        elif stat.S_ISREG(entry.mode) and entry.group in first:
            os.link(first[entry.group], host)
        elif stat.S_ISREG(entry.mode):
            with open(host, "wb") as f:
                f.write(entry.data)
            self.bytes += -(-len(entry.data) // 4096) * 4096
            if entry.group:
                first[entry.group] = host

    def finish(self, path, entry):
        host = self.folder + path
        name = quoted(path)
        if stat.S_ISCHR(entry.mode) or stat.S_ISBLK(entry.mode):
            # mknod takes a name in the current directory only.
            self.commands += ["cd " + quoted(os.path.dirname(path)),
                              "mknod %s %s %d %d" % (os.path.basename(path),
                                                     "c" if stat.S_ISCHR(entry.mode) else "b",
                                                     *entry.rdev), "cd /"]
        elif not stat.S_ISLNK(entry.mode):
            os.chmod(host, stat.S_IMODE(entry.mode) | 0o700)
        if not stat.S_ISLNK(entry.mode):
            self.commands.append("sif %s mode 0%o" % (name, entry.mode))
        for field in ("uid", "gid"):
            self.commands.append("sif %s %s 0" % (name, field))
        for field in ("atime", "mtime", "ctime"):
            self.commands.append("sif %s %s @%d" % (name, field, EPOCH))


def root_filesystem(image, out, size, ident):
    """An ext2 of `size` MiB (0: what fits) in the file `out`; its size in bytes."""
    with tempfile.TemporaryDirectory(prefix="keelson-root-") as folder:
        tree = Tree(image, folder + "/root")
        if not size:
            size = max(64, (tree.bytes + len(image.entries) * 512) * 5 // 4 // MIB + 8)
        inodes = max(size * 64, len(image.entries) * 2)
        with open(out, "wb") as f:
            f.truncate(size * MIB)
        run(tool("mke2fs"), "-q", "-F", "-t", "ext2", "-b", "4096", "-I", "256", "-N", str(inodes),
            "-m", "1", "-L", "keelson-root", "-U", str(ident), "-O",
            "none,filetype,sparse_super,large_file,resize_inode,ext_attr,dir_index",
            "-E", "hash_seed=%s,root_owner=0:0,lazy_itable_init=0" % ident,
            "-d", folder + "/root", out)
        script = folder + "/commands"
        tree.commands += ["sif /lost+found %s @%d" % (f, EPOCH)
                          for f in ("atime", "mtime", "ctime")]
        with open(script, "w", encoding="utf-8") as f:
            f.write("\n".join(tree.commands) + "\n")
        said = run(tool("debugfs"), "-w", "-f", script, out).decode()
        wrong = [l for l in said.splitlines() if l and not l.startswith(("debugfs", "Allocated"))]
        if wrong:
            sys.exit("mkdisk: debugfs: " + wrong[0])
    return size * MIB


# --- the boot loader ---

def grub_config(ident, append, timeout):
    """/boot/grub/grub.cfg: the entries of the ISO, with a disk as root."""
    special = "".join("\\" + c if c in "\\\"$;|&<>{}" else c for c in append)
    verbose = " ".join(w for w in special.split() if w != "quiet")
    line = "root=UUID=%s %s" % (ident, special)
    entries = ""
    for title, text in (("Keelson", line),
                        ("Keelson, verbose", "root=UUID=%s %s loglevel=7" % (ident, verbose)),
                        ("Keelson, one CPU", line + " maxcpus=1"),
                        ("Keelson, read-only root and a shell", line + " ro init=/bin/sh")):
        entries += ('menuentry "%s" {\n\tmultiboot2 /boot/keelson %s\n'
                    "\tset gfxpayload=$screen\n}\n" % (title, text))
    return """serial --unit=0 --speed=115200
terminal_input console serial
if [ "$grub_platform" = efi ]; then
	insmod all_video
	set screen=1024x768x32,1024x768,auto
else
	set screen=text
	terminal_output console serial
fi
set default=0
set timeout=%d
%s""" % (timeout, entries)


def grub_image(form, ident, out, folder, more):
    """GRUB's core with its modules; it looks for the root by its UUID."""
    early = folder + "/early.cfg"
    with open(early, "w", encoding="ascii") as f:
        f.write("search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\n"
                "configfile /boot/grub/grub.cfg\n" % ident)
    run("grub-mkimage", "-O", form, "-d", "%s/%s" % (GRUB, form), "-c", early, "-p", "/boot/grub",
        "-o", out, *MODULES, *more)


def install_bios(disk, ident, folder):
    """boot.img into the first sector, the core image into the BIOS boot partition. Where each part
    finds the next is patched as GRUB 2.06's own installer does: include/grub/i386/pc/boot.h."""
    core_path = folder + "/core.img"
    grub_image("i386-pc", ident, core_path, folder, ["biosdisk"])
    with open(core_path, "rb") as f:
        core = bytearray(f.read())
    with open(GRUB + "/i386-pc/boot.img", "rb") as f:
        boot = bytearray(f.read(440))
    if len(core) > BIOS_SIZE:
        sys.exit("mkdisk: GRUB's core image is larger than its partition")
    start = BIOS_START // SECTOR
    struct.pack_into("<Q", boot, 0x5c, start)          # sector of the core image
    boot[0x66:0x68] = b"\x90\x90"                      # use the drive the firmware names
    # The first sector of the core loads the rest: one list entry {sector, count, segment}.
    struct.pack_into("<QHH", core, 0x1f4, start + 1, -(-len(core) // SECTOR) - 1, 0x820)
    disk.seek(0)
    disk.write(boot)
    disk.seek(BIOS_START)
    disk.write(core)


def install_efi(disk, ident, folder):
    """A FAT file system with the one file that firmware starts from a disk."""
    grub_image("x86_64-efi", ident, folder + "/BOOTX64.EFI", folder, ["all_video"])
    os.utime(folder + "/BOOTX64.EFI", (max(EPOCH, 315532800),) * 2)
    esp = folder + "/esp"
    with open(esp, "wb") as f:
        f.truncate(ESP_SIZE)
    run("mformat", "-i", esp, "-N", "%08x" % (ident.int & 0xffffffff), "-v", "KEELSON-EFI",
        "-T", str(ESP_SIZE // SECTOR), "-h", "16", "-s", "32", "::")
    run("mmd", "-i", esp, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-m", "-i", esp, folder + "/BOOTX64.EFI", "::/EFI/BOOT/BOOTX64.EFI")
    with open(esp, "rb") as f:
        disk.seek(ESP_START)
        disk.write(f.read())


def partition(path, total, ident):
    """The partition table, by sfdisk on the plain file."""
    def part(n):
        return str(uuid.uuid5(NAMESPACE, "%s-%d" % (ident, n))).upper()
    rows = [(BIOS_START, BIOS_SIZE, TYPE_BIOS, "bios"), (ESP_START, ESP_SIZE, TYPE_ESP, "efi"),
            (ROOT_START, total - TAIL - ROOT_START, TYPE_ROOT, "keelson-root")]
    text = "label: gpt\nlabel-id: %s\nfirst-lba: 34\n" % part(0)
    for n, (start, size, kind, name) in enumerate(rows, 1):
        text += 'start=%d, size=%d, type=%s, uuid=%s, name="%s"\n' % (
            start // SECTOR, size // SECTOR, kind, part(n), name)
    run(tool("sfdisk"), "--no-reread", "--no-tell-kernel", "-q", path, input=text.encode())


def copy_sparse(source, disk, at):
    """The bytes of a file into the disk, holes left out."""
    with open(source, "rb") as f:
        while block := f.read(MIB):
            if block.count(0) != len(block):
                disk.seek(at)
                disk.write(block)
            at += len(block)


def contents_hash(image):
    """What the identifiers are made of."""
    h = hashlib.sha256()
    for path, entry in sorted(image.entries.items()):
        h.update(b"%s\0%o %d %d %s\0" % (path.encode(), entry.mode, *entry.rdev,
                                         (entry.group or "").encode()))
        h.update(hashlib.sha256(entry.data).digest())
    return h.hexdigest()


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("list", help="rootfs/images/NAME.list")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--kernel", required=True)
    ap.add_argument("--size", type=int, default=0)
    ap.add_argument("--append", default="console=tty0 console=ttyS0 quiet")
    ap.add_argument("--timeout", type=int, default=1)
    ap.add_argument("--root-only", action="store_true")
    ap.add_argument("--depend")
    args = ap.parse_args()

    builder = mkimage.Builder(os.path.dirname(args.list))
    builder.run(os.path.basename(args.list)[:-len(".list")])
    image = builder.image
    image.add_file("/boot/keelson", args.kernel, 0o644)
    ident = uuid.uuid5(NAMESPACE, contents_hash(image) + args.append)
    image.add("/boot/grub/grub.cfg", mkimage.Entry(
        stat.S_IFREG | 0o644, grub_config(ident, args.append, args.timeout).encode()))

    new = args.output + ".new"
    with tempfile.TemporaryDirectory(prefix="keelson-disk-") as folder:
        root = new if args.root_only else folder + "/root.ext2"
        size = root_filesystem(image, root, args.size, ident)
        if not args.root_only:
            total = ROOT_START + size + TAIL
            with open(new, "wb") as disk:
                disk.truncate(total)
            partition(new, total, ident)
            with open(new, "r+b") as disk:
                install_bios(disk, ident, folder)
                install_efi(disk, ident, folder)
                copy_sparse(root, disk, ROOT_START)
    os.replace(new, args.output)
    if args.depend:
        mkimage.write_depend(args.depend, args.output, image.inputs)


if __name__ == "__main__":
    main()
