# SPDX-License-Identifier: MIT
"""Reading the screen of a session: as a picture, and as the memory of the VGA text mode.

In a picture every cell is compared with the glyphs of the font: VGA text shows the font of QEMU's
VGA BIOS, the framebuffer console that of the distribution's package. A cell that is no glyph, such
as one under the cursor, reads as `?`. The memory shows no cursor, and has the attributes.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/build"))
import psf2h  # noqa: E402  pylint: disable=wrong-import-position
from session import LIMIT  # noqa: E402  pylint: disable=wrong-import-position

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


def picture(s):
    """The bytes of a screenshot, a PPM."""
    return s.screen(os.path.join(s.folder.name, "shot.ppm"))


def picture_text(s):
    """The lines a picture of the screen shows, without trailing blanks."""
    width, height, rows = ppm(picture(s))
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
    return lines


def vga_cells(s, first, count):
    """`count` words of the memory of the VGA text mode: characters and attributes."""
    line = "xp /%dhx %#x" % (count, 0xb8000 + 2 * first)
    answer = s.command("human-monitor-command", **{"command-line": line})
    cells = [int(x, 16) for x in re.findall(r"0x([0-9a-f]{4})\b", answer["return"])]
    assert len(cells) == count, answer["return"][:200]
    return cells


def vga_text(s):
    """The 25 lines of the VGA text screen."""
    chars = [c & 255 for c in vga_cells(s, 0, 2000)]
    text = "".join(chr(c) if 32 <= c < 127 else "?" if c else " " for c in chars)
    return [text[i:i + 80].rstrip() for i in range(0, 2000, 80)]


def vga_attribute(s, word):
    """The attribute byte of the first character of a word on the screen."""
    lines = vga_text(s)
    number = next(i for i, text in enumerate(lines) if word in text)
    return vga_cells(s, 80 * number + lines[number].index(word), 1)[0] >> 8


def wait_for(s, read, pattern, limit=LIMIT):
    """Look at the screen until a line matches; the lines."""
    end = time.monotonic() + limit
    while True:
        lines = read(s)
        if any(re.search(pattern, line) for line in lines):
            return lines
        if time.monotonic() > end:
            raise AssertionError("no %r on the screen:\n%s" % (pattern, "\n".join(lines)))
        time.sleep(0.1)
