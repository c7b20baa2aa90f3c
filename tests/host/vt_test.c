/* LINK: drivers/video/vt_emul.c src/lib/utf8.c src/lib/string.c */
/* SPDX-License-Identifier: MIT */
/* The terminal emulator: sequences of vt100 and TERM=linux, and random bytes. */
#include "../../drivers/video/vt_emul.h"
#include "test.h"

#define COLS 10
#define ROWS 4

static struct vt_emul vt;
static vt_cell cells[COLS * ROWS];

static void reset(void)
{
	vt_emul_init(&vt, cells, COLS, ROWS);
}
static void out(const char *s)
{
	vt_emul_write(&vt, (const u8 *)s, strlen(s));
}
/* The screen as text: rows joined by |, trailing blanks cut, other characters as ?. */
static const char *text(void)
{
	static char buf[COLS * ROWS * 2];
	size_t n = 0;

	for (unsigned int y = 0; y < ROWS; y++) {
		size_t end;

		if (y)
			buf[n++] = '|';
		end = n;
		for (unsigned int x = 0; x < COLS; x++) {
			u32 c = CELL_CHAR(cells[y * COLS + x]);

			buf[n++] = c < 0x7f ? (char)c : '?';
			if (c != ' ')
				end = n;
		}
		n = end;
	}
	buf[n] = '\0';
	return buf;
}
static vt_cell cell(unsigned int x, unsigned int y)
{
	return cells[y * COLS + x];
}
#define AT(cx, cy) CHECK(vt.x == (cx) && vt.y == (cy))

TEST(plain_text)
{
	reset();
	out("hi\r\nthere");
	CHECK_STR(text(), "hi|there||");
	AT(5, 1);
	out("\n!");
	CHECK_STR(text(), "hi|there|     !|");
}

TEST(scrolling)
{
	reset();
	out("1\r\n2\r\n3\r\n4\r\n5");
	CHECK_STR(text(), "2|3|4|5");
	out("\033[H\033M0");
	CHECK_STR(text(), "0|2|3|4");
}

TEST(wrapping)
{
	reset();
	out("0123456789");
	AT(9, 0);
	out("a");
	CHECK_STR(text(), "0123456789|a||");
	AT(1, 1);
	reset(); /* a carriage return in the last column stays on the line */
	out("0123456789\r\nx");
	CHECK_STR(text(), "0123456789|x||");
	reset();
	out("\033[?7l0123456789ab");
	CHECK_STR(text(), "012345678b|||");
	reset(); /* moving forgets the wrap */
	out("0123456789\033[Dx");
	CHECK_STR(text(), "01234567x9|||");
}

TEST(cursor_movement)
{
	reset();
	out("\033[3;4H");
	AT(3, 2);
	out("\033[A\033[2C");
	AT(5, 1);
	out("\033[99B\033[99C");
	AT(9, 3);
	out("\033[99D\033[99A");
	AT(0, 0);
	out("\033[5G\033[2d");
	AT(4, 1);
	out("\033[E");
	AT(0, 2);
	out("\033[4C\033[F");
	AT(0, 1);
	out("\033[H");
	AT(0, 0);
	out("\033[0;0H");
	AT(0, 0);
	out("\033[99;99H");
	AT(9, 3);
	out("\b\b");
	AT(7, 3);
	out("\r\t");
	AT(8, 3);
	out("\t");
	AT(9, 3);
	out("\033[Z");
	AT(8, 3);
}

TEST(erasing)
{
	reset();
	out("aaaa\r\nbbbb\r\ncccc\033[2;3H\033[K");
	CHECK_STR(text(), "aaaa|bb|cccc|");
	out("\033[1K");
	CHECK_STR(text(), "aaaa||cccc|");
	out("\033[1J");
	CHECK_STR(text(), "||cccc|");
	out("\033[3;2H\033[J");
	CHECK_STR(text(), "||c|");
	out("\033[2J");
	CHECK_STR(text(), "|||");
	reset(); /* with the background colour */
	out("\033[44m\033[2J");
	CHECK(CELL_BG(cell(3, 3)) == 4);
	reset();
	out("abcdef\033[1;2H\033[3X");
	CHECK_STR(text(), "a   ef|||");
}

TEST(insert_and_delete)
{
	reset();
	out("abcdef\033[1;3H\033[2@");
	CHECK_STR(text(), "ab  cdef|||");
	out("\033[3P");
	CHECK_STR(text(), "abdef|||");
	out("\033[4hXY\033[4lZ");
	CHECK_STR(text(), "abXYZef|||");
	reset();
	out("1\r\n2\r\n3\r\n4\033[2;1H\033[L");
	CHECK_STR(text(), "1||2|3");
	out("\033[2M");
	CHECK_STR(text(), "1|3||");
	out("\033[999999999L\033[99999M\033[99999P\033[99999@");
	CHECK_STR(text(), "1|||");
}

TEST(scroll_region)
{
	reset();
	out("1\r\n2\r\n3\r\n4\033[2;3r");
	AT(0, 0);
	out("\033[3;1H\n");
	CHECK_STR(text(), "1|3||4");
	out("\033[2;1H\033M");
	CHECK_STR(text(), "1||3|4");
	out("\033[S");
	CHECK_STR(text(), "1|3||4");
	out("\033[T\033[T");
	CHECK_STR(text(), "1|||4");
	out("\033[4;1H\n\n");
	AT(0, 3);
	CHECK_STR(text(), "1|||4");
	out("\033[?6h");
	AT(0, 1);
	out("\033[9;1H");
	AT(0, 2);
	out("\033[6n");
	CHECK(vt.nreply == 6);
	CHECK_MEM(vt.reply, "\033[2;1R", 6);
	out("\033[?6l\033[r\033[4;1H\n");
	CHECK_STR(text(), "||4|");
	out("\033[3;2r"); /* nonsense is ignored */
	CHECK(vt.top == 0 && vt.bottom == ROWS);
}

TEST(colors)
{
	reset();
	out("\033[31;42mx");
	CHECK(CELL_FG(cell(0, 0)) == 1 && CELL_BG(cell(0, 0)) == 2);
	out("\033[1mx\033[7mx\033[27;22m\033[4mx\033[mx");
	CHECK(CELL_FG(cell(1, 0)) == 9);
	CHECK(CELL_FG(cell(2, 0)) == 2 && CELL_BG(cell(2, 0)) == 9);
	CHECK(cell(3, 0) & CELL_UNDERLINE);
	CHECK(cell(4, 0) == CELL('x', 7, 0));
	out("\033[95mx\033[39mx");
	CHECK(CELL_FG(cell(5, 0)) == 13 && CELL_FG(cell(6, 0)) == 7);
	out("\033[38;5;196mx\033[38;5;4;4mx\033[0;48;2;0;0;255mx");
	CHECK(CELL_FG(cell(7, 0)) == 9);
	CHECK(CELL_FG(cell(8, 0)) == 4 && (cell(8, 0) & CELL_UNDERLINE));
	CHECK(CELL_BG(cell(9, 0)) == 12);
	out("\033[38mx\033[38;5mx\033[38;2;1mx\033[48;5;m"); /* cut short */
}

TEST(save_and_restore)
{
	reset();
	out("\033[2;3H\033[31m\0337\033[m\033[H\0338x");
	CHECK(CELL_FG(cell(2, 1)) == 1);
	out("\033[s\033[4;4H\033[u");
	AT(3, 1);
}

TEST(line_drawing_and_utf8)
{
	reset();
	out("\033(0lqk\033(Bl");
	CHECK(CELL_CHAR(cell(0, 0)) == 0x250c && CELL_CHAR(cell(1, 0)) == 0x2500);
	CHECK(CELL_CHAR(cell(3, 0)) == 'l');
	out("\x0eq\x0fq");
	CHECK(CELL_CHAR(cell(4, 0)) == 0x2500 && CELL_CHAR(cell(5, 0)) == 'q');
	reset();
	out("\xc3\xa9\xe2\x82\xac" "e\xcc\x81!");
	CHECK(CELL_CHAR(cell(0, 0)) == 0xe9 && CELL_CHAR(cell(1, 0)) == 0x20ac);
	CHECK(CELL_CHAR(cell(2, 0)) == 'e' && CELL_CHAR(cell(3, 0)) == '!');
	out("\xff\xc3\r\n");
	CHECK(CELL_CHAR(cell(4, 0)) == 0xfffd && CELL_CHAR(cell(5, 0)) == 0xfffd);
	AT(0, 1);
	out("\xe4\xb8\xad.");
	AT(3, 1);
}

TEST(replies)
{
	reset();
	out("\033[c\033[5n");
	CHECK(vt.nreply == 9);
	CHECK_MEM(vt.reply, "\033[?6c\033[0n", 9);
	for (int i = 0; i < 100; i++)
		out("\033[6n");
	CHECK(vt.nreply <= VT_REPLY_MAX);
}

TEST(modes)
{
	reset();
	out("\033[?1h\033=");
	CHECK(vt.app_cursor && vt.app_keypad);
	out("\033[?1;25l\033>");
	CHECK(!vt.app_cursor && !vt.app_keypad && !vt.cursor_visible);
	out("\033[?5h");
	CHECK(CELL_BG(cell(0, 0)) == 7);
	out("\033c");
	CHECK(vt.cursor_visible && CELL_BG(cell(0, 0)) == 0);
	out("\033[20ha\nb");
	CHECK_STR(text(), "a|b||");
}

TEST(ignored)
{
	reset();
	out("a\033]0;a title\007b\033]2;x\033\\c\033P1$tq\033\\d\033[?1049h\033[>1;2ce");
	out("\033]P0123456f\033]Rg");
	CHECK_STR(text(), "abcdefg|||");
	out("\033[1;2\x18h\033[\x1b[1;9Hi\033[[Aj");
	out("\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18mk");
	CHECK_STR(text(), "abcdefghij|k||");
}

TEST(control_inside_sequence)
{
	reset();
	out("abc\033[\r2CX");
	CHECK_STR(text(), "abX|||");
}

TEST(tabs)
{
	reset();
	out("\033[3g\033[1;4H\033H\r\tx");
	CHECK_STR(text(), "   x|||");
	out("\033[1;4H\033[g\r\ty");
	AT(9, 0);
}

TEST(repeat)
{
	reset();
	out("-\033[4b");
	CHECK_STR(text(), "-----|||");
	out("\033[999999b");
}

TEST(dirty_rows)
{
	reset();
	vt.dirty_top = ROWS;
	vt.dirty_bottom = 0;
	CHECK(!vt_emul_dirty(&vt));
	out("\033[3;1Hx");
	CHECK(vt.dirty_top == 0 && vt.dirty_bottom == 3);
}

TEST(random_bytes)
{
	static const char bytes[] = "\033[;0123456789?HJKLMPX@rABCDmhlsu78()#%";

	reset();
	for (unsigned int i = 0; i < 300000 * test_rounds; i++) {
		u8 b[12];
		size_t n = test_below(sizeof(b));

		for (size_t k = 0; k < n; k++)
			b[k] = test_below(3) ? (u8)bytes[test_below(38)] : (u8)test_rand();
		vt_emul_write(&vt, b, n);
		REQUIRE(vt.x < COLS && vt.y < ROWS && vt.top < vt.bottom && vt.bottom <= ROWS);
		vt.nreply = 0;
	}
}
