/* SPDX-License-Identifier: MIT */
/* Bounds of the kernel image, from the linker script; all page aligned.
 *   text       read + execute
 *   rodata     read only (constants, linker tables, function names, exception table)
 *   ro_after_init  writable until arch_ro_after_init
 *   init       text and data of boot, freed by arch_ro_after_init
 *   the rest   (data, per-CPU template, bss, boot page tables) read + write */
#ifndef ARCH_SECTIONS_H
#define ARCH_SECTIONS_H

extern char __image_start[], __image_end[]; /* all of it, bss included */
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __ro_after_init_start[], __ro_after_init_end[];
extern char __init_text_start[], __init_text_end[];
extern char __init_start[], __init_end[]; /* init text first, then init data */

#endif
