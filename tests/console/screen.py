# SPDX-License-Identifier: MIT
"""Reading text from a picture of the screen: every cell is compared with the glyphs of the font.

VGA text shows the font of QEMU's VGA BIOS, the framebuffer console that of the distribution's
package. A cell that is no glyph reads as `?`.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/build"))
import psf2h  # noqa: E402  pylint: disable=wrong-import-position

CONSOLE_FONT = "/usr/share/consolefonts/Uni2-Fixed16.psf.gz"
VGA_BIOS = "/usr/share/seabios/vgabios-stdvga.bin"
ASCII = range(32, 127)


def console_glyphs():
    """{bitmap: character} of the framebuffer console's font."""
    _, height, _, bits, table = psf2h.parse(psf2h.load(CONSOLE_FONT))
    return {bytes(bits[table[c] * height:(table[c] + 1) * height]): chr(c)
            for c in reversed(ASCII) if c in table}


def vga_glyphs():
    """{bitmap: character} of the 8x16 font in QEMU's VGA BIOS: found by the letter A's shape."""
    with open(VGA_BIOS, "rb") as f:
        data = f.read()
    letter = bytes((0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0))
    start = data.index(letter) - ord("A") * 16
    return {data[start + c * 16:start + c * 16 + 16]: chr(c) for c in ASCII}


def ppm(data):
    """(width, height, rows of RGB bytes) of a binary PPM."""
    match = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    width, height = int(match.group(1)), int(match.group(2))
    body = data[match.end():]
    return width, height, [body[y * width * 3:(y + 1) * width * 3] for y in range(height)]


def colours(data):
    """The set of colours in a picture."""
    _, _, rows = ppm(data)
    return {tuple(row[i:i + 3]) for row in rows for i in range(0, len(row), 3)}


def cell_bitmap(rows, left, top, width):
    """16 bytes: which of the first 8 pixels of each line differ from the cell's most frequent
    colour. The ninth column of VGA text repeats or is blank."""
    pixels = [[rows[top + y][(left + x) * 3:(left + x) * 3 + 3] for x in range(width)]
              for y in range(16)]
    flat = [p for line in pixels for p in line]
    ground = max(set(flat), key=flat.count)
    return bytes(sum(1 << (7 - x) for x in range(8) if line[x] != ground) for line in pixels)


def read(data):
    """The text of a picture: lines with trailing blanks removed."""
    width, height, rows = ppm(data)
    vga = width == 720
    cell = 9 if vga else 8
    glyphs = vga_glyphs() if vga else console_glyphs()
    lines = []
    for top in range(0, height - 15, 16):
        line = ""
        blank = len(set(rows[top + y] for y in range(16))) == 1 and len(set(
            rows[top][i:i + 3] for i in range(0, len(rows[top]), 3))) == 1
        if not blank:
            for left in range(0, width - cell + 1, cell):
                bitmap = cell_bitmap(rows, left, top, cell)
                line += glyphs.get(bitmap, " " if not any(bitmap) else "?")
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def wait_for(look, pattern, seconds):
    """Look until the text matches; the text. Raises AssertionError with what was there."""
    end = time.monotonic() + seconds
    while True:
        text = look()
        if re.search(pattern, text):
            return text
        if time.monotonic() > end:
            raise AssertionError("the screen never showed %r:\n%s" % (pattern, text))
        time.sleep(0.1)
