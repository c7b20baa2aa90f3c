#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a root file system as a cpio archive (newc) from rootfs/images/NAME.list.

No root, no temporary tree: entries are made in memory, so owners, modes and device nodes come out
as the list says, and the same inputs give the same bytes. The data of files of a page or more
begins on a page boundary of the archive, so that a kernel may adopt those pages instead of copying
them: the room before it goes into NUL bytes behind the name, which every reader ignores.

Hard links share one inode number; the first entry carries the data.

usage: mkimage.py [--depend FILE] [--gzip] LIST -o OUT
Environment: IMAGE_BUSYBOX and IMAGE_E2FSPROGS (folders made by scripts/build/{busybox,e2fsprogs}.sh),
IMAGE_PROGRAMS (folder with the programs of userland/), IMAGE_TESTS (folder with those of
tests/abi/), KEELSON_CACHE.
"""
import argparse
import fnmatch
import gzip
import os
import stat
import subprocess
import sys

PAGE = 4096
ALIGN_FROM = 4096
NAME_MAX = 4096  # what Linux accepts as the length of a name field
DOC = "/usr/share/doc"
# Parts of Debian packages that no test needs.
SKIPPED = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/",
           "/usr/share/menu/", "/usr/share/info/", "/etc/skel/", "/usr/share/binfmts/",
           "/usr/lib/x86_64-linux-gnu/gconv/", "/lib/x86_64-linux-gnu/gconv/",
           "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/", "/usr/lib/python3.11/lib2to3/",
           "/usr/lib/python3.11/pydoc_data/", "/usr/lib/python3.11/distutils/",
           "/usr/share/applications/", "/usr/share/pixmaps/", "/usr/share/debianutils/")


class Entry:
    """One name of the archive: type and permission bits, data or device, link group."""

    def __init__(self, mode, data=b"", rdev=(0, 0), group=None):
        self.mode = mode
        self.data = data
        self.rdev = rdev
        self.group = group


class Image:
    """Entries by path, the input files they came from, and the packages they belong to."""

    def __init__(self):
        self.entries = {}
        self.inputs = []
        self.notices = []

    def add(self, path, entry):
        """Put an entry at a path, with the folders above it; the first entry at a path stays,
        except that an explicit directory replaces an implied one."""
        path = "/" + path.strip("/")
        parent = os.path.dirname(path)
        if path != "/" and parent not in self.entries:
            self.add(parent, Entry(stat.S_IFDIR | 0o755))
        old = self.entries.get(path)
        if old and not (stat.S_ISDIR(old.mode) and stat.S_ISDIR(entry.mode)):
            return
        self.entries[path] = entry

    def read(self, path):
        """Bytes of an input file, remembered as a dependency."""
        self.inputs.append(path)
        with open(path, "rb") as f:
            return f.read()

    def add_file(self, path, source, mode):
        self.add(path, Entry(stat.S_IFREG | mode, self.read(source)))

    def add_tree(self, root, at="/", wanted=lambda path: True):
        """A folder of the host: modes from the executable bit, owners 0:0, links kept."""
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(files + [d for d in dirs
                                        if os.path.islink(os.path.join(folder, d))]):
                source = os.path.join(folder, name)
                path = os.path.join(at, os.path.relpath(source, root))
                if not wanted(path):
                    continue
                if os.path.islink(source):
                    self.add(path, Entry(stat.S_IFLNK | 0o777, os.readlink(source).encode()))
                elif os.path.isfile(source):
                    executable = os.stat(source).st_mode & 0o100
                    self.add_file(path, source, 0o755 if executable else 0o644)


class Builder:
    """Carries out the lines of a list."""

    def __init__(self, lists):
        self.lists = lists
        self.image = Image()

    def run(self, name):
        path = "%s/%s.list" % (self.lists, name)
        for lineno, line in enumerate(self.image.read(path).decode().splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            action = getattr(self, "do_" + words[0].replace("-", "_"), None)
            if not action:
                sys.exit("%s:%d: unknown entry %s" % (path, lineno, words[0]))
            action(*words[1:])

    def do_include(self, name):
        self.run(name)

    def do_dir(self, path, mode):
        self.image.add(path, Entry(stat.S_IFDIR | int(mode, 8)))

    def do_node(self, path, kind, major, minor, mode):
        bits = stat.S_IFCHR if kind == "c" else stat.S_IFBLK
        self.image.add(path, Entry(bits | int(mode, 8), rdev=(int(major), int(minor))))

    def do_file(self, path, source, mode):
        self.image.add_file(path, source, int(mode, 8))

    def do_slink(self, path, target):
        self.image.add(path, Entry(stat.S_IFLNK | 0o777, target.encode()))

    def do_mode(self, path, mode):
        entry = self.image.entries[path]
        entry.mode = stat.S_IFMT(entry.mode) | int(mode, 8)

    def do_skeleton(self):
        self.image.add_tree("rootfs/skeleton")

    def do_program(self, path, name):
        self.image.add_file(path, os.path.join(os.environ["IMAGE_PROGRAMS"], name), 0o755)

    def do_test(self, path, name):
        self.image.add_file(path, os.path.join(os.environ["IMAGE_TESTS"], name), 0o755)

    def do_tests(self, at):
        self.do_dir(at, "0755")
        folder = os.environ.get("IMAGE_TESTS", "")
        if os.path.isdir(folder):
            self.image.add_tree(folder, at)

    def do_busybox(self):
        folder = os.environ["IMAGE_BUSYBOX"]
        data = self.image.read(folder + "/busybox")
        self.image.add("/bin/busybox", Entry(stat.S_IFREG | 0o755, data, group="busybox"))
        for link in self.image.read(folder + "/links.txt").decode().split():
            self.image.add(link, Entry(stat.S_IFREG | 0o755, group="busybox"))
        self.notice("BusyBox 1.35.0", "GNU General Public License, version 2",
                    folder + "/LICENSE")
        self.notice("musl (part of the static programs)", "MIT", "/usr/share/doc/musl/copyright")

    def do_busybox_tests(self, at):
        folder = os.environ["IMAGE_BUSYBOX"]
        self.image.add_tree(folder + "/testsuite", at + "/testsuite")
        self.image.add_tree(folder + "/ash_test", at + "/ash_test")
        self.do_slink(at + "/ash_test/ash", "/bin/busybox")
        self.image.add_file(at + "/ash_test/.config", folder + "/config", 0o644)
        self.image.add_file(at + "/.config", folder + "/config", 0o644)
        self.do_slink(at + "/busybox", "/bin/busybox")

    def do_deb(self, package, *options):
        root = os.path.join(os.environ["KEELSON_CACHE"], "debs", package, "root")
        if not os.path.isdir(root):
            subprocess.run(["scripts/setup.sh", "debs", package], check=True)
        only = options[1:] if options[:1] == ("--only",) else ("*",)
        self.image.add_tree(root, wanted=lambda path: not path.startswith(SKIPPED)
                            and "/__pycache__/" not in path and "/test/" not in path
                            and any(fnmatch.fnmatch(path, glob) for glob in only))
        self.notice("Debian package " + package, "see the file",
                    "%s%s/%s/copyright" % (root, DOC, package))

    def do_debs(self, *packages):
        """Packages with all that they depend on; documentation left out, no script is run."""
        names = subprocess.run(["scripts/setup.sh", "closure", *packages], check=True,
                               stdout=subprocess.PIPE).stdout.decode().split()
        for name in names:
            self.do_deb(name)

    def do_e2fsprogs(self):
        """mke2fs, e2fsck and the rest, static, with the names they are called by."""
        folder = os.environ["IMAGE_E2FSPROGS"]
        for name in sorted(os.listdir(folder + "/sbin")):
            self.image.add_file("/sbin/" + name, "%s/sbin/%s" % (folder, name), 0o755)
        for name in ("mkfs.ext2", "fsck.ext2", "e2label"):
            base = {"m": "mke2fs", "f": "e2fsck", "e": "tune2fs"}[name[0]]
            self.do_slink("/sbin/" + name, base)
        self.image.add_file("/etc/mke2fs.conf", folder + "/mke2fs.conf", 0o644)
        self.notice("e2fsprogs 1.47.0", "GNU General Public License, version 2, and others",
                    folder + "/NOTICE")

    def notice(self, what, licence, source):
        """Remember a part of the image and where the text of its licence lies."""
        name = what.split(" (")[0].replace("Debian package ", "").replace(" ", "-")
        if not os.path.exists(source):
            return
        self.image.add_file("%s/keelson/%s" % (DOC, name), source, 0o644)
        self.image.notices.append("%s\n\tlicence: %s\n\ttext: %s/keelson/%s\n"
                                  % (what, licence, DOC, name))

    def do_notice(self):
        self.image.add_file(DOC + "/keelson/Keelson", "LICENSE", 0o644)
        text = ("This image contains Keelson and its scripts (MIT, text: %s/keelson/Keelson)\n"
                "and these packages, unmodified:\n\n" % DOC + "\n".join(self.image.notices))
        self.image.add(DOC + "/keelson/NOTICE", Entry(stat.S_IFREG | 0o644, text.encode()))


class Cpio:
    """A newc archive in memory."""

    def __init__(self):
        self.out = bytearray()

    def pad(self, unit):
        self.out += bytes(-len(self.out) % unit)

    def entry(self, name, ino, entry, nlink=1):
        """Append one entry, its data page-aligned when that pays."""
        field = name.encode() + b"\0"
        if len(entry.data) >= ALIGN_FROM and stat.S_ISREG(entry.mode):
            room = -(len(self.out) + 110 + len(field)) % PAGE
            if len(field) + room > NAME_MAX:
                # Too long for one name: the archive's root once more takes up some of it.
                self.entry(".", 1, Entry(stat.S_IFDIR | 0o755), 2)
                room = -(len(self.out) + 110 + len(field)) % PAGE
            field += bytes(room)
        numbers = (ino, entry.mode, 0, 0, nlink, 0, len(entry.data), 0, 0,
                   entry.rdev[0], entry.rdev[1], len(field), 0)
        self.out += b"070701" + b"".join(b"%08X" % n for n in numbers) + field
        self.pad(4)
        self.out += entry.data
        self.pad(4)


def archive(image):
    """All entries, parents before children, hard links behind the name with the data."""
    cpio = Cpio()
    groups, members = {}, {}
    for entry in image.entries.values():
        if entry.group:
            members[entry.group] = members.get(entry.group, 0) + 1
    order = sorted(image.entries, key=lambda p: (bool(image.entries[p].group
                                                      and not image.entries[p].data), p))
    for ino, path in enumerate(order, 1):
        entry = image.entries[path]
        nlink = 2 if stat.S_ISDIR(entry.mode) else 1
        if entry.group:
            ino = groups.setdefault(entry.group, ino)
            nlink = members[entry.group]
        cpio.entry(path.strip("/") or ".", ino, entry, nlink)
    cpio.entry("TRAILER!!!", 0, Entry(0))
    cpio.pad(512)
    return bytes(cpio.out)


def write_depend(path, output, inputs):
    """A makefile fragment: output depends on the inputs, none of which must exist."""
    inputs = [i for i in inputs if " " not in i and ":" not in i]
    with open(path, "w", encoding="utf-8") as f:
        f.write("%s: %s\n" % (output, " ".join(inputs)))
        f.writelines("%s:\n" % i for i in inputs)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("list", help="rootfs/images/NAME.list")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--depend", help="write a makefile fragment with the inputs")
    ap.add_argument("--gzip", action="store_true")
    args = ap.parse_args()
    builder = Builder(os.path.dirname(args.list))
    builder.run(os.path.basename(args.list)[:-len(".list")])
    data = archive(builder.image)
    if args.gzip:
        data = gzip.compress(data, 9, mtime=0)
    with open(args.output + ".new", "wb") as f:
        f.write(data)
    os.replace(args.output + ".new", args.output)
    if args.depend:
        write_depend(args.depend, args.output, builder.image.inputs)


if __name__ == "__main__":
    main()
