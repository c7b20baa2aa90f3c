# SPDX-License-Identifier: MIT
"""What a person does in front of the screen: PS/2 keyboard, VGA text, framebuffer.

The keys are pressed at QEMU's monitor; what the screen shows is read by screen.py. Sessions with
BOTH name their consoles; the others test that the screen is one without being asked for.
"""
import screen
from screen import picture_text, vga_attribute, vga_text, wait_for
from session import Session  # noqa: F401  (the suite makes its sessions from this)

BOTH = "console=tty0 console=ttyS0"


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
        data = screen.picture(s)
        assert screen.ppm(data)[:2] == (720, 400) and len(screen.colours(data)) > 2


def test_vga_picture(session):
    """linux: no"""
    with session() as s:
        s.prompt()
        wait_for(s, picture_text, r"^root@keelson:~#")
        s.type_keys("echo Hello-World\n")
        lines = wait_for(s, picture_text, r"^Hello-World$")
        assert any("# echo Hello-World" in line for line in lines), lines
        s.type_keys("tty\n")
        wait_for(s, picture_text, r"^/dev/tty1$")
        s.type_keys("seq 1 40\n")
        lines = wait_for(s, picture_text, r"^40$")
        assert "10" not in lines, "line 10 of 40 is still on a 25 line screen"
        s.type_keys("cat\nabc\n")
        wait_for(s, lambda s: [" ".join(picture_text(s))], r"abc abc")
        s.key("ctrl", "c")
        s.type_keys("echo still here\n")
        wait_for(s, picture_text, r"^still here$")


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
        s.type_keys("yyp")
        wait_for(s, lambda s: [" ".join(vga_text(s))], r"ne ne two")
        s.key("shift", "semicolon")
        s.type_keys("wq\n")
        wait_for(s, vga_text, r"^root@keelson:~#")
        s.type_keys("top\n")
        wait_for(s, vga_text, r"^Mem: .*used")
        s.type_keys("q")
        assert s.shell("cat /tmp/f") == "ne\nne\ntwo\n"


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
        wait_for(s, picture_text, r"^root@keelson:~#")
        s.type_keys("echo on a framebuffer\n")
        lines = wait_for(s, picture_text, r"^on a framebuffer$")
        assert any("vt: 6 terminals on framebuffer" in line for line in lines), lines
        s.type_keys("vi /etc/passwd\n")
        lines = wait_for(s, picture_text, r"^- /etc/passwd")
        assert any(line.endswith("oot:x:0:0:root:/root:/bin/sh") for line in lines), lines
        s.key("shift", "semicolon")
        s.type_keys("q\n")
        wait_for(s, picture_text, r"^root@keelson:~#( [?])?$")
        s.shell("seq 1 500 > /dev/tty1")
        wait_for(s, picture_text, r"^500$")


def test_framebuffer_colour(session):
    """linux: no"""
    with session(boot="uefi", limit=90) as s:
        s.prompt()
        wait_for(s, picture_text, r"^root@keelson:~#")
        s.type_keys("seq 1 100\n")
        lines = wait_for(s, picture_text, r"^100$")
        assert "20" not in lines, "line 20 of 100 is still on the screen"
        s.shell(r"printf '\033[2J\033[1;1H\033[31mRED\033[0m \033[44mBLUE\033[0m\n' >/dev/tty1")
        wait_for(s, picture_text, r"^RED BLUE")
        colours = screen.colours(screen.picture(s))
        assert any(r > 100 and g < 100 and b < 100 for r, g, b in colours), "no red"
        assert any(b > 100 and r < 100 and g < 100 for r, g, b in colours), "no blue"
