# SPDX-License-Identifier: MIT
"""The keyboard and the screen: keys typed on the PS/2 keyboard, text read back from the picture."""
import os
import re

import screen
from session import Session  # noqa: F401  (the suite makes its sessions from this)

LIMIT = 20


def picture(s):
    """What the screen shows, as lines of text."""
    return screen.read(s.screen(os.path.join(s.folder.name, "shot.ppm")))


def wait_for(s, pattern, seconds=LIMIT):
    """Look at the screen until it shows a pattern."""
    return screen.wait_for(lambda: picture(s), pattern, seconds)


def test_vga_keyboard_and_text(session):
    """linux: no"""
    with session() as s:
        s.prompt()
        wait_for(s, r"root@keelson:~#")
        s.type_keys("echo Hello-World\n")
        text = wait_for(s, r"\nHello-World")
        assert "echo Hello-World" in text
        s.type_keys("tty\n")
        wait_for(s, r"/dev/tty1")


def test_vga_editing_and_scrolling(session):
    """linux: no"""
    with session() as s:
        s.prompt()
        wait_for(s, r"root@keelson:~#")
        s.type_keys("seq 1 40\n")
        text = wait_for(s, r"\n40 *\n")
        assert not re.search(r"^10 *$", text, re.M), "line 10 of 40 is still on a 25 line screen"
        s.type_keys("vi /tmp/f\n")
        wait_for(s, r"/tmp/f")
        s.type_keys("iabc")
        s.key("esc")
        wait_for(s, r"- /tmp/f .Modified.")
        s.type_keys("yyp")
        wait_for(s, r"abc *\n *abc")
        s.key("shift", "semicolon")
        s.type_keys("wq\n")
        wait_for(s, r"root@keelson:~#")
        assert s.shell("cat /tmp/f") == "abc\nabc\n"


def test_vga_control_keys(session):
    """linux: no"""
    with session() as s:
        s.prompt()
        wait_for(s, r"root@keelson:~#")
        s.type_keys("cat\n")
        s.type_keys("abc\n")
        wait_for(s, r"abc *\n *abc")
        s.key("ctrl", "c")
        s.type_keys("echo still here\n")
        wait_for(s, r"\nstill here")


def test_ctrl_alt_delete(session):
    """linux: no"""
    with session() as s:
        s.prompt()
        s.key("ctrl", "alt", "delete")
        assert s.ended() == 0


def test_framebuffer_text(session):
    """linux: no"""
    with session(boot="uefi", limit=60) as s:
        s.prompt()
        wait_for(s, r"root@keelson:~#")
        s.type_keys("echo Hello-World\n")
        wait_for(s, r"\nHello-World")
        s.type_keys("seq 1 100\n")
        text = wait_for(s, r"\n100 *\n")
        assert not re.search(r"^20 *$", text, re.M), "line 20 of 100 is still on the screen"


def test_framebuffer_colour(session):
    """linux: no"""
    with session(boot="uefi", limit=60) as s:
        s.prompt()
        wait_for(s, r"root@keelson:~#")
        s.shell(r"printf '\033[2J\033[1;1H\033[31mRED\033[0m \033[44mBLUE\033[0m\n' >/dev/tty1")
        wait_for(s, r"RED BLUE")
        colours = screen.colours(s.screen(os.path.join(s.folder.name, "shot.ppm")))
        assert any(r > 100 and g < 100 and b < 100 for r, g, b in colours), "no red"
        assert any(b > 100 and r < 100 and g < 100 for r, g, b in colours), "no blue"
