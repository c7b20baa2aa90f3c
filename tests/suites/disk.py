# SPDX-License-Identifier: MIT
"""Disk drivers, from a program in the guest to the image file on the host and back.

Patterns both ways with several CPUs at once; flushes counted by QEMU; refused writes to read-only
disks; errors that QEMU injects; devices that stop answering (their throughput is throttled to
nothing) and are reset, or given up. For every way to attach a disk.
"""
import hashlib
import json
import os
import random
import socket
import tempfile
import time
import traceback

from vmlib import disks
from vmlib.guest import Guest
from vmlib.qemu import Options

MIB = 1 << 20
SIZE = 48 * MIB
PART = 4 * MIB
BAD = 20 * MIB  # where QEMU's disk has its bad sector
EIO_TEXT = "I/O error"  # musl's words
NODES = {"nvme": "nvme0n1", "ahci": "sda"}

# name: way, machine, CPUs, more properties of the device, more QEMU arguments
ROWS = {
    "virtio": ("virtio", "q35", 1, "", ()),
    "virtio, 2 CPUs": ("virtio", "q35", 2, "", ()),
    "virtio, 4 CPUs": ("virtio", "q35", 4, "", ()),
    "virtio, pc, 4 CPUs": ("virtio", "pc", 4, "", ()),
    "virtio, 2 vectors": ("virtio", "q35", 4, ",vectors=2", ()),
    "virtio, INTx": ("virtio", "q35", 2, ",vectors=0", ()),
    "virtio, small rings": ("virtio", "q35", 2, ",queue-size=8,event_idx=off,indirect_desc=off", ()),
    "virtio, no firmware": ("virtio", "q35", 2, "", ("-bios", "qboot.rom")),
    "virtio, PCIe port": ("virtio", "q35", 2, ",bus=rp0",
                          ("-device", "pcie-root-port,id=rp0,chassis=1")),
    "virtio transitional": ("virtio-transitional", "q35", 2, "", ()),
    "virtio legacy": ("virtio-legacy", "q35", 4, "", ()),
    "virtio legacy, pc, INTx": ("virtio-legacy", "pc", 2, ",vectors=0", ()),
    "nvme": ("nvme", "q35", 1, "", ()),
    "nvme, 4 CPUs": ("nvme", "q35", 4, "", ()),
    "nvme, pc, 2 CPUs": ("nvme", "pc", 2, "", ()),
    "nvme, 2 vectors": ("nvme", "q35", 4, ",msix_qsize=2", ()),
    "nvme, no firmware": ("nvme", "q35", 2, "", ("-bios", "qboot.rom")),
    "nvme, blocks of 4 KiB": ("nvme", "q35", 2,
                              ",logical_block_size=4096,physical_block_size=4096", ()),
    "ahci": ("ahci", "q35", 1, "", ()),
    "ahci, 4 CPUs": ("ahci", "q35", 4, "", ()),
    "ahci, pc, 2 CPUs": ("ahci", "pc", 2, "", ()),
}
SHORT = {"virtio": "virtio", "virtio-legacy": "virtio-legacy", "nvme": "nvme", "ahci": "ahci"}


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, path, limit=20):
        self.sock = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + limit
        while True:
            try:
                self.sock.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.file = self.sock.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise AssertionError("%s: %s" % (command, answer["error"]["desc"]))

    def stats(self):
        """Counters of the one disk."""
        for row in self("query-blockstats"):
            if row.get("device") == "disk0":
                return row["stats"]
        raise AssertionError("no counters")


class Machine:
    """A guest with one disk, its image file, and the monitor."""
    last_log = ""

    def __init__(self, ctx, folder, row, drive=None, append="", read_only=False):
        way, machine, cpus, props, extra = row
        self.node = NODES.get(way, "vda")
        self.dev = "/dev/" + self.node
        self.path = os.path.join(folder, "image")
        monitor = os.path.join(folder, "monitor")
        disk = disks.Disk(self.path, way=way, read_only=read_only, serial="KEELSON1", format="raw")
        drive = drive or "file=%s,format=raw,cache=writeback,discard=unmap%s" % (
            self.path, ",readonly=on" if read_only else "")
        args = list(extra) + ["-qmp", "unix:%s,server=on,wait=off" % monitor,
                              "-drive", "if=none,id=disk0," + drive]
        args += disks.controllers([disk])
        args += ["-device", disks.device(disk, "disk0", cpus, 0) + props]
        self.guest = Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test",
                                   machine=machine, smp=cpus, mem="256", extra=tuple(args),
                                   append=append))
        self.monitor_path = monitor

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Machine.last_log = self.guest.log()
        self.guest.close()

    def monitor(self):
        return Monitor(self.monitor_path)

    def sh(self, script, stdin=b"", timeout=120, status=0):
        """Run a shell script: its output; raises when it ends with another status."""
        result = self.guest.run(["sh", "-c", script], stdin=stdin, timeout=timeout)
        text = (result.stdout + result.stderr).decode("utf-8", "replace")
        assert status is None or result.status == status, \
            "status %d: %s" % (result.status, text.strip()[-200:])
        return text


def make_image(path, seed):
    """Random bytes in every part that tests compare, zeroes elsewhere."""
    data = bytearray(SIZE)
    rng = random.Random(seed)
    for at in range(0, 4 * PART, PART):
        data[at:at + PART] = rng.randbytes(PART)
    with open(path, "wb") as f:
        f.write(data)
    return data


def part(path, at, size):
    with open(path, "rb") as f:
        f.seek(at)
        return f.read(size)


def case_patterns(ctx, folder, row):
    """What the host wrote is read by four tasks at once; what four tasks write is there."""
    data = make_image(os.path.join(folder, "image"), 1)
    with Machine(ctx, folder, row) as m:
        out = m.sh("for i in 0 1 2 3; do dd if=%s bs=64k skip=$((i*64)) count=64 2>/dev/null | "
                   "md5sum >/tmp/$i & done; wait; cat /tmp/0 /tmp/1 /tmp/2 /tmp/3" % m.dev)
        want = [hashlib.md5(data[i * PART:(i + 1) * PART]).hexdigest() for i in range(4)]
        assert [line.split()[0] for line in out.splitlines()] == want, "reading: other data"
        m.sh("for i in 0 1 2 3; do (yes \"task $i\" | dd of=%s bs=64k seek=$((256+i*64)) count=64 "
             "iflag=fullblock conv=notrunc,fsync 2>/dev/null) & done; wait" % m.dev)
        for i in range(4):
            word = b"task %d\n" % i
            got = part(m.path, (4 + i) * PART, PART)
            assert got == (word * PART)[:PART], "writing: other data on the host, task %d" % i
        # Odd places and sizes, through the page cache.
        m.sh("printf 0123456789 | dd of=%s bs=1 seek=%d conv=notrunc,fsync 2>/dev/null"
             % (m.dev, 40 * MIB + 4093))
        assert part(m.path, 40 * MIB + 4092, 12) == b"\0" + b"0123456789" + b"\0", "odd bytes"
        size = int(m.sh("cat /sys/block/%s/size" % m.node))
        assert size == SIZE // 512, "size %d" % size
        reports(m)


def case_flush(ctx, folder, row):
    """fsync reaches the device as a flush, once; a plain write does not."""
    make_image(os.path.join(folder, "image"), 2)
    with Machine(ctx, folder, row) as m:
        m.sh("true")
        mon = m.monitor()
        before = mon.stats()
        m.sh("dd if=/dev/zero of=%s bs=4k count=1 conv=notrunc,fsync 2>/dev/null" % m.dev)
        after = mon.stats()
        n = after["flush_operations"] - before["flush_operations"]
        assert 1 <= n <= 2 or row[0] == "nvme", "%d flushes" % n  # QEMU does not count NVMe's
        assert after["wr_bytes"] > before["wr_bytes"], "nothing was written"
        reports(m)


def case_flush_error(ctx, folder, row):
    """fsync tells that the flush failed."""
    make_image(os.path.join(folder, "image"), 8)
    with Machine(ctx, folder, row, drive=debug_drive(folder, {"flush_to_disk": None})) as m:
        out = m.sh("dd if=/dev/zero of=%s bs=4k count=1 conv=notrunc,fsync" % m.dev, status=1)
        # Linux has ENODATA for what NVMe calls an error of the medium.
        assert EIO_TEXT in out or "No data available" in out, out
        reports(m)


def debug_drive(folder, events):
    """A -drive with QEMU's error injection: {event: sector or None for any}."""
    rules = os.path.join(folder, "rules")
    with open(rules, "w", encoding="ascii") as f:
        for event, sector in events.items():
            f.write('[inject-error]\nevent = "%s"\nerrno = "5"\n' % event)
            f.write('sector = "%d"\n\n' % sector if sector is not None else "\n")
    return ("driver=raw,file.driver=blkdebug,file.config=%s,file.image.driver=file,"
            "file.image.filename=%s,rerror=report,werror=report"
            % (rules, os.path.join(folder, "image")))


def case_read_only(ctx, folder, row):
    """A read-only disk can be read; writing is not permitted."""
    data = make_image(os.path.join(folder, "image"), 3)
    with Machine(ctx, folder, row, read_only=True) as m:
        out = m.sh("head -c 65536 %s | md5sum; cat /sys/block/%s/ro" % (m.dev, m.node))
        assert out.split()[0] == hashlib.md5(data[:65536]).hexdigest(), "other data"
        assert out.split()[-1] == "1", "ro is not 1"
        out = m.sh("dd if=/dev/zero of=%s bs=4k count=1 conv=notrunc,fsync" % m.dev, status=1)
        assert "not permitted" in out, out
        reports(m)


def case_errors(ctx, folder, row):
    """A bad sector: the program gets an I/O error, the log names it, everything else works."""
    data = make_image(os.path.join(folder, "image"), 4)
    drive = debug_drive(folder, {"read_aio": BAD // 512, "write_aio": BAD // 512})
    with Machine(ctx, folder, row, drive=drive) as m:
        out = m.sh("dd if=%s of=/dev/null bs=4k count=1 skip=%d" % (m.dev, BAD // 4096), status=1)
        assert EIO_TEXT in out, "read: " + out
        out = m.sh("dd if=/dev/zero of=%s bs=4k count=1 seek=%d conv=notrunc,fsync"
                   % (m.dev, BAD // 4096), status=1)
        assert EIO_TEXT in out, "write: " + out
        log = m.sh("dmesg")
        assert any(m.node in line and str(BAD // 512) in line for line in log.splitlines()), \
            "the log does not name %s and sector %d" % (m.node, BAD // 512)
        out = m.sh("dd if=%s bs=64k count=64 2>/dev/null | md5sum" % m.dev)
        assert out.split()[0] == hashlib.md5(data[:PART]).hexdigest(), "afterwards: other data"
        # Next to it, with others in flight at the same time.
        m.sh("for i in 0 1 2 3; do dd if=%s of=/dev/null bs=64k count=64 skip=$((i*64)) "
             "2>/dev/null & done; dd if=%s of=/dev/null bs=4k count=1 skip=%d 2>/dev/null; wait"
             % (m.dev, m.dev, BAD // 4096 + 64))
        reports(m)


def throttle(monitor, rate):
    """Bytes a second of the disk; 0: no limit."""
    monitor("block_set_io_throttle", device="disk0", bps=rate, bps_rd=0, bps_wr=0, iops=0,
            iops_rd=0, iops_wr=0)


def case_silence(ctx, folder, row):
    """A device that does not answer is reset; when it stays silent its requests fail, and nothing
    hangs."""
    make_image(os.path.join(folder, "image"), 5)
    with Machine(ctx, folder, row, append="disk.timeout=1") as m:
        m.sh("dd if=%s of=/dev/null bs=4k count=1 2>/dev/null" % m.dev)
        mon = m.monitor()
        # QEMU stands still while an AHCI port is reset, until what is in flight is done.
        throttle(mon, 1 if row[0] != "ahci" else 65536)
        started = time.monotonic()
        out = m.sh("dd if=%s of=/dev/null bs=64k count=4 skip=512" % m.dev, status=None, timeout=90)
        took = time.monotonic() - started
        assert took < 80, "no end within %d s" % took
        log = m.sh("dmesg")
        assert m.node in log and "no answer" in log and "reset" in log, "no reset in the log"
        throttle(mon, 0)
        if "given up" not in log:
            m.sh("dd if=%s of=/dev/null bs=4k count=16 skip=2048 2>/dev/null" % m.dev, timeout=60)
        else:
            # The last read may have been cut short before the error: dd then asks no more.
            assert "error" in out or "4+0 records in" not in out, "given up, but dd says: " + out
        reports(m)


def case_resize(ctx, folder, row):
    """A disk that grows is larger for the guest, without a restart."""
    make_image(os.path.join(folder, "image"), 6)
    with Machine(ctx, folder, row) as m:
        m.sh("true")
        m.monitor()("block_resize", device="disk0", size=SIZE + 16 * MIB)
        want = (SIZE + 16 * MIB) // 512
        m.sh("i=0; while [ $(cat /sys/block/%s/size) != %d ]; do i=$((i+1)); [ $i -lt 100 ] || "
             "exit 1; sleep 0.05; done" % (m.node, want))
        m.sh("dd if=/dev/zero of=%s bs=4k count=1 seek=%d conv=notrunc,fsync 2>/dev/null"
             % (m.dev, (SIZE + 8 * MIB) // 4096))
        reports(m)


def case_discard(ctx, folder, row):
    """Discarded ranges give their space back on the host, and read as zeroes there."""
    make_image(os.path.join(folder, "image"), 7)
    with Machine(ctx, folder, row) as m:
        before = os.stat(m.path).st_blocks
        m.sh("blkdiscard -o %d -l %d %s" % (PART, 2 * PART, m.dev))
        assert part(m.path, PART, 2 * PART) == bytes(2 * PART), "the data is still there"
        assert os.stat(m.path).st_blocks < before, "no space came back"
        reports(m)


def reports(m):
    if m.guest.options.kernel == "keelson":
        n = m.sh("cat /proc/keelson/reports").strip()
        assert n == "0", "the kernel reported %s errors" % n


def cases():
    """(name, function, row) of all cases."""
    for name, row in ROWS.items():
        yield "patterns, " + name, case_patterns, row
    for name, way in SHORT.items():
        row = (way, "q35", 2, "", ())
        yield "flush, " + name, case_flush, row
        yield "flush error, " + name, case_flush_error, row
        yield "errors, " + name, case_errors, row
        yield "silence, " + name, case_silence, row
        yield "discard, " + name, case_discard, row
        if way.startswith("virtio"):  # QEMU's others do not tell the guest
            yield "read-only, " + name, case_read_only, row
            yield "growing, " + name, case_resize, row


def run(ctx):
    for name, function, row in cases():
        if not ctx.wants(name) or (ctx.kernel == "linux" and row[0] == "ahci"):
            continue
        with tempfile.TemporaryDirectory(prefix="keelson-disk-") as folder:
            try:
                function(ctx, folder, row)
                ctx.ok(name)
            except Exception as err:  # a case fails whatever went wrong
                ctx.fail(name, (str(err).split("\n", 1)[0] or type(err).__name__)[:120],
                         traceback.format_exc() + Machine.last_log)
