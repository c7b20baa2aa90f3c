/* SPDX-License-Identifier: MIT */
/* Supervisor-mode access prevention. The instructions are assembled as three-byte no-ops and become
 * STAC and CLAC at boot when the CPU knows them (cpu/cpuid.c), so that no site tests for it. */
#ifndef ASM_SMAP_H
#define ASM_SMAP_H

#ifdef __ASSEMBLY__
.macro SMAP_SITE kind
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a", @progbits
	.quad 771b
	.quad \kind
	.popsection
.endm
/* User memory may not be touched from here on. */
.macro ASM_CLAC
	SMAP_SITE 0xca
.endm
.macro ASM_STAC
	SMAP_SITE 0xcb
.endm
#else
#define SMAP_SITE(kind)                                                                            \
	"771: .byte 0x0f, 0x1f, 0x00\n"                                                            \
	".pushsection .smap_sites, \"a\", @progbits\n"                                             \
	".quad 771b\n.quad " #kind "\n"                                                            \
	".popsection\n"

static inline void smap_clac(void)
{
	__asm__ volatile(SMAP_SITE(0xca)::: "memory");
}
static inline void smap_stac(void)
{
	__asm__ volatile(SMAP_SITE(0xcb)::: "memory");
}
#endif
#endif
