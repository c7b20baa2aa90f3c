#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Keep build/<name>/.config, auto.conf and autoconf.h in step with the Kconfig files.

sync        make the generated files from .config (itself from the start file when it is missing
            or older); what did not change keeps its time stamp, so nothing is rebuilt for it
reset       throw .config away and take the start file
menuconfig  edit .config in the terminal
save        write .config's difference from the defaults back to the start file
"""
import argparse
import os
import sys

try:
    import kconfiglib
except ImportError:
    sys.exit("python3-kconfiglib is missing: run `make setup`")


def write_if_changed(path, text):
    """Write text to path unless that is already its content."""
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)


def c_value(sym):
    """The value of a symbol as a macro body, or None where the macro stays undefined."""
    value = sym.str_value
    if sym.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE):
        return "1" if value == "y" else None
    if not value:
        return None
    if sym.orig_type == kconfiglib.STRING:
        return '"' + kconfiglib.escape(value) + '"'
    if sym.orig_type == kconfiglib.HEX and not value.startswith(("0x", "0X")):
        return "0x" + value
    return value


def generate(kconf, out):
    """auto.conf (make) and autoconf.h (C and assembly) from the loaded configuration."""
    head = ["/* Generated from %s/.config by scripts/build/kconfig.py */" % out]
    conf = ["# Generated from %s/.config by scripts/build/kconfig.py" % out]
    for sym in kconf.unique_defined_syms:
        value = c_value(sym)
        if value is None:
            continue
        head.append("#define CONFIG_%s %s" % (sym.name, value))
        boolean = sym.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE)
        conf.append("CONFIG_%s := %s" % (sym.name, "y" if boolean else sym.str_value))
    write_if_changed(out + "/include/generated/autoconf.h", "\n".join(head) + "\n")
    write_if_changed(out + "/auto.conf", "\n".join(conf) + "\n")
    os.utime(out + "/auto.conf")


def load(kconf, config, start):
    """Load .config, or the start file when .config is missing or older; warn of unknown names."""
    stale = (not os.path.exists(config)
             or os.path.getmtime(config) < os.path.getmtime(start))
    kconf.load_config(start if stale else config)
    for text in kconf.warnings:
        print(text, file=sys.stderr)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True, help="build folder of the configuration")
    ap.add_argument("--start", required=True, help="committed start file")
    ap.add_argument("action", choices=["sync", "reset", "menuconfig", "save"])
    args = ap.parse_args()
    config = args.out + "/.config"
    if not os.path.exists(args.start) and not os.path.exists(config):
        names = ", ".join(sorted(os.listdir("scripts/configs")))
        sys.exit("no configuration %s; there are: %s" % (args.start, names))
    os.makedirs(args.out, exist_ok=True)
    if args.action == "reset" and os.path.exists(config):
        os.remove(config)
    kconf = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    load(kconf, config, args.start)
    if args.action == "save":
        kconf.write_min_config(args.start, header="# SPDX-License-Identifier: MIT\n")
        print("wrote " + args.start)
        return
    kconf.write_config(config, save_old=False)
    if args.action == "menuconfig":
        os.environ["KCONFIG_CONFIG"] = config
        import menuconfig
        menuconfig.menuconfig(kconf)
    generate(kconf, args.out)


if __name__ == "__main__":
    main()
