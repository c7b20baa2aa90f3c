/* SPDX-License-Identifier: MIT */
/* Inside the boot code: the memory map being built, and the two loaders' parsers. */
#ifndef ASM_BOOTPARSE_H
#define ASM_BOOTPARSE_H

#include <kernel/types.h>

/* The early direct map ends here; what loaders hand over must lie below. */
#define BOOT_MAP_LIMIT 0x100000000ull

/* Notes one range of the loader's map. Ignores what does not fit. */
void memmap_add(u64 base, u64 size, u32 type);
/* After the last memmap_add: RAM becomes page aligned, without overlaps, without other types. */
void memmap_normalise(void);
/* Takes size bytes (aligned, a power of two of at least a page) of RAM below limit, away from the
 * image and the modules, as high as possible. Physical address, or 0. Not after mm_init_early. */
u64 memmap_carve(u64 size, u64 align, u64 limit);

/* Loader text of at most `max` bytes at a physical address -> dst, always NUL-terminated. */
void boot_copy_text(char *dst, size_t size, u64 phys, u64 max);

void boot_main(u32 magic, u32 info);
void kernel_main(void) __attribute__((noreturn)); /* src/init/main.c */

#endif
