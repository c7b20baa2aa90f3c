/* SPDX-License-Identifier: MIT */
/* Process 1 of the boot figures: its first act is to write the time stamp counter to the console.
 * Under `qemu -icount shift=0` that is the number of instructions since reset. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	unsigned long long tsc = __builtin_ia32_rdtsc();
	char text[64];
	int fd = 1;

	snprintf(text, sizeof(text), "\n@first %llu\n", tsc);
	if (write(fd, text, strlen(text)) < 0) {
		fd = open("/dev/console", O_WRONLY);
		if (fd < 0 || write(fd, text, strlen(text)) < 0)
			return 1;
	}
	for (;;)
		pause();
}
