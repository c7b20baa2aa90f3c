/* SPDX-License-Identifier: MIT */
/* Vector and floating-point state.
 *
 * Owns:      the XSAVE area of every user thread (thread.fpu), in the standard format, whose layout
 *            a signal frame shares. Kernel code never touches these registers.
 * Switching: eager. A switch away from a user thread saves its registers; a switch to one loads
 *            them, unless this CPU's registers still hold that thread's state (it ran here last and
 *            only kernel threads ran since): fpu_owner of the CPU and thread.fpu_cpu must both
 *            agree.
 * Invariant: whatever is in an area can be loaded without a fault. What user code supplies is
 *            checked before (fpu_restore_user).
 * Context:   interrupts or preemption off round every pair of register and fpu_owner changes. */
#include <arch/irqflags.h>
#include <arch/thread.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <kernel/assert.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define XF_X87 1ull
#define XF_SSE 2ull
#define XF_AVX 4ull
#define XF_AVX512 0xe0ull
#define MXCSR_INIT 0x1f80u
#define FCW_INIT 0x37fu
#define NO_CPU (~0u)

u32 fpu_area_size __ro_after_init = 512;
u64 fpu_features __ro_after_init;
static u32 mxcsr_mask __ro_after_init;
static struct kmem_cache *fpu_cache __ro_after_init;
static DEFINE_PER_CPU(struct task *, fpu_owner);

static inline void area_save(void *area)
{
	u32 lo = (u32)fpu_features, hi = (u32)(fpu_features >> 32);

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
	else if (fpu_features)
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}
/* Writes every component, also those in their initial state. */
static inline void area_save_full(void *area)
{
	u32 lo = (u32)fpu_features, hi = (u32)(fpu_features >> 32);

	if (fpu_features)
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}
static inline void area_load(const void *area)
{
	u32 lo = (u32)fpu_features, hi = (u32)(fpu_features >> 32);

	if (fpu_features)
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

static void area_reset(struct xsave_area *a)
{
	memset(a, 0, fpu_area_size);
	a->fx.fcw = FCW_INIT;
	a->fx.mxcsr = MXCSR_INIT;
	a->fx.mxcsr_mask = mxcsr_mask;
}

void fpu_init_this(void)
{
	const u64 known = XF_X87 | XF_SSE | XF_AVX | XF_AVX512;
	struct cpuid_regs r;
	u64 mask;

	__asm__ volatile("fninit");
	if (!cpu_features.xsave)
		return;
	r = cpuid(0xd, 0);
	mask = (((u64)r.edx << 32) | r.eax) & known;
	if (!(mask & XF_AVX) || (mask & XF_AVX512) != XF_AVX512)
		mask &= ~XF_AVX512;
	__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)mask), "d"((u32)(mask >> 32)));
	if (cpu_id() == 0) {
		fpu_features = mask;
		fpu_area_size = cpuid(0xd, 0).ebx;
	}
}

void fpu_init(void)
{
	static struct fxregs probe __aligned(64);

	__asm__ volatile("fxsave64 %0" : "=m"(probe));
	mxcsr_mask = probe.mxcsr_mask ? probe.mxcsr_mask : 0xffbf;
	fpu_cache = kmem_cache_create("fpu", fpu_area_size, 64, 0, NULL);
	if (!fpu_cache)
		panic("fpu: no memory for the cache");
}

int fpu_alloc(struct task *t)
{
	void *area = kmem_cache_alloc(fpu_cache, GFP_KERNEL);

	if (!area)
		return -ENOMEM;
	area_reset(area);
	t->thread.fpu = area;
	t->thread.fpu_cpu = NO_CPU;
	return 0;
}

void fpu_free(struct task *t)
{
	if (t->thread.fpu)
		kmem_cache_free(fpu_cache, t->thread.fpu);
	t->thread.fpu = NULL;
}

void fpu_copy_current(struct task *child)
{
	irqflags_t f;

	if (!current->thread.fpu)
		return;
	f = irq_save();
	area_save_full(child->thread.fpu);
	irq_restore(f);
}

void fpu_reset_current(void)
{
	irqflags_t f = irq_save();

	area_reset(current->thread.fpu);
	area_load(current->thread.fpu);
	this_cpu(fpu_owner) = current;
	current->thread.fpu_cpu = cpu_id();
	irq_restore(f);
}

void fpu_switch(struct task *prev, struct task *next)
{
	if (prev->thread.fpu)
		area_save(prev->thread.fpu);
	if (!next->thread.fpu)
		return;
	if (this_cpu(fpu_owner) == next && next->thread.fpu_cpu == cpu_id())
		return;
	area_load(next->thread.fpu);
	this_cpu(fpu_owner) = next;
	next->thread.fpu_cpu = cpu_id();
}

struct xsave_area *fpu_sync_current(void)
{
	irqflags_t f = irq_save();

	area_save_full(current->thread.fpu);
	irq_restore(f);
	return current->thread.fpu;
}

/* What XRSTOR would refuse: it must never fault in the kernel. */
static bool area_loadable(const struct xsave_area *a)
{
	u64 reserved = a->xcomp_bv;

	for (unsigned int i = 0; i < ARRAY_SIZE(a->reserved); i++)
		reserved |= a->reserved[i];
	return !(a->xstate_bv & ~fpu_features) && !reserved;
}

int fpu_restore_user(struct user_ptr src, u64 features, bool extended)
{
	/* A copy of its own: while the user's pages are being read, the thread's area may be
	 * written by a context switch. */
	struct xsave_area *a = kmem_cache_alloc(fpu_cache, GFP_KERNEL), *area = current->thread.fpu;
	irqflags_t f;
	int rc = -ENOMEM;

	if (!a)
		return rc;
	area_reset(a);
	rc = copy_from_user(a, src, extended ? fpu_area_size : sizeof(struct fxregs));
	if (rc)
		goto out;
	if (fpu_features)
		a->xstate_bv = extended ? a->xstate_bv & (features | ~fpu_features)
					: XF_X87 | XF_SSE;
	/* Reserved bits would fault. */
	a->fx.mxcsr &= mxcsr_mask;
	rc = -EINVAL;
	if (fpu_features && !area_loadable(a))
		goto out;
	f = irq_save();
	memcpy(area, a, fpu_area_size);
	area_load(area);
	this_cpu(fpu_owner) = current;
	current->thread.fpu_cpu = cpu_id();
	irq_restore(f);
	rc = 0;
out:
	kmem_cache_free(fpu_cache, a);
	return rc;
}
