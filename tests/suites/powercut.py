# SPDX-License-Identifier: MIT
"""Power cuts under ext2: QEMU logs every write, and every state the log allows must be repairable
without loss, with all that was acknowledged in it. `make crash` tries many more states."""
import concurrent.futures
import os
import subprocess
import tempfile

from vmlib.guest import Guest
from vmlib.qemu import Options

from crash import verify, workloads

from . import check_reports

MIB = 1 << 20
ACK, FS = (1 * MIB, 2 * MIB), (2 * MIB, 10 * MIB)
BATCH = 60
FORMATS = [("-b", "1024", "-I", "128"), ("-b", "4096", "-I", "256"), ("-b", "2048", "-I", "256")]
# Of all pairs of operations the quick form takes every STEP-th, and so many reorderings an epoch.
STEP, SUBSETS = 3, 4
MIXED, PARTS = 2, 60  # sequences of random operations, and acknowledgements in each


def make_disk(path, options):
    """Two partitions: acknowledgements, and an ext2 file system."""
    with open(path, "wb") as f:
        f.truncate(FS[1] + MIB)
    table = "label: dos\n" + "".join("start=%d, size=%d, type=83\n" % (a // 512, (b - a) // 512)
                                     for a, b in (ACK, FS))
    subprocess.run(["/usr/sbin/sfdisk", "-q", "--no-reread", "--no-tell-kernel", path],
                   input=table.encode(), check=True, capture_output=True)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-N", "1024", *options, "-E",
                    "offset=%d" % FS[0], path, "%dk" % ((FS[1] - FS[0]) // 1024)],
                   check=True, capture_output=True)


def drive(disk, log):
    """QEMU arguments of a disk whose writes are logged."""
    return ("-blockdev", "driver=file,node-name=f0,filename=" + disk,
            "-blockdev", "driver=file,node-name=l0,filename=" + log,
            "-blockdev", "driver=blklogwrites,node-name=d0,file=f0,log=l0,"
            "log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=d0")


def record(ctx, batch, options, folder, number):
    """Run the workloads of a batch in the guest; (base image, log) or None."""
    disk, log = "%s/disk%d" % (folder, number), "%s/log%d" % (folder, number)
    make_disk(disk, options)
    with open(disk, "rb") as f:
        base = f.read()
    open(log, "wb").close()
    script = "\n".join("\n".join(w.lines) for w in batch) + "\n"
    with Guest(Options(kernel=ctx.kernel, config=ctx.config, image="test", smp=2,
                       extra=drive(disk, log))) as guest:
        result = guest.run(["sh", "-c", "mount -t ext2 /dev/vda2 /mnt && exec "
                            "/usr/lib/tests/fsops /dev/vda1"], stdin=script.encode(), timeout=300)
        check_reports(ctx, guest, "batch %d/no reports" % number)
        if result.status:
            ctx.fail("batch %d/workloads" % number, "status %d" % result.status,
                     result.stderr.decode("utf-8", "replace") + (result.log or guest.log()))
            return None
    return base, log


def replay(base, log, batch, share, subsets):
    """In a process of its own: (states, failures)."""
    r = verify.Replay(base, log, batch, ACK, FS, "/mnt")
    return (lambda f: (r.states, f))(r.run("cut", share, subsets))


def run(ctx, step=STEP, subsets=SUBSETS, mixed=MIXED):
    if ctx.seconds:  # make crash
        step, subsets, mixed = 1, 24, 30
    cases = workloads.sequences("/mnt", step=step)
    batches = [cases[i:i + BATCH] for i in range(0, len(cases), BATCH)]
    batches += [workloads.mixed("/mnt", "mixed-%d" % k, PARTS) for k in range(mixed)]
    jobs = max(2, os.cpu_count() or 1)
    total = 0
    with tempfile.TemporaryDirectory(prefix="keelson-cut-") as folder, \
            concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        waiting = []
        for number, batch in enumerate(batches):
            if not ctx.wants("batch %d" % number):
                continue
            recorded = record(ctx, batch, FORMATS[number % len(FORMATS)], folder, number)
            if recorded:
                waiting.append((number, batch, [
                    pool.submit(replay, *recorded, batch, (k, jobs), subsets)
                    for k in range(jobs)]))
        for number, batch, parts in waiting:
            done = [p.result() for p in parts]
            states = sum(s for s, _ in done)
            failures = [f for _, fs in done for f in fs]
            total += states
            ctx.check("batch %d/%s" % (number, batch[0].title.split()[0]), not failures and states > 0,
                      failures[0][0] if failures else "no states",
                      "\n\n".join("%s\n  %s" % (l, "\n  ".join(p)) for l, p in failures))
    print("# powercut: %d states" % total, flush=True)
