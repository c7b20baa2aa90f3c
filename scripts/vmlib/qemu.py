# SPDX-License-Identifier: MIT
"""QEMU command lines and processes.

Exit protocol: the machine has QEMU's isa-debug-exit device at port 0xf4. A value v written there
ends QEMU with status 2v+1. The kernel uses these values:

    0x10   self-tests passed (status 33)
    0x11   self-tests failed (status 35)
    0x3e   panic             (status 125)

Power off by ACPI ends QEMU with status 0; so does a reset, because of -no-reboot.

A QEMU never outlives the tool: it gets SIGKILL when its parent dies, and is killed by its process
group at the end of a command, at an exception and at a signal.
"""
import atexit
import ctypes
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from . import disks

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("KEELSON_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "keelson")
QEMU = "qemu-system-x86_64"
OVMF = "/usr/share/ovmf/OVMF.fd"
EXIT_TEST_OK, EXIT_TEST_FAIL, EXIT_PANIC = 33, 35, 125
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

LINUX_APPEND = "console=ttyS0 quiet panic=-1 mitigations=off no5lvl no_timer_check"
KEELSON_APPEND = "console=ttyS0"


class VmError(Exception):
    """A machine that cannot be made or has ended; the text says why."""


@dataclasses.dataclass
class Options:
    """What to boot. boot is direct, bios or uefi; kernel is keelson, linux or a file; disks are
    what --disk takes (disks.parse)."""
    kernel: str = "keelson"
    config: str = "default"
    image: str = "default"
    boot: str = "direct"
    machine: str = "q35"
    cpu: str = "max"
    smp: int = 1
    mem: str = "512"
    disks: tuple = ()
    append: str = ""
    display: str = ""
    accel: str = "auto"
    extra: tuple = ()
    boot_disk: str = ""  # boot from it instead of loading a kernel and an image
    keep: bool = False  # it is written to


def make(target):
    """Build one file of the tree; its output goes to standard error."""
    subprocess.run(["make", "-C", TOP, "-s", target], check=True, stdout=sys.stderr)


def artefact(path):
    """A file below build/, made when it is not there. What is there is taken as it is."""
    full = os.path.join(TOP, path)
    if not os.path.exists(full):
        make(path)
    return full


def names(folder, suffix=""):
    """What a folder of the tree has to choose from, in words."""
    return ", ".join(sorted(n[:len(n) - len(suffix)] for n in os.listdir(os.path.join(TOP, folder))
                            if n.endswith(suffix)))


def existing(path, what):
    """A file the user named; raises VmError when it is not there."""
    if not os.path.exists(path):
        raise VmError("%s %s is not there" % (what, path))
    return path


def image_path(name):
    """An image by the name of its list, or a file."""
    if os.path.sep in name:
        return existing(name, "image")
    if not os.path.exists(os.path.join(TOP, "rootfs/images/%s.list" % name)):
        raise VmError("no image %s; there are %s (or a path with a slash)"
                      % (name, names("rootfs/images", ".list")))
    return artefact("build/images/%s.cpio" % name)


def kernel_path(opt, name):
    """The kernel that opt asks for: name of its configuration's build, or a file."""
    if opt.kernel != "keelson":
        return existing(opt.kernel, "kernel")
    if not os.path.exists(os.path.join(TOP, "scripts/configs", opt.config)):
        raise VmError("no configuration %s; there are %s" % (opt.config, names("scripts/configs")))
    return artefact("build/%s/%s" % (opt.config, name))


def linux_kernel():
    """Debian's cloud kernel, fetched on first use."""
    path = os.path.join(CACHE, "linux/vmlinuz")
    if not os.path.exists(path):
        subprocess.run([os.path.join(TOP, "scripts/setup.sh"), "linux"], check=True,
                       stdout=sys.stderr)
    return path


def kvm_works():
    """Whether a machine under KVM executes code: a boot sector writes to the exit device.

    The answer is remembered for as long as this host stays up. A /dev/kvm node proves nothing.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        note = os.path.join(CACHE, "kvm-" + f.read().strip())
    if os.path.exists(note):
        with open(note, encoding="ascii") as f:
            return f.read() == "yes"
    # mov dx, 0xf4; mov al, 0x10; out dx, al; hlt; jmp $-1
    sector = bytes.fromhex("baf400b010eef4ebfd").ljust(510, b"\0") + b"\x55\xaa"
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(sector)
        disk.flush()
        cmd = [QEMU, "-accel", "kvm", "-cpu", "max", "-m", "32", "-display", "none", "-nodefaults",
               "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-drive", "format=raw,file=%s,snapshot=on" % disk.name]
        try:
            works = subprocess.run(cmd, timeout=5, capture_output=True,
                                   check=False).returncode == EXIT_TEST_OK
        except (subprocess.TimeoutExpired, OSError):
            works = False
    os.makedirs(CACHE, exist_ok=True)
    with open(note, "w", encoding="ascii") as f:
        f.write("yes" if works else "no")
    return works


def boot_disk_arguments(opt):
    """Boot from a disk that has everything: the firmware and GRUB find their way."""
    if opt.boot == "direct" or opt.kernel != "keelson" or opt.append:
        raise VmError("a disk boots its own kernel with its own command line, by BIOS or UEFI")
    if not os.path.exists(opt.boot_disk):
        raise VmError("no disk %s: `make image` makes build/default/disk.raw" % opt.boot_disk)
    form = "qcow2" if opt.boot_disk.endswith(".qcow2") else "raw"
    firmware = ["-bios", OVMF] if opt.boot == "uefi" else []
    return firmware + ["-drive", "file=%s,if=none,id=boot,format=%s,snapshot=%s" % (
        opt.boot_disk.replace(",", ",,"), form, "off" if opt.keep else "on"),
                       "-device", "virtio-blk-pci,drive=boot,bootindex=0,num-queues=%d" % opt.smp]


def boot_arguments(opt, append):
    """How the kernel, its command line and its root get into the machine."""
    if opt.boot_disk:
        return boot_disk_arguments(opt)
    if opt.kernel == "linux":
        if opt.boot != "direct":
            raise VmError("--kernel linux boots directly only")
        line = " ".join(filter(None, [LINUX_APPEND, append, opt.append]))
        if opt.smp > 1:
            line += " tsc=reliable"
        kernel = linux_kernel()
        initrd, line = linux_initrd(opt, line)
        return ["-kernel", kernel, "-initrd", initrd, "-append", line]
    line = " ".join(filter(None, [KEELSON_APPEND, append, opt.append]))
    kernel = kernel_path(opt, "kernel.elf" if opt.boot == "direct" else "kernel.img")
    if opt.boot == "direct":
        initrd = [] if opt.image == "none" else ["-initrd", image_path(opt.image)]
        return ["-kernel", kernel, *initrd, "-append", line]
    iso = make_iso(kernel, opt, line)
    firmware = ["-bios", OVMF] if opt.boot == "uefi" else []
    return firmware + ["-cdrom", iso, "-boot", "d"]


def linux_initrd(opt, line):
    """The image, with modules for the machine's disks behind it; the command line that loads them."""
    image = image_path(opt.image)
    args = list(opt.extra) + disk_arguments(opt)
    init = re.search(r"(?:^| )rdinit=(\S+)", line)
    folder = os.path.join(TOP, "build/linux")
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, "%d.cpio" % os.getpid())
    try:
        first = disks.linux_initrd(image, os.path.join(CACHE, "linux/modules"), args,
                                   init.group(1) if init else "/init", target)
    except ValueError as err:
        raise VmError(str(err)) from err
    if not first:
        return image, line
    atexit.register(remove, target)
    return target, re.sub(r"(^| )rdinit=\S+", "", line) + " rdinit=" + first


def remove(path):
    """Delete a file that may be gone already."""
    if os.path.exists(path):
        os.remove(path)


def disk_arguments(opt):
    """QEMU's arguments for opt.disks."""
    try:
        return disks.arguments(opt.disks, opt.smp)
    except ValueError as err:
        raise VmError(str(err)) from err


def make_iso(kernel, opt, line):
    """An ISO of this kernel and image: the tree's own where it serves, else one made for it."""
    if kernel.startswith(TOP) and opt.image == "default" and line == KEELSON_APPEND:
        return artefact("build/%s/keelson.iso" % opt.config)
    folder = os.path.join(TOP, "build/iso")
    os.makedirs(folder, exist_ok=True)
    iso = os.path.join(folder, "%d.iso" % os.getpid())
    subprocess.run([os.path.join(TOP, "scripts/mkiso.sh"), "--timeout", "0", "--append", line, kernel,
                    image_path(opt.image), iso], check=True, stdout=sys.stderr)
    return iso


def command(opt, append="", serials=(), gdb=None):
    """The whole QEMU command line. serials: a chardev or `-serial` value each, ttyS0 first."""
    accel = opt.accel
    if accel == "auto":
        accel = "kvm" if kvm_works() else "tcg"
    if accel == "tcg" and "-icount" not in opt.extra:
        accel = "tcg,thread=multi"
    cmd = [QEMU, "-name", "keelson", "-accel", accel, "-M", opt.machine, "-cpu", opt.cpu, "-smp",
           str(opt.smp), "-m", opt.mem, "-no-reboot", "-nic", "none",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    cmd += ["-display", opt.display or "none"]
    cmd += disk_arguments(opt)
    for value in serials:
        cmd += ["-serial", value]
    if gdb:
        cmd += ["-gdb", gdb]
    return cmd + boot_arguments(opt, append) + list(opt.extra)


def die_with_parent():
    """In the child: SIGKILL when the parent goes, whatever ends it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(cmd, own_group=True, **popen):
    """Start QEMU; it dies with this process. own_group: away from the terminal's signals."""
    if not shutil.which(QEMU):
        raise VmError("%s is missing: run `make setup`" % QEMU)
    # pylint: disable=subprocess-popen-preexec-fn
    return subprocess.Popen(cmd, preexec_fn=die_with_parent, process_group=0 if own_group else None,
                            **popen)


def kill(proc):
    """End a QEMU at once and collect it."""
    if proc.poll() is None:
        proc.kill()
    proc.wait()
