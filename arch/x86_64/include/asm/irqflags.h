/* SPDX-License-Identifier: MIT */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

#define RFLAGS_IF 0x200ull

static inline irqflags_t irq_flags(void)
{
	irqflags_t f;

	__asm__ volatile("pushfq; popq %0" : "=r"(f)::"memory");
	return f;
}
static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}
static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}
static inline irqflags_t irq_save(void)
{
	irqflags_t f = irq_flags();

	irq_disable();
	return f;
}
static inline void irq_restore(irqflags_t f)
{
	if (f & RFLAGS_IF)
		irq_enable();
	else
		__asm__ volatile("" ::: "memory");
}
static inline bool irqs_disabled(void)
{
	return !(irq_flags() & RFLAGS_IF);
}

#endif
