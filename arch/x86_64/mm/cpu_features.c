/* SPDX-License-Identifier: MIT */
#include <kernel/compiler.h>

#include "cpu_features.h"

struct mm_features mm_features __ro_after_init;

struct cpuid_regs {
	u32 a, b, c, d;
};

static struct cpuid_regs cpuid(u32 leaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(0));
	return r;
}

void __init mm_features_probe(void)
{
	struct cpuid_regs r = cpuid(0);
	u32 max = r.a;

	r = cpuid(1);
	mm_features.pcid = r.c >> 17 & 1;
	if (r.c >> 31 & 1) {
		r = cpuid(0x40000000);
		/* "TCGTCGTCGTCG" */
		mm_features.emulated = r.b == 0x54474354 && r.c == 0x43544743 && r.d == 0x47435447;
	}
	if (max >= 7) {
		r = cpuid(7);
		mm_features.smep = r.b >> 7 & 1;
		mm_features.smap = r.b >> 20 & 1;
		mm_features.fast_string = (r.b >> 9 & 1) && !mm_features.emulated;
	}
	if (cpuid(0x80000000).a >= 0x80000001)
		mm_features.page_1g = cpuid(0x80000001).d >> 26 & 1;
}
