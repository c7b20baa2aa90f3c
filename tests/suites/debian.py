# SPDX-License-Identifier: MIT
"""Debian's own dynamic programs, unmodified: the same commands on Linux and here print the same."""
import tempfile

from vmlib.guest import Guest
from vmlib.qemu import Options

from . import both, check_reports
from .abi import load_modules

LIMIT = 120
# util-linux on an NVMe disk (a driver that is part of both kernels) and on loop devices.
TABLE = ("label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n"
         "size=2M, uuid=99999999-0000-0000-0000-00000000000%d, name=one\\n"
         "size=4M, uuid=99999999-0000-0000-0000-00000000000%d, name=two\\n")
DISKS = {
    "sfdisk": "printf '%s' | sfdisk -q /dev/nvme0n1; grep nvme /proc/partitions"
              % (TABLE % (1, 2)).replace("\n", "\\n"),
    "lsblk": "lsblk -e 1,7 -o NAME,MAJ:MIN,RM,SIZE,RO,TYPE,MOUNTPOINTS,PHY-SEC,LOG-SEC,MIN-IO,"
             "ROTA,RA;"
             "lsblk -e 1,7 -P -o NAME,PKNAME,PATH,HOTPLUG,ALIGNMENT,DISC-ALN,DISC-GRAN,STATE,START "
             "2>&1"
             "| sed 's/STATE=.[a-z]*.//'",
    "blkid": "blkid -p /dev/nvme0n1 /dev/nvme0n1p1 /dev/nvme0n1p2",
    "fdisk": "fdisk -l /dev/nvme0n1 | grep -v -e model -e I/O",
    "blockdev": "blockdev --report | grep nvme;"
                "blockdev --getss --getpbsz --getsize64 /dev/nvme0n1p1",
    "partx": "partx -s /dev/nvme0n1; partx -d --nr 2 /dev/nvme0n1; ls /dev/nvme0n1*;"
             "partx -a /dev/nvme0n1 2>&1; blockdev --rereadpt /dev/nvme0n1; ls /dev/nvme0n1*",
    "wipefs": "wipefs -a -q /dev/nvme0n1; blkid -p /dev/nvme0n1; echo $?",
    "losetup": "truncate -s 8M /tmp/img; losetup -f --show /tmp/img; losetup -l -O NAME,SIZELIMIT,"
               "OFFSET,AUTOCLEAR,RO,BACK-FILE,LOG-SEC,MAJ:MIN;"
               "losetup -j /tmp/img | cut -d ' ' -f 1,3;"
               "lsblk -o NAME,SIZE,RO,TYPE /dev/loop0; losetup -d /dev/loop0; losetup -l;"
               "losetup -f",
    "losetup partitions": "truncate -s 8M /tmp/img; printf 'size=1M\n,2M\n' | sfdisk -q /tmp/img;"
                          "losetup -P -r /dev/loop3 /tmp/img;"
                          "lsblk -n -o NAME,SIZE,RO,TYPE /dev/loop3;"
                          "losetup -d /dev/loop3; ls /dev/loop3*",
    "losetup offset": "truncate -s 8M /tmp/img;"
                      "losetup -o 1M --sizelimit 2M -b 4096 /dev/loop2 /tmp/img;"
                      "blockdev --getsize64 --getss /dev/loop2; losetup -c /dev/loop2;"
                      "losetup -l -n -O OFFSET,SIZELIMIT,LOG-SEC; losetup -d /dev/loop2",
}
BASH = {
    "version": "echo $BASH_VERSION",
    "pipeline": "seq 1 100 | while read n; do echo $((n*n)); done | tail -n 1",
    "arrays": "a=(x y z); a+=(w); echo ${#a[@]} ${a[*]}; declare -A m=([k]=v); echo ${m[k]}",
    "process substitution": "diff <(seq 1 5) <(seq 1 6); echo $?",
    "here string": "cat <<<'one two'; read -r a b <<<'p q'; echo $b $a",
    "traps": "trap 'echo caught' USR1; kill -USR1 $$; trap 'echo bye' EXIT",
    "jobs": "sleep 0.1 & wait $!; echo $?; (exit 3) & wait $!; echo $?",
    "coprocess": "coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x",
    "subshell status": "set -o pipefail; false | true; echo $?; (kill -TERM $BASHPID); echo $?",
    "globbing": "shopt -s extglob\ncd /etc; echo p*d; echo /etc/!(*[a-z])",
    "time limit": "read -t 0.1 x </dev/zero | cat; SECONDS=0; echo $SECONDS",
}
PYTHON = {
    "version": "import sys; print(sys.version_info[:2], sys.platform)",
    "subprocess": "import subprocess; print(subprocess.run(['sh','-c','echo $0; exit 3'],"
                  "capture_output=True))",
    "threads": "import threading; q=[]\nts=[threading.Thread(target=q.append,args=(i,)) for i in "
               "range(20)]\n[t.start() for t in ts]; [t.join() for t in ts]; print(sorted(q))",
    "mmap": "import mmap; m=mmap.mmap(-1,8192); m[4096:4100]=b'abcd'; print(m[4095:4101])",
    "files": "import os,tempfile; d=tempfile.mkdtemp(); p=d+'/f'; open(p,'w').write('x'*10000);"
             "os.rename(p,p+'2'); print(os.listdir(d), os.stat(p+'2').st_size); os.unlink(p+'2');"
             "os.rmdir(d)",
    "select": "import os,select; r,w=os.pipe(); print(select.select([r],[w],[],0)[0]); "
              "os.write(w,b'x'); e=select.epoll(); e.register(r,select.EPOLLIN); print(len(e.poll(1)))",
    "signals": "import signal,os; signal.signal(signal.SIGUSR1,lambda *a: print('got',a[0]));"
               "os.kill(os.getpid(),signal.SIGUSR1); signal.setitimer(signal.ITIMER_REAL,0.05);"
               "signal.signal(signal.SIGALRM,lambda *a: print('alarm')); signal.pause()",
    "fork": "import os\npid=os.fork()\nif pid==0: os._exit(7)\nprint(os.waitstatus_to_exitcode("
            "os.waitpid(pid,0)[1]))",
    "event loop": "import selectors,os; s=selectors.DefaultSelector(); r,w=os.pipe();"
                  "s.register(r,selectors.EVENT_READ); print(len(s.select(0)));"
                  "os.write(w,b'x'); print(len(s.select(1)))",
    "ctypes": "import ctypes; print(ctypes.CDLL(None).strlen(b'hello'))",
    "pty": "import os,pty\npid,fd=pty.fork()\nif pid==0: os.execlp('tty','tty')\n"
           "print(os.read(fd,100)[:9]); os.waitpid(pid,0)",
    "json and hash": "import json,hashlib; print(json.dumps({'a':[1,2.5,None]}),"
                     "hashlib.sha256(b'x').hexdigest())",
    "big data": "b=bytearray(50_000_000); b[::4096]=b'x'*len(b[::4096]); print(sum(b[::4096]))",
    "processors": "import os; print(os.cpu_count() >= 1, os.sched_getaffinity(0) != set())",
    "resource": "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])",
    "sort": "import random; random.seed(1); a=[random.random() for _ in range(100000)]; a.sort();"
            "print(a[0] < a[-1])",
}


def run_kernel(ctx, kernel, config, jobs):
    """Every job on one kernel: {name: (status, output, log)}."""
    results = {}
    with tempfile.NamedTemporaryFile() as disk, \
            Guest(Options(kernel=kernel, config=config, image="debian", smp=2,
                          disks=(disk.name + ",if=nvme",))) as guest:
        disk.truncate(16 << 20)
        if kernel == "linux":
            load_modules(guest, "blockdev")
        for name, argv in jobs.items():
            result = guest.run(argv, timeout=LIMIT)
            results[name] = (result.status, result.stdout.decode("utf-8", "replace"),
                             result.stderr.decode("utf-8", "replace") + result.log)
        check_reports(ctx, guest)
    return results


def run(ctx):
    jobs = {"bash/" + name: ["/bin/bash", "-c", text] for name, text in BASH.items()}
    jobs.update({"disks/" + name: ["/bin/sh", "-c", text] for name, text in DISKS.items()})
    jobs.update({"python/" + name: ["/usr/bin/python3", "-c", text]
                 for name, text in PYTHON.items()})
    jobs = {name: argv for name, argv in jobs.items() if ctx.wants(name)}
    linux, ours = both(lambda: run_kernel(ctx, "linux", ctx.config, jobs),
                       lambda: run_kernel(ctx, ctx.kernel, ctx.config, jobs))
    for name in jobs:
        if linux[name][0] not in (0, 1):
            ctx.fail(name, "does not run on Linux: status %d" % linux[name][0],
                     linux[name][1] + linux[name][2])
            continue
        ctx.check(name, linux[name][:2] == ours[name][:2],
                  "status %d, on Linux %d" % (ours[name][0], linux[name][0]),
                  "linux:\n%s\nkeelson:\n%s\n%s" % (linux[name][1], ours[name][1], ours[name][2]))
