#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lines `source without suffix|flags` to compile_commands.json.

usage: compdb.py COMPILER BUILD_DIR < lines > compile_commands.json
"""
import json
import os
import shlex
import sys


def main():
    compiler, build = sys.argv[1:3]
    rows = []
    for line in sys.stdin:
        stem, _, flags = line.rstrip("\n").partition("|")
        source = stem + ".c"
        if not os.path.exists(source):
            continue  # assembly: nothing an editor's C server can use
        out = "%s/%s.o" % (build, stem)
        rows.append({"directory": os.getcwd(), "file": source, "output": out,
                     "arguments": [compiler, *shlex.split(flags), "-c", "-o", out, source]})
    json.dump(rows, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
