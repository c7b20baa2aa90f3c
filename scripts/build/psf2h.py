#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turn a console font (PSF1 or PSF2, gzipped or not) into a C header.

The header defines FONT_WIDTH, FONT_HEIGHT, FONT_GLYPHS, the bitmaps font_bits[] (rows of whole
bytes, leftmost pixel in the top bit) and font_map[], sorted by code point.
"""
import argparse
import gzip
import struct
import sys


def load(path):
    """The bytes of the font, unpacked."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        sys.exit("%s is missing: run `make setup` (package console-setup-linux)" % path)
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def psf1_table(data, glyphs):
    """Code points of each glyph from the table of a PSF1 font; sequences are left out."""
    table, at = {}, 0
    for glyph in range(glyphs):
        in_sequence = False
        while True:
            (code,) = struct.unpack_from("<H", data, at)
            at += 2
            if code == 0xffff:
                break
            if code == 0xfffe:
                in_sequence = True
            elif not in_sequence:
                table.setdefault(code, glyph)
    return table


def psf2_table(data, glyphs):
    """The same of a PSF2 font, whose table is UTF-8."""
    table, at = {}, 0
    for glyph in range(glyphs):
        end = data.index(b"\xff", at)
        single = data[at:end].split(b"\xfe")[0].decode("utf-8")
        for char in single:
            if ord(char) <= 0xffff:
                table.setdefault(ord(char), glyph)
        at = end + 1
    return table


def parse(data):
    """(width, height, glyphs, bitmap bytes, {code point: glyph})"""
    if data[:2] == b"\x36\x04":
        mode, height = data[2], data[3]
        glyphs = 512 if mode & 1 else 256
        bits = data[4:4 + glyphs * height]
        if not mode & 2:
            return 8, height, glyphs, bits, {i: i for i in range(128)}
        return 8, height, glyphs, bits, psf1_table(data[4 + len(bits):], glyphs)
    if data[:4] == b"\x72\xb5\x4a\x86":
        _, header, flags, glyphs, size, height, width = struct.unpack_from("<7I", data, 4)
        bits = data[header:header + glyphs * size]
        if not flags & 1:
            return width, height, glyphs, bits, {i: i for i in range(128)}
        return width, height, glyphs, bits, psf2_table(data[header + len(bits):], glyphs)
    sys.exit("not a PSF font")


def main():
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("font")
    args = ap.parse_args()
    width, height, glyphs, bits, table = parse(load(args.font))
    with open(args.output, "w", encoding="utf-8") as out:
        out.write("/* Generated from a font of the distribution by scripts/build/psf2h.py */\n")
        out.write("#define FONT_WIDTH %d\n#define FONT_HEIGHT %d\n#define FONT_GLYPHS %d\n"
                  % (width, height, glyphs))
        out.write("static const u8 font_bits[] = {\n")
        for at in range(0, len(bits), 16):
            out.write("\t" + " ".join("0x%02x," % b for b in bits[at:at + 16]) + "\n")
        out.write("};\nstatic const struct {\n\tu16 unicode, glyph;\n} font_map[] = {\n")
        for code in sorted(table):
            out.write("\t{ 0x%04x, %d },\n" % (code, table[code]))
        out.write("};\n")


if __name__ == "__main__":
    main()
