/* SPDX-License-Identifier: MIT */
/*
 * Formatted printing: one engine that appends to a strbuf-like sink, and the entry points around
 * it.
 *
 * The engine counts what it would have written in full and stores what fits, so a short buffer
 * costs output, never correctness. It uses no memory but its stack (under 200 bytes), takes no lock
 * and may be called in any context, panic included. Precision limits how far a %s argument is read:
 * %.*s works on text without a NUL.
 */
#include <kernel/compiler.h>
#include <kernel/ctype.h>
#include <kernel/printf.h>
#include <kernel/string.h>

enum {
	F_LEFT = 1,   /* - */
	F_PLUS = 2,   /* + */
	F_SPACE = 4,  /* space */
	F_ALT = 8,    /* # */
	F_ZERO = 16,  /* 0 */
	F_UPPER = 32, /* upper case digits */
	F_SIGNED = 64,
};

/* Widths and precisions are cut to this: sums of them cannot overflow an int. */
#define COUNT_MAX 1000000

enum size_mod { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_LONG };

/* pos may run past end: it counts the full length. */
struct sink {
	char *buf;
	size_t end;
	size_t pos;
};

struct spec {
	unsigned int flags;
	int width;
	int precision; /* -1: none given */
	enum size_mod size;
};

static inline void put(struct sink *s, char c)
{
	if (s->pos < s->end)
		s->buf[s->pos] = c;
	s->pos++;
}

static void put_many(struct sink *s, char c, int n)
{
	for (; n > 0; n--)
		put(s, c);
}

static void put_mem(struct sink *s, const char *p, size_t n)
{
	if (s->pos < s->end)
		memcpy(s->buf + s->pos, p, min(n, s->end - s->pos));
	s->pos += n;
}

static void put_padded(struct sink *s, const struct spec *sp, const char *p, size_t n)
{
	int pad = (int)n < sp->width ? sp->width - (int)n : 0;

	if (!(sp->flags & F_LEFT))
		put_many(s, ' ', pad);
	put_mem(s, p, n);
	if (sp->flags & F_LEFT)
		put_many(s, ' ', pad);
}

/* Digits of v, written backwards so that they end at end; returns where they begin. */
static char *digits(char *end, u64 v, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	if (base == 10) {
		for (; v; v /= 10)
			*--end = (char)('0' + v % 10);
	} else {
		unsigned int shift = base == 16 ? 4 : 3;

		for (; v; v >>= shift)
			*--end = set[v & (base - 1)];
	}
	return end;
}

static void put_number(struct sink *s, const struct spec *sp, u64 v, unsigned int base)
{
	char tmp[24], prefix[3];
	char *end = tmp + sizeof(tmp), *p;
	int nprefix = 0, ndigits, zeros, pad;

	if (sp->flags & F_SIGNED) {
		if ((s64)v < 0) {
			prefix[nprefix++] = '-';
			v = -v;
		} else if (sp->flags & (F_PLUS | F_SPACE)) {
			prefix[nprefix++] = sp->flags & F_PLUS ? '+' : ' ';
		}
	}
	if (base == 16 && (sp->flags & F_ALT) && v) {
		prefix[nprefix++] = '0';
		prefix[nprefix++] = sp->flags & F_UPPER ? 'X' : 'x';
	}
	p = digits(end, v, base, sp->flags & F_UPPER);
	ndigits = (int)(end - p);

	zeros = (sp->precision < 0 ? 1 : sp->precision) - ndigits;
	if (base == 8 && (sp->flags & F_ALT) && zeros <= 0 && (ndigits == 0 || *p != '0'))
		zeros = 1;
	zeros = max(zeros, 0);
	pad = sp->width - nprefix - zeros - ndigits;
	if ((sp->flags & (F_ZERO | F_LEFT)) == F_ZERO && sp->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}

	if (!(sp->flags & F_LEFT))
		put_many(s, ' ', pad);
	put_mem(s, prefix, (size_t)nprefix);
	put_many(s, '0', zeros);
	put_mem(s, p, (size_t)ndigits);
	if (sp->flags & F_LEFT)
		put_many(s, ' ', pad);
}

static void put_string(struct sink *s, const struct spec *sp, const char *str)
{
	if (!str)
		str = "(null)";
	put_padded(s, sp, str,
		   sp->precision < 0 ? strlen(str) : strnlen(str, (size_t)sp->precision));
}

/* After "%p"; returns how many extra format characters it used. */
static size_t put_pointer(struct sink *s, struct spec *sp, const char *fmt, const void *ptr)
{
	char name[160];
	int n;

	if (*fmt == 'S') {
		n = ksym_format(name, sizeof(name), (unsigned long)ptr);
		put_padded(s, sp, name, (size_t)clamp(n, 0, (int)sizeof(name) - 1));
		return 1;
	}
	sp->precision = 16;
	put_number(s, sp, (u64)(unsigned long)ptr, 16);
	return 0;
}

static const char *parse_count(const char *fmt, int *out, va_list *ap)
{
	int n = 0;

	if (*fmt == '*') {
		*out = va_arg(*ap, int);
		return fmt + 1;
	}
	for (; ascii_isdigit(*fmt); fmt++)
		if (n < COUNT_MAX)
			n = n * 10 + (*fmt - '0');
	*out = n;
	return fmt;
}

static const char *parse_flags(const char *fmt, unsigned int *flags)
{
	static const char chars[] = "-+ #0";
	const char *which;

	*flags = 0;
	while (*fmt && (which = strchr(chars, *fmt)) != NULL) {
		*flags |= 1u << (which - chars);
		fmt++;
	}
	return fmt;
}

static const char *parse_size(const char *fmt, enum size_mod *size)
{
	*size = SIZE_INT;
	if (*fmt == 'h') {
		*size = SIZE_SHORT;
		if (*++fmt == 'h') {
			*size = SIZE_CHAR;
			fmt++;
		}
		return fmt;
	}
	/* long, long long, size_t, ptrdiff_t and intmax_t all have 64 bits here */
	while (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j') {
		*size = SIZE_LONG;
		fmt++;
	}
	return fmt;
}

/* Flags, width, precision and size between the % and the conversion letter. */
static const char *parse_spec(const char *fmt, struct spec *sp, va_list *ap)
{
	fmt = parse_flags(fmt, &sp->flags);
	fmt = parse_count(fmt, &sp->width, ap);
	if (sp->width < 0) {
		sp->flags |= F_LEFT;
		sp->width = sp->width < -COUNT_MAX ? COUNT_MAX : -sp->width;
	}
	sp->width = min(sp->width, COUNT_MAX);
	sp->precision = -1;
	if (*fmt == '.') {
		fmt = parse_count(fmt + 1, &sp->precision, ap);
		sp->precision = clamp(sp->precision, -1, COUNT_MAX);
	}
	return parse_size(fmt, &sp->size);
}

static u64 get_signed(enum size_mod size, va_list *ap)
{
	if (size == SIZE_LONG)
		return (u64)va_arg(*ap, long);
	if (size == SIZE_SHORT)
		return (u64)(s64)(short)va_arg(*ap, int);
	if (size == SIZE_CHAR)
		return (u64)(s64)(signed char)va_arg(*ap, int);
	return (u64)(s64)va_arg(*ap, int);
}

static u64 get_unsigned(enum size_mod size, va_list *ap)
{
	if (size == SIZE_LONG)
		return va_arg(*ap, unsigned long);
	if (size == SIZE_SHORT)
		return (unsigned short)va_arg(*ap, unsigned int);
	if (size == SIZE_CHAR)
		return (unsigned char)va_arg(*ap, unsigned int);
	return va_arg(*ap, unsigned int);
}

/* One conversion; fmt stands on its letter. Returns the character after it. */
static const char *convert(struct sink *s, struct spec *sp, const char *fmt, va_list *ap)
{
	char c;

	switch (*fmt) {
	case 'd':
	case 'i':
		sp->flags |= F_SIGNED;
		put_number(s, sp, get_signed(sp->size, ap), 10);
		break;
	case 'u':
		put_number(s, sp, get_unsigned(sp->size, ap), 10);
		break;
	case 'X':
		sp->flags |= F_UPPER;
		fallthrough;
	case 'x':
		put_number(s, sp, get_unsigned(sp->size, ap), 16);
		break;
	case 'o':
		put_number(s, sp, get_unsigned(sp->size, ap), 8);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(s, sp, &c, 1);
		break;
	case 's':
		put_string(s, sp, va_arg(*ap, const char *));
		break;
	case 'p':
		fmt += put_pointer(s, sp, fmt + 1, va_arg(*ap, const void *));
		break;
	case '%':
		put(s, '%');
		break;
	default: /* unknown: show it, so that the mistake is seen */
		put(s, '%');
		if (!*fmt)
			return fmt;
		put(s, *fmt);
	}
	return fmt + 1;
}

static void format(struct sink *s, const char *fmt, va_list *ap)
{
	struct spec sp;

	for (;;) {
		const char *pct = KSTRING(strchrnul)(fmt, '%');

		put_mem(s, fmt, (size_t)(pct - fmt));
		if (!*pct)
			return;
		fmt = parse_spec(pct + 1, &sp, ap);
		fmt = convert(s, &sp, fmt, ap);
	}
}

int KPRINTF(vsnprintf)(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { .buf = buf, .end = size ? size - 1 : 0, .pos = 0 };
	va_list copy;

	va_copy(copy, ap);
	format(&s, fmt, &copy);
	va_end(copy);
	if (size)
		buf[min(s.pos, s.end)] = '\0';
	return (int)min(s.pos, (size_t)INT32_MAX);
}

int KPRINTF(snprintf)(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = KPRINTF(vsnprintf)(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = KPRINTF(vsnprintf)(buf, size, fmt, ap);

	if (!size)
		return 0;
	return (size_t)n < size ? n : (int)(size - 1);
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

__weak int ksym_format(char *buf, size_t size, unsigned long addr)
{
	return scnprintf(buf, size, "0x%lx", addr);
}

void sb_write(struct strbuf *sb, const void *data, size_t n)
{
	size_t room = sb->size > sb->len ? sb->size - sb->len - 1 : 0;

	if (n > room) {
		n = room;
		sb->overflow = true;
	}
	if (!sb->size)
		return;
	memcpy(sb->buf + sb->len, data, n);
	sb->len += n;
	sb->buf[sb->len] = '\0';
}

void sb_putc(struct strbuf *sb, char c)
{
	if (likely(sb->len + 1 < sb->size)) {
		sb->buf[sb->len++] = c;
		sb->buf[sb->len] = '\0';
	} else {
		sb->overflow = true;
	}
}

void sb_puts(struct strbuf *sb, const char *s)
{
	sb_write(sb, s, strlen(s));
}

void sb_vprintf(struct strbuf *sb, const char *fmt, va_list ap)
{
	size_t room = sb->size - sb->len;
	int n = KPRINTF(vsnprintf)(room ? sb->buf + sb->len : NULL, room, fmt, ap);

	if ((size_t)n < room) {
		sb->len += (size_t)n;
	} else {
		if (room)
			sb->len = sb->size - 1;
		sb->overflow = sb->overflow || n > 0;
	}
}

void sb_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sb_vprintf(sb, fmt, ap);
	va_end(ap);
}

void sb_pad(struct strbuf *sb, size_t n)
{
	for (; n; n--)
		sb_putc(sb, ' ');
}

void sb_put_u64(struct strbuf *sb, u64 v)
{
	char tmp[24];
	char *end = tmp + sizeof(tmp), *p = digits(end, v, 10, false);

	if (p == end)
		*--p = '0';
	sb_write(sb, p, (size_t)(end - p));
}

void sb_puts_escaped(struct strbuf *sb, const char *s, const char *esc)
{
	for (; *s; s++) {
		u8 c = (u8)*s;

		if (c < 0x20 || c == 0x7f || c == '\\' || strchr(esc, *s)) {
			sb_putc(sb, '\\');
			sb_putc(sb, (char)('0' + (c >> 6)));
			sb_putc(sb, (char)('0' + ((c >> 3) & 7)));
			sb_putc(sb, (char)('0' + (c & 7)));
		} else {
			sb_putc(sb, *s);
		}
	}
}
