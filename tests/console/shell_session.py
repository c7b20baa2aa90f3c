# SPDX-License-Identifier: MIT
"""What a person does at the serial console: a shell, job control, editing, vi, top, pasting."""
import re

from session import Session  # noqa: F401  (the suite makes its sessions from this)


def test_prompt_and_arithmetic(session):
    with session() as s:
        s.prompt()
        assert s.shell("echo $((6*7))") == "42\n"
        assert s.shell("echo one two | wc -w") == "2\n"
        assert s.shell("false || echo $?") == "1\n"
        assert s.shell("tty") == "/dev/ttyS0\n"


def test_line_editing(session):
    with session() as s:
        s.prompt()
        s.send("echo abd\x1b[D\x1b[Dc\x05e\r")  # left twice, insert, end of line
        assert s.prompt().endswith("\nacbde\n")
        s.send("\x1b[A\r")  # the same again, from history
        s.expect("acbde.*\r\nacbde\r\n")
        s.prompt()
        s.send("/bin/busyb\t")  # completion
        s.expect("busybox ")
        s.send("true\r")
        s.prompt()
        assert s.shell("echo $?") == "0\n"
        s.send("garbage\x15echo clean\r")  # ctrl-U kills the line
        assert s.prompt().endswith("clean\n")


def test_interrupt_and_end_of_file(session):
    with session() as s:
        s.prompt()
        s.send("sh -c 'echo started; exec sleep 1000'\r")
        s.expect("\nstarted")
        s.send("\x03")
        s.prompt()
        assert s.shell("echo $?") == "130\n"
        s.send("cat\r")
        s.expect("cat\r\n")
        s.send("line\r")
        s.expect("line\r\nline\r\n")
        s.send("\x04")
        s.prompt()
        assert s.shell("echo $?") == "0\n"
        s.send("sh -c 'echo started; exec cat'\r")
        s.expect("\nstarted")
        s.send("\x1c")  # ctrl-backslash
        s.prompt()
        assert s.shell("echo $?") == "131\n"


def test_job_control(session):
    with session() as s:
        s.prompt()
        s.send("sh -c 'echo started; exec sleep 1000'\r")
        s.expect("\nstarted")  # the shell has given the terminal away by then
        s.send("\x1a")
        s.expect("Stopped")
        s.prompt()
        assert "Stopped" in s.shell("jobs")
        assert "sleep 1000" in s.shell("bg")
        assert "Running" in s.shell("jobs")
        s.send("fg\r")
        s.expect("sleep 1000.?\r\n")
        s.send("\x03")
        s.prompt()
        assert s.shell("jobs") == ""
        s.shell("sleep 0.2 & wait; echo done")
        assert s.shell("cat & sleep 0.3; jobs").count("Stopped") >= 1  # SIGTTIN
        s.shell("kill %1; wait")


def test_pipeline_in_foreground_group(session):
    with session() as s:
        s.prompt()
        s.send("yes | (echo started; exec cat >/dev/null)\r")
        s.expect("\nstarted")
        s.send("\x03")
        s.prompt()
        assert s.shell("ps | grep -c '[y]es'") == "0\n"


def test_vi_edits_and_saves(session):
    with session() as s:
        s.prompt()
        s.shell("cd /tmp; printf 'one\\ntwo\\nthree\\n' >f")
        s.send("vi f\r")
        s.expect("three")
        s.send("jdd")
        s.expect("Delete 1 lines")
        s.send("onew line")
        s.expect("I f ")
        s.send("\x1b")  # what follows at once would belong to an escape sequence
        s.expect("- f .Modified.")
        s.send(":wq\r")
        s.prompt()
        assert s.shell("cat f") == "one\nthree\nnew line\n"


def test_top_refreshes(session):
    with session() as s:
        s.prompt()
        s.send("top -d 1\r")
        s.expect("Mem:.*")
        s.expect("PID  *PPID")
        s.expect("Mem:.*", 20)
        s.send("q")
        s.prompt()
        assert re.search(r"PID +USER|PID", s.shell("ps"))


def test_less_pages(session):
    with session() as s:
        s.prompt()
        s.shell("seq 1 200 >/tmp/n")
        s.send("less /tmp/n\r")
        s.expect("23")
        s.send(" ")
        s.expect("46")
        s.send("G")
        s.expect("200")
        s.send("q")
        s.prompt()


def test_pasted_kilobyte(session):
    with session() as s:
        s.prompt()
        s.shell("stty -echo")
        s.send("cat >/tmp/paste\r")
        lines = ["%04d %s" % (i, "x" * 58) for i in range(16)]
        s.send("".join(line + "\r" for line in lines) + "\x04")
        s.prompt()
        s.shell("stty echo")
        text = s.shell("cat /tmp/paste")
        assert text.split() == " ".join(lines).split(), repr(text)
        assert s.shell("wc -c </tmp/paste").strip() == str(64 * 16)


def test_terminal_size_and_modes(session):
    with session() as s:
        s.prompt()
        s.shell("stty rows 30 cols 100")
        assert s.shell("stty size") == "30 100\n"
        assert "intr = ^C" in s.shell("stty -a")
        s.send("read -s x; echo got $x\r")
        s.expect("\r\n")
        s.send("secret\r")
        assert "got secret" in s.prompt()


def test_mount_dmesg_uptime(session):
    with session() as s:
        s.prompt()
        assert "proc on /proc type proc" in s.shell("mount")
        assert s.shell("dmesg | wc -l").strip() != "0"
        assert "load average" in s.shell("uptime")
        assert "total" in s.shell("free")
        assert "init" in s.shell("ps -o pid,comm | head -3")


def test_poweroff(session):
    with session() as s:
        s.prompt()
        s.send("poweroff\r")
        assert s.ended() == 0


def test_reboot(session):
    with session() as s:
        s.prompt()
        s.send("reboot\r")
        assert s.ended() == 0


def test_logout_gives_new_shell(session):
    with session() as s:
        s.prompt()
        s.send("exit\r")
        s.prompt()
        assert s.shell("echo again") == "again\n"
