#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print a one-line deb-src list for the release this machine runs.

The system's own lists are read, in both of apt's formats, and never changed. Only suites of this
release count (NAME, NAME-updates, NAME-security), and only binary entries are needed: wherever
packages come from, their sources lie too.
"""
import glob
import re

ETC = "/etc/apt"


def codename():
    """VERSION_CODENAME of this system."""
    with open("/etc/os-release", encoding="utf-8") as f:
        return re.search(r'^VERSION_CODENAME="?([a-z]+)', f.read(), re.M).group(1)


def one_line(path):
    """(options, uri, suite, components) of the classic format."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
            if m:
                yield (m.group(1) or "").strip(), m.group(2), m.group(3), m.group(4).split()


def deb822(path):
    """The same of the .sources format."""
    with open(path, encoding="utf-8") as f:
        text = "\n".join(l for l in f.read().split("\n") if not l.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        field = {}
        for m in re.finditer(r"^(\S+?):\s*(.*(?:\n[ \t].*)*)", stanza, re.M):
            field[m.group(1).lower()] = m.group(2).strip()
        if field.get("enabled", "yes").lower() == "no" or "uris" not in field:
            continue
        key = field.get("signed-by", "")
        options = "[signed-by=%s]" % key if key.startswith("/") else ""
        for uri in field["uris"].split():
            for suite in field.get("suites", "").split():
                yield options, uri, suite, field.get("components", "").split()


def main():
    name = codename()
    wanted = {name, name + "-updates", name + "-security"}
    rows = []
    for path in [ETC + "/sources.list"] + glob.glob(ETC + "/sources.list.d/*.list"):
        try:
            rows += one_line(path)
        except FileNotFoundError:
            pass
    for path in glob.glob(ETC + "/sources.list.d/*.sources"):
        rows += deb822(path)
    for options, uri, suite, components in rows:
        if suite in wanted and "main" in components:
            print(" ".join(filter(None, ["deb-src", options, uri, suite, "main"])))


if __name__ == "__main__":
    main()
