# SPDX-License-Identifier: MIT
"""What a person does in front of the screen: PS/2 keyboard, VGA text, framebuffer.

The keys are pressed at QEMU's monitor. What the screen shows is read twice: as characters (from the
memory of the text mode, or by matching the glyphs of the console font in a screenshot), and as a
picture that must not be blank.
"""
import gzip
import os
import re
import struct
import tempfile
import time

from session import LIMIT, Session  # noqa: F401  (the suite makes its sessions from this)

FONT = "/usr/share/consolefonts/Uni2-Fixed16.psf.gz"
BOTH = "console=tty0 console=ttyS0"


def vga_text(s):
    """The 25 lines of the VGA text screen."""
    answer = s.command("human-monitor-command", **{"command-line": "xp /2000hx 0xb8000"})
    cells = [int(x, 16) for x in re.findall(r"0x([0-9a-f]{4})\b", answer["return"])]
    assert len(cells) == 2000, answer["return"][:200]
    text = "".join(chr(c & 255) if 32 <= c & 255 < 127 else "?" if c & 255 else " " for c in cells)
    return [text[i:i + 80].rstrip() for i in range(0, 2000, 80)]


def vga_attribute(s, word):
    """The attribute byte of the first character of a word on the screen."""
    line = next(i for i, text in enumerate(vga_text(s)) if word in text)
    at = 0xb8000 + 2 * (80 * line + vga_text(s)[line].index(word))
    answer = s.command("human-monitor-command", **{"command-line": "xp /1hx %#x" % at})
    return int(re.findall(r"0x([0-9a-f]{4})\b", answer["return"])[-1], 16) >> 8


def picture(s):
    """(width, height, pixels) of the screen."""
    with tempfile.TemporaryDirectory(prefix="keelson-shot-") as folder:
        data = s.screen(os.path.join(folder, "shot.ppm"))
    magic, size, depth, pixels = data.split(b"\n", 3)
    assert (magic, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    assert len(pixels) == 3 * width * height
    return width, height, pixels


def glyphs():
    """{bitmap of 16 bytes: character} of the font, printable ASCII only."""
    with gzip.open(FONT, "rb") as f:
        data = f.read()
    if data[:2] == b"\x36\x04":
        count, size, bits = 512 if data[2] & 1 else 256, data[3], data[4:]
        words = struct.unpack("<%dH" % ((len(bits) - count * size) // 2), bits[count * size:])
        table, chars = [], []
        for word in words:
            if word == 0xffff:
                table.append(chars)
                chars = []
            else:
                chars.append(word)
    else:
        _, start, _, count, size, _, _ = struct.unpack_from("<7I", data, 4)
        bits = data[start:]
        table = [list(map(ord, t.decode("utf-8", "ignore")))
                 for t in bits[count * size:].split(b"\xff")]
    found = {}
    for i, chars in enumerate(table[:count]):
        for char in chars:
            if 32 <= char < 127:
                found.setdefault(bits[i * size:(i + 1) * size], chr(char))
    return found


def framebuffer_text(s):
    """The lines of the framebuffer console, by matching glyphs."""
    width, height, pixels = picture(s)
    font, lines = glyphs(), []
    for top in range(0, height - 15, 16):
        line = ""
        for left in range(0, width - 7, 8):
            ground, shape = None, bytearray()
            for y in range(top, top + 16):
                row, at = 0, 3 * (y * width + left)
                for x in range(8):
                    pixel = pixels[at + 3 * x:at + 3 * x + 3]
                    if ground is None:
                        ground = pixel
                    row = row << 1 | (pixel != ground)
                shape.append(row)
            line += font.get(bytes(shape), "?")
        lines.append(line.rstrip())
    return lines


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


def test_vga_shell(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.type_keys("echo $((6*7)); tty\n".replace("$((6*7))", "vga screen"))
        lines = wait_for(s, vga_text, r"^/dev/tty1$")
        assert "vga screen" in lines, lines
        s.type_keys("ls /\n")
        wait_for(s, vga_text, r"^bin +")
        assert vga_attribute(s, "bin ") & 7 == 1  # blue, bright or not
        width, height, pixels = picture(s)
        assert (width, height) == (720, 400) and len(set(pixels)) > 2


def test_vga_vi_and_top(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.type_keys("vi /tmp/f\n")
        wait_for(s, vga_text, r"^- /tmp/f")
        s.type_keys("ione\ntwo")
        wait_for(s, vga_text, r"^two$")
        s.key("esc")
        wait_for(s, vga_text, r"^- /tmp/f.*Modified")
        for key in ("up", "home"):
            s.key(key)
        s.type_keys("x")
        wait_for(s, vga_text, r"^ne$")
        s.key("shift", "semicolon")
        s.type_keys("wq\n")
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.type_keys("top\n")
        wait_for(s, vga_text, r"^Mem: .*used")
        s.type_keys("q")
        assert s.shell("cat /tmp/f") == "ne\ntwo\n"


def test_keyboard(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.type_keys("cat ; echo status\n")
        s.type_keys("plain Shift")
        s.key("caps_lock")
        s.type_keys("caps")
        s.key("caps_lock")
        s.key("kp_enter")
        wait_for(s, vga_text, r"^plain ShiftCAPS$")
        s.key("shift", "1")
        s.key("shift", "equal")
        s.key("tab")
        s.key("backspace")
        s.key("shift", "apostrophe")
        s.key("ret")
        wait_for(s, vga_text, r'^!\+"$')
        s.key("ctrl", "c")
        wait_for(s, vga_text, r"^\^C")
        s.type_keys("echo lastly\n")
        wait_for(s, vga_text, r"^lastly$")
        s.key("up")
        s.key("backspace")
        s.type_keys("x\n")
        wait_for(s, vga_text, r"^lastlx$")


def test_virtual_terminals(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.shell("echo on the second > /dev/tty2")
        s.key("alt", "f2")
        wait_for(s, vga_text, r"^on the second$")
        assert s.shell("fgconsole") == "2\n"
        s.shell("chvt 1")
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.key("alt", "f3")
        s.key("alt", "left")
        wait_for(s, vga_text, r"^on the second$")
        s.key("alt", "f1")
        wait_for(s, vga_text, r"^root@keelson:~#")
        assert s.shell("fgconsole") == "1\n"


def test_scrolling_and_utf8(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.shell("seq 1 300 > /dev/tty1")
        lines = wait_for(s, vga_text, r"^300$")
        assert lines[lines.index("300") - 10] == "290", lines
        s.shell(r"printf '\033[2J\033[5;3HA\303\244B\033[31mC\033[m\n' > /dev/tty1")
        lines = wait_for(s, vga_text, r"^  A.BC$")
        assert lines[4] == "  A?BC", lines
        assert vga_attribute(s, "C") == 4  # red


def test_ctrl_alt_del(session):
    """linux: no"""
    with session(append=BOTH) as s:
        s.prompt()
        s.key("ctrl", "alt", "delete")
        assert s.ended() == 0


def test_quiet(session):
    """linux: no"""
    with session(append="quiet") as s:
        s.prompt()
        assert "clock source" not in s.text()
        assert "clock source" in s.shell("dmesg")


def test_framebuffer(session):
    """linux: no"""
    with session(boot="uefi", append=BOTH, limit=90) as s:
        s.prompt()
        wait_for(s, framebuffer_text, r"^root@keelson:~#")
        s.type_keys("echo on a framebuffer\n")
        lines = wait_for(s, framebuffer_text, r"^on a framebuffer$")
        assert any("vt: 6 terminals on framebuffer" in line for line in lines), lines
        s.type_keys("vi /etc/passwd\n")
        lines = wait_for(s, framebuffer_text, r"^- /etc/passwd")
        assert any(line.endswith("oot:x:0:0:root:/root:/bin/sh") for line in lines), lines
        s.key("shift", "semicolon")
        s.type_keys("q\n")
        wait_for(s, framebuffer_text, r"^root@keelson:~#( [?])?$")
        s.shell("seq 1 500 > /dev/tty1")
        wait_for(s, framebuffer_text, r"^500$")
