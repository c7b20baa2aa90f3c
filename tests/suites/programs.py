# SPDX-License-Identifier: MIT
"""Debian's programs, unmodified, on an ext2 root: fio's verify jobs, SQLite, git, gcc and make, and
what e2fsck says behind them. Takes the disk of `make image IMAGE=dev` (600 MB, built when it is not
there), so it is no part of the quick tier: `make test TESTS=programs`."""
import os
import subprocess

import fsimages
from vmlib import qemu
from vmlib.guest import Guest
from vmlib.qemu import Options

from . import check_reports

LIMIT = 400
FIO = "fio --minimal --directory=/job --size=8m --bs=4k --do_verify=1 --verify_fatal=1 --name=job "
SQLITE = """set -e; cd /job; sqlite3 t.db 'pragma journal_mode=%s; create table t(a integer primary key,
b text); create index i on t(b);' >/dev/null
for n in 1 2 3 4 5 6 7 8; do sqlite3 t.db "begin; insert into t(b) select hex(randomblob(60)) from
(with recursive c(x) as (select 1 union all select x+1 from c where x<300) select x from c); commit;
delete from t where a %% 7 = $n %% 7;"; done
sqlite3 t.db 'pragma integrity_check; select count(*) = 900 from t;'"""
GENERATE = """import random
random.seed(1)
for f in range(12):
    out = ['#include <stdio.h>']
    for n in range(30):
        out.append('int f%d_%d(int x)\\n{\\n\\tint a[4] = {x, %d, %d, 3};' % (f, n, n, f))
        for k in range(6):
            out.append('\\ta[%d] += a[%d] * %d;' % (k % 4, (k + 1) % 4, random.randrange(100)))
        out.append('\\treturn a[0] ^ a[1] ^ a[2] ^ a[3];\\n}')
    out.append('int g%d(void)\\n{\\n\\tint s = 0;' % f)
    out += ['\\ts = s * 31 + f%d_%d(s);' % (f, n) for n in range(30)]
    out.append('\\treturn s;\\n}')
    open('m%d.c' % f, 'w').write('\\n'.join(out) + '\\n')
open('main.c', 'w').write('#include <stdio.h>\\n' + ''.join('int g%d(void);\\n' % f for f in range(12)) +
    'int main(void)\\n{\\n\\tprintf("%d\\\\n", ' + ' ^ '.join('g%d()' % f for f in range(12)) +
    ');\\n\\treturn 0;\\n}\\n')
open('Makefile', 'w').write('o = $(patsubst %.c,%.o,$(wildcard *.c))\\nprog: $(o)\\n\\tgcc -o $@ $^\\n'
    '%.o: %.c\\n\\tgcc -O1 -fwrapv -c -o $@ $<\\n')
"""
# name: (shell text, text that must be in the output)
JOBS = {
    "fio random writes": (FIO + "--rw=randwrite --verify=crc32c && echo good", "good"),
    "fio mapped": (FIO + "--rw=randwrite --verify=crc32c --ioengine=mmap && echo good", "good"),
    "fio psync with fsync": (FIO + "--rw=randrw --verify=md5 --ioengine=psync --fsync=16 --size=4m "
                             "&& echo good", "good"),
    "fio direct": (FIO + "--rw=randwrite --verify=crc32c --direct=1 --ioengine=psync && echo good",
                   "good"),
    "sqlite rollback journal": (SQLITE % "delete", "ok\n1\n"),
    "sqlite write-ahead log": ("rm -f /job/t.db*; " + SQLITE % "wal", "ok\n1\n"),
    "git": ("""set -e; cd /job; export HOME=/job; git init -q r; cd r
git config user.email a@b; git config user.name n
for i in 1 2 3 4 5; do for f in 1 2 3 4 5 6 7 8 9; do seq $i $((i*f*50)) >f$f; done; git add .
git commit -qm "commit $i"; done
git gc -q; git fsck --full --strict && git log --oneline | wc -l && git status --short | wc -l""",
            "5\n0\n"),
    "gcc and make": ("set -e; mkdir -p /job/c; cd /job/c; python3 /job/generate.py; cat *.c | wc -l; "
                     "make -s -j2; ./prog; make -s; echo built", "built"),
    "python": ("cd /job; python3 -c \"import os,tempfile,shutil\nd=tempfile.mkdtemp(dir='/job')\n"
               "for i in range(300): open(d+'/%d'%i,'w').write('x'*i*10)\n"
               "assert sum(e.stat().st_size for e in os.scandir(d))==sum(i*10 for i in range(300))\n"
               "os.replace(d+'/5',d+'/6'); os.setxattr(d,'user.a',b'v'); assert os.getxattr(d,'user.a')"
               "==b'v'\n"
               "os.link(d+'/8',d+'/l'); os.truncate(d+'/l',3); assert os.path.getsize(d+'/8')==3\n"
               "shutil.copytree(d,d+'c'); shutil.rmtree(d); print('good')\"", "good"),
}


def run(ctx):
    base = qemu.artefact("build/%s/dev.raw" % ctx.config)
    with fsimages.folder("programs") as folder:
        path = folder + "/dev.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                        os.path.abspath(base), path], check=True)
        options = Options(kernel=ctx.kernel, config=ctx.config, image="none", smp=2, mem="768",
                          disks=(path,), append="root=/dev/vda3 rw")
        with Guest(options) as guest:
            made = guest.run(["sh", "-c", "mkdir /job"])
            ctx.check("boot", made.status == 0, "status %d" % made.status,
                      made.stderr.decode("utf-8", "replace") + made.log)
            guest.put("/job/generate.py", GENERATE.encode())
            for name, (text, wanted) in JOBS.items():
                if not ctx.wants(name):
                    continue
                done = guest.run(["bash", "-c", text], timeout=LIMIT)
                out = done.stdout.decode("utf-8", "replace")
                ctx.check(name, done.status == 0 and wanted in out, "status %d" % done.status,
                          out + done.stderr.decode("utf-8", "replace") + (done.log or guest.log()))
            check_reports(ctx, guest)
            guest.run(["sh", "-c", "rm -r /job/c; sync; mount -o remount,ro / || echo busy"])
        raw = folder + "/raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", path, raw], check=True)
        whole = object.__new__(fsimages.Disk)
        table = fsimages.tool("sfdisk", "-l", "-o", "Start,Sectors", raw).splitlines()[-1].split()
        whole.path, whole.parts = raw, [(int(table[0]) * 512, int(table[1]) * 512)]
        whole.extract(0, folder + "/root")
        said = fsimages.fsck(folder + "/root")
        ctx.check("e2fsck", not said, "e2fsck complains", said)
