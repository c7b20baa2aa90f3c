/* SPDX-License-Identifier: MIT */
/* The interrupt descriptor table: one for all CPUs, one stub for each vector (irq/vectors.S). All
 * are interrupt gates, so that every entry starts with interrupts off. Only INT3 and INTO may be
 * raised by user code with an INT instruction; any other INT n is a general protection fault there.
 * */
#include <asm/cpu.h>
#include <asm/segment.h>
#include <asm/traps.h>
#include <kernel/compiler.h>

struct gate {
	u16 offset0, selector;
	u8 ist, type;
	u16 offset1;
	u32 offset2, reserved;
};

#define GATE_KERNEL 0x8e
#define GATE_USER 0xee
#define STUB_SIZE 16

static struct gate idt[256] __aligned(4096) __ro_after_init;
extern char vector_stubs[];

void idt_init(void)
{
	static const u8 ist_of[VEC_EXCEPTIONS] = {
		[VEC_NMI] = IST_NMI + 1, [VEC_DF] = IST_DF + 1, [VEC_MC] = IST_MC + 1
	};

	for (unsigned int v = 0; v < 256; v++) {
		u64 stub = (u64)vector_stubs + v * STUB_SIZE;

		idt[v] = (struct gate){
			.offset0 = (u16)stub,
			.offset1 = (u16)(stub >> 16),
			.offset2 = (u32)(stub >> 32),
			.selector = KERNEL_CS,
			.ist = v < VEC_EXCEPTIONS ? ist_of[v] : 0,
			.type = v == VEC_BP || v == VEC_OF ? GATE_USER : GATE_KERNEL,
		};
	}
}

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed ptr = { sizeof(idt) - 1, (u64)idt };

	__asm__ volatile("lidt %0" ::"m"(ptr));
}
