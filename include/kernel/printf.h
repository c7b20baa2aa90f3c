/* SPDX-License-Identifier: MIT */
/*
 * Formatted printing into memory: %d %i %u %x %X %o %c %s %p %% with flags "-+ #0", width,
 * precision (both may be *) and sizes hh h l ll z t j. Kernel extensions after %p:
 *	%p	16 hex digits
 *	%pS	"symbol+0xoff/0xsize", through ksym_format()
 * No floating point, no %n. Anything else is copied to the output as it stands.
 */
#ifndef KERNEL_PRINTF_H
#define KERNEL_PRINTF_H

#include <kernel/types.h>
#include <stdarg.h>

#ifdef KEELSON_HOST
#include <stdio.h>
#define KPRINTF(name) keelson_##name
#else
#define KPRINTF(name) name
#endif

#define KPRINTF_CHECK(fmt, args) __attribute__((format(printf, fmt, args)))

/* As C's: NUL-terminated when size > 0; return the length the whole text would have. */
int KPRINTF(vsnprintf)(char *buf, size_t size, const char *fmt, va_list ap) KPRINTF_CHECK(3, 0);
int KPRINTF(snprintf)(char *buf, size_t size, const char *fmt, ...) KPRINTF_CHECK(3, 4);

/*
 * As snprintf(), but return the length really stored (without the NUL): safe for buf + len
 * arithmetic.
 */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap) KPRINTF_CHECK(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) KPRINTF_CHECK(3, 4);

/*
 * Name of a kernel address for %pS; returns the length written (cut to size - 1, NUL-terminated).
 * The weak default prints the number; the symbol table brings its own.
 */
int ksym_format(char *buf, size_t size, unsigned long addr);

/*
 * A text buffer that is appended to. len counts what is stored (always NUL-terminated when size >
 * 0); overflow is set once something did not fit, and what fitted is kept.
 */
struct strbuf {
	char *buf;
	size_t size;
	size_t len;
	bool overflow;
};

static inline void sb_init(struct strbuf *sb, char *buf, size_t size)
{
	sb->buf = buf;
	sb->size = size;
	sb->len = 0;
	sb->overflow = false;
	if (size)
		buf[0] = '\0';
}

void sb_putc(struct strbuf *sb, char c);
void sb_puts(struct strbuf *sb, const char *s);
void sb_write(struct strbuf *sb, const void *data, size_t n);
void sb_printf(struct strbuf *sb, const char *fmt, ...) KPRINTF_CHECK(2, 3);
void sb_vprintf(struct strbuf *sb, const char *fmt, va_list ap) KPRINTF_CHECK(2, 0);
/* Append n spaces. */
void sb_pad(struct strbuf *sb, size_t n);
/*
 * Append s with each byte of esc, backslash and control characters as \ooo (the form of
 * /proc/mounts).
 */
void sb_puts_escaped(struct strbuf *sb, const char *s, const char *esc);
/* Append v in decimal: the fast way for /proc files of many numbers. */
void sb_put_u64(struct strbuf *sb, u64 v);

#endif
