/* SPDX-License-Identifier: MIT */
/* Arguments and environment of exec, gathered in kernel memory while the old address space is still
 * there. Limits as on Linux: 128 KiB a string, and all strings and pointers together a quarter of
 * the stack limit (at least 128 KiB, at most 6 MiB). */
#include "exec_internal.h"

#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define STRING_MAX 131072u /* with NUL */
#define TOTAL_MIN 131072u
#define TOTAL_MAX (8u << 20) / 4 * 3
#define FIRST_SIZE 1024

static size_t total_limit(void)
{
	u64 quarter = rlimit_cur(current, RLIMIT_STACK) / 4;

	return max((size_t)min(quarter, (u64)TOTAL_MAX), (size_t)TOTAL_MIN);
}

static int grow(struct exec_strings *s, size_t size)
{
	char *buf = kvmalloc(size, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (s->len)
		memcpy(buf, s->buf, s->len);
	kvfree(s->buf);
	s->buf = buf;
	s->size = size;
	return 0;
}

/* Room for n more bytes. */
static int reserve(struct exec_strings *s, size_t n)
{
	size_t size = s->size ? s->size : FIRST_SIZE;

	while (size - s->len < n)
		size *= 2;
	return size == s->size ? 0 : grow(s, size);
}

static bool too_much(const struct exec *x)
{
	return x->args.len + x->envs.len > total_limit();
}

static int add_from_user(struct exec_strings *s, struct user_ptr str)
{
	ssize_t n;
	int rc;

	for (;;) {
		size_t room = min(s->size - s->len, (size_t)STRING_MAX);

		if (room) {
			n = strncpy_from_user(s->buf + s->len, str, room);
			if (n >= 0)
				break;
			if (n != -ENAMETOOLONG)
				return (int)n;
			if (room == STRING_MAX)
				return -E2BIG;
		}
		rc = grow(s, s->size ? s->size * 2 : FIRST_SIZE);
		if (rc)
			return rc;
	}
	s->len += (size_t)n + 1;
	s->count++;
	return 0;
}

/* array NULL: no strings. */
int strings_from_user(struct exec *x, struct exec_strings *s, struct user_ptr array)
{
	u64 str;
	int rc;

	if (user_ptr_is_null(array))
		return 0;
	for (;; array.addr += sizeof(u64)) {
		if (get_user_u64(&str, array))
			return -EFAULT;
		if (!str)
			return 0;
		rc = add_from_user(s, USER_PTR(str));
		if (rc)
			return rc;
		if (too_much(x))
			return -E2BIG;
		if (fatal_signal_pending())
			return -ERESTARTNOHAND;
	}
}

int strings_append(struct exec *x, struct exec_strings *s, const char *text)
{
	size_t n = strlen(text) + 1;
	int rc = reserve(s, n);

	if (rc)
		return rc;
	memcpy(s->buf + s->len, text, n);
	s->len += n;
	s->count++;
	return too_much(x) ? -E2BIG : 0;
}

int strings_from_kernel(struct exec *x, struct exec_strings *s, const char *const *array)
{
	int rc = 0;

	for (; !rc && *array; array++)
		rc = strings_append(x, s, *array);
	return rc;
}

int strings_replace_first(struct exec *x, struct exec_strings *s, const char *const *text,
			  unsigned int n)
{
	size_t old = strlen(s->buf) + 1, new = 0, rest = s->len - old;
	char *p;
	int rc;

	for (unsigned int i = 0; i < n; i++)
		new += strlen(text[i]) + 1;
	rc = reserve(s, new);
	if (rc)
		return rc;
	memmove(s->buf + new, s->buf + old, rest);
	p = s->buf;
	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(text[i]) + 1;

		memcpy(p, text[i], len);
		p += len;
	}
	s->len = new + rest;
	s->count += n - 1;
	return too_much(x) ? -E2BIG : 0;
}

/* With the pointers and the file name. */
int exec_args_check(const struct exec *x)
{
	size_t limit = total_limit();
	size_t ptrs = ((size_t)max(x->args.count, 1u) + x->envs.count) * sizeof(u64);

	if (limit <= ptrs)
		return -E2BIG;
	if (x->args.len + x->envs.len + strlen(x->filename) + 1 > limit - ptrs)
		return -E2BIG;
	return 0;
}

void exec_strings_free(struct exec_strings *s)
{
	kvfree(s->buf);
}
