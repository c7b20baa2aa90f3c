/* SPDX-License-Identifier: MIT */
#include <kernel/ktest.h>
#include <kernel/string.h>

#include "init_internal.h"

static bool word_is(const struct cmdline_word *w, const char *name, const char *value)
{
	return w->name_len == strlen(name) && memcmp(w->name, name, w->name_len) == 0 &&
	       w->value_len == strlen(value) && memcmp(w->value, value, w->value_len) == 0;
}

KTEST(cmdline_words)
{
	const char *at = "  quiet a=1\tb=\"x y\" c= =d e=f=g \"q r";
	struct cmdline_word w;

	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "quiet", "") && w.bare);
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "a", "1") && !w.bare);
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "b", "x y"));
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "c", "") && !w.bare);
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "", "d"));
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "e", "f=g"));
	KTEST_EXPECT(cmdline_next(&at, &w) && word_is(&w, "\"q r", ""));
	KTEST_EXPECT(!cmdline_next(&at, &w));
}
