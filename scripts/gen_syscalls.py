#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Generate the dispatch table and its companions from src/syscall/syscalls.tbl.

A row is `NR NAME OWNER [TYPE:ARG ...]`; `#` starts a comment. Numbers are Linux's for x86_64, and
Keelson's own start at 0xF0000. Written to the folder given by --out:

syscall_table.inc   SYSCALL_ROW(nr, name) a line, sorted by number
syscall_protos.h    long sys_NAME(const struct user_regs *r);
syscall_names.inc   SYSCALL_NAME(nr, "name", nargs, "type:arg, ...") a line, sorted by number
"""
import argparse
import os
import re
import sys

MAX_ARGS = 6
NAME = re.compile(r"[a-z_][a-z0-9_]*$")
ARG = re.compile(r"[a-z][a-z0-9_*()]*:[a-z_][a-z0-9_]*$")


def parse(path):
    """Rows (nr, name, owner, args) sorted by number; leaves with a message at a bad one."""
    rows, names, numbers = [], set(), set()
    with open(path, encoding="utf-8") as f:
        for lineno, line in enumerate(f, 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue

            def bad(why, at=lineno):
                sys.exit("%s:%d: %s" % (path, at, why))

            if len(words) < 3:
                bad("a row is NR NAME OWNER [TYPE:ARG ...]")
            try:
                nr = int(words[0], 0)
            except ValueError:
                bad("%s is not a number" % words[0])
            name, owner, args = words[1], words[2], words[3:]
            if not NAME.match(name):
                bad("%s is not a name" % name)
            if nr in numbers or name in names:
                bad("number %d or name %s used twice" % (nr, name))
            if len(args) > MAX_ARGS:
                bad("more than %d arguments" % MAX_ARGS)
            for arg in args:
                if not ARG.match(arg):
                    bad("argument %s is not TYPE:NAME" % arg)
            numbers.add(nr)
            names.add(name)
            rows.append((nr, name, owner, args))
    return sorted(rows)


def write(path, lines):
    """Write a generated file with its heading."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("/* Generated from syscalls.tbl by scripts/gen_syscalls.py */\n")
        f.writelines(line + "\n" for line in lines)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True, help="folder for the generated files")
    ap.add_argument("table")
    args = ap.parse_args()
    rows = parse(args.table)
    os.makedirs(args.out, exist_ok=True)
    write(args.out + "/syscall_protos.h",
          ["#pragma once", "struct user_regs;"]
          + ["long sys_%s(const struct user_regs *r);" % r[1] for r in rows])
    write(args.out + "/syscall_names.inc",
          ['SYSCALL_NAME(%d, "%s", %d, "%s")' % (nr, name, len(a), ", ".join(a))
           for nr, name, _, a in rows])
    write(args.out + "/syscall_table.inc", ["SYSCALL_ROW(%d, %s)" % r[:2] for r in rows])


if __name__ == "__main__":
    main()
