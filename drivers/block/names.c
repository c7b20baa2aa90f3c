/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <kernel/printf.h>

void disk_letter_name(char *buf, size_t size, const char *prefix, unsigned int index)
{
	char letters[8];
	unsigned int at = sizeof(letters) - 1;

	letters[at] = '\0';
	/* Counting with digits a to z and no zero: after z comes aa. */
	for (unsigned int n = index + 1; n && at; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	scnprintf(buf, size, "%s%s", prefix, &letters[at]);
}
