/* SPDX-License-Identifier: MIT */
/* In-kernel self-tests: KTEST(name) { ... KTEST_EXPECT(cond); } next to the code or in src/.../test
 * files, built with CONFIG_KTEST, run at boot by ktest=all or ktest=prefix, in a kthread. */
#ifndef KERNEL_KTEST_H
#define KERNEL_KTEST_H

#include <kernel/table.h>
#include <kernel/types.h>

struct ktest_result {
	const char *failed; /* first failed expression */
	const char *file;
	int line;
};
struct ktest {
	const char *name;
	void (*fn)(struct ktest_result *res);
};

#define KTEST(id)                                                                                  \
	static void ktest_fn_##id(struct ktest_result *ktest_res);                                 \
	TABLE_ENTRY(ktests, struct ktest, id) = { .name = #id, .fn = ktest_fn_##id };              \
	static void ktest_fn_##id(struct ktest_result *ktest_res)

#define KTEST_EXPECT(c)                                                                            \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			*ktest_res = (struct ktest_result){ #c, __FILE__, __LINE__ };              \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#endif
