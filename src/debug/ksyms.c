/* SPDX-License-Identifier: MIT */
/* Names of kernel functions, from the table that scripts/gen_ksyms.py puts into the image. */
#include <arch/ops.h>
#include <kernel/printf.h>
#include <kernel/string.h>

#define NAMES_PER_MARK 16

extern const u64 ksyms_base;
extern const u32 ksyms_count, ksyms_offsets[], ksyms_marks[];
extern const char ksyms_names[];
extern char __text_start[], __text_end[], __init_text_start[], __init_text_end[];

static bool in_code(u64 addr)
{
	return (addr >= (u64)__text_start && addr < (u64)__text_end) ||
	       (addr >= (u64)__init_text_start && addr < (u64)__init_text_end);
}

/* Index of the last function that starts at or before addr; false: none. */
static bool find(u64 addr, u32 *index)
{
	u32 lo = 0, hi = ksyms_count;

	if (!in_code(addr) || hi == 0 || addr < ksyms_base)
		return false;
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (ksyms_base + ksyms_offsets[mid] <= addr)
			lo = mid;
		else
			hi = mid;
	}
	*index = lo;
	return true;
}

bool ksym_lookup(u64 addr, char *buf, size_t size)
{
	const char *name;
	u64 start, end;
	u32 i;

	if (!find(addr, &i))
		return false;
	name = ksyms_names + ksyms_marks[i / NAMES_PER_MARK];
	for (u32 k = i % NAMES_PER_MARK; k; k--)
		name += strlen(name) + 1;
	start = ksyms_base + ksyms_offsets[i];
	end = i + 1 < ksyms_count ? ksyms_base + ksyms_offsets[i + 1] : (u64)__init_text_end;
	scnprintf(buf, size, "%s+0x%llx/0x%llx", name, (unsigned long long)(addr - start),
		  (unsigned long long)(end - start));
	return true;
}

/* For %pS of the formatted printing. */
int ksym_format(char *buf, size_t size, unsigned long addr)
{
	if (!ksym_lookup(addr, buf, size))
		scnprintf(buf, size, "0x%lx", addr);
	return (int)strlen(buf);
}
