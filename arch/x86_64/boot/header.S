/* SPDX-License-Identifier: MIT */
/* What boot loaders look for: the Multiboot2 header (GRUB, BIOS and UEFI) and the PVH note (QEMU's
 * -kernel and microVM monitors). Both enter in 32-bit protected mode without paging, at an entry of
 * their own in entry64.S. */
#define PHYS(sym) ((sym) - 0xffffffff80000000)

	.section .boot.header, "a", @progbits
	.balign 8
header:
	.long 0xe85250d6			/* magic */
	.long 0					/* architecture: i386 */
	.long header_end - header
	.long -(0xe85250d6 + (header_end - header))

	/* Information we can use: command line 1, modules 3, memory map 6, framebuffer 8, RSDP 14
	 * 15.
	 * Optional: a loader that lacks one still starts us. */
	.balign 8
	.short 1, 1
	.long 8 + 6 * 4
	.long 1, 3, 6, 8, 14, 15

	.balign 8
	.short 3, 0				/* entry point, physical */
	.long 12
	.long PHYS(multiboot_entry)

	.balign 8
	.short 5, 1				/* framebuffer wanted, not required */
	.long 20
	.long 1024, 768, 32

	.balign 8
	.short 6, 0				/* modules on page boundaries */
	.long 8

	.balign 8
	.short 0, 0				/* end */
	.long 8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long 4					/* name */
	.long 8					/* value */
	.long 18				/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYS(pvh_entry)

	.section .note.GNU-stack, "", @progbits
