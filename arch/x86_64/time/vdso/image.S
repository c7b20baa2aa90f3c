/* SPDX-License-Identifier: MIT */
/* The linked vDSO, as pages of the kernel image that processes map. */
	.section .rodata.vdso, "a", @progbits
	.balign 4096
	.globl vdso_start, vdso_end
vdso_start:
	.incbin "arch/x86_64/time/vdso/linux-vdso.so"
	.balign 4096
vdso_end:
	.section .note.GNU-stack, "", @progbits
