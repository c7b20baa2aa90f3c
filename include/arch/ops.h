/* SPDX-License-Identifier: MIT */
/* Everything else generic code asks of the architecture. */
#ifndef ARCH_OPS_H
#define ARCH_OPS_H

#include <kernel/compiler.h>
#include <kernel/percpu.h>
#include <kernel/types.h>

/* --- boot --- */
struct mem_region {
	u64 base, size; /* bytes */
	u32 type;	/* MEM_REGION_* */
};
enum { MEM_REGION_RAM, MEM_REGION_RESERVED, MEM_REGION_ACPI, MEM_REGION_NVS };
struct boot_module {
	u64 base, size; /* physical bytes */
	char cmdline[64];
};
struct boot_framebuffer {
	u64 base;
	u32 width, height, pitch, bpp; /* pixels, bytes per line, bits */
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
	bool present, text; /* text: EGA text mode */
};
#define BOOT_MAX_REGIONS 128
#define BOOT_MAX_MODULES 8
/* Filled by whichever loader path ran; nothing later knows which it was. */
struct bootinfo {
	struct mem_region regions[BOOT_MAX_REGIONS];
	unsigned int nr_regions;
	struct boot_module modules[BOOT_MAX_MODULES];
	unsigned int nr_modules;
	struct boot_framebuffer fb;
	u64 rsdp;	  /* physical, 0 unknown */
	u8 seed[64];	  /* entropy from the loader */
	unsigned int seed_len;
	const char *loader; /* for the log */
};
extern struct bootinfo bootinfo;

/* --- CPUs --- */
void arch_early_init(void);	   /* GDT, IDT, CPU features, per-CPU base of the boot CPU */
void arch_init_interrupts(void);   /* ACPI, APICs */
void arch_init_time(void);	   /* clocksource_register, timer, wallclock_init */
void arch_smp_boot(void);	   /* brings all CPUs to cpu_idle */
void arch_ro_after_init(void);	   /* write-protects .rodata and ro_after_init, frees .init */
void arch_cpu_relax(void);
/* Enables interrupts and halts until one; returns with them on. */
void arch_cpu_halt_wait(void);
void arch_send_resched_ipi(unsigned int cpu);
/* Runs fn(arg) on every online CPU in mask but this one, in hard interrupt context, and waits.
 * Interrupts on (or a deadlock is possible), preemption off by the caller. */
void smp_call_mask(const struct cpumask *mask, void (*fn)(void *arg), void *arg);
void smp_call_all(void (*fn)(void *arg), void *arg); /* this CPU too */
/* Stops all other CPUs for good: panic, power off. */
void smp_stop_others(void);
/* Sets this CPU's one-shot timer interrupt to an absolute CLOCK_MONOTONIC time (ns); ~0 = off. */
void arch_timer_set(u64 deadline_ns);

/* --- power --- */
void arch_poweroff(void) __noreturn;
void arch_reboot(void) __noreturn;
void arch_halt(void) __noreturn;
/* End of the machine after a panic: tells QEMU (isa-debug-exit) when present, else halts or, with
 * panic=N on the command line, reboots after N seconds. */
void arch_panic_end(void) __noreturn;
/* End of the machine after self-tests, with a status that QEMU shows; powers off elsewhere. */
void arch_test_end(bool passed) __noreturn;

/* --- interrupts --- */
typedef bool irq_handler_fn(void *arg); /* true: it was ours */
/* isa: legacy line 0..15. Routed through the I/O APIC (overrides of the MADT). May sleep. */
int irq_request_isa(unsigned int isa, const char *name, irq_handler_fn *fn, void *arg);
int irq_request_gsi(unsigned int gsi, bool level, bool low, const char *name, irq_handler_fn *fn,
		    void *arg);
/* A PCI device's INTx line by the number in its configuration space: level, shared. */
int irq_request_pci(unsigned int line, const char *name, irq_handler_fn *fn, void *arg);
/* Message (MSI): allocates a vector of that CPU (-1: any; the boot CPU when it has none left) and
 * returns the address and data to program into the device. Its number in /proc/interrupts, or
 * -errno. May sleep. */
int irq_request_msi(int cpu, const char *name, irq_handler_fn *fn, void *arg, u64 *addr, u32 *data);
/* Takes a handler away; it does not run any more on return. May sleep. */
void irq_free(const char *name, void *arg);
/* Rows of /proc/interrupts, one text line each; index from 0; false at the end. */
struct strbuf;
bool irq_describe(unsigned int index, struct strbuf *sb);
u64 irq_total(void); /* interrupts since boot */

/* --- entropy --- */
bool arch_random_u64(u64 *v); /* RDRAND/RDSEED */
u64 arch_cycles(void);	      /* TSC: raw, for jitter and accounting */

/* --- user state --- */
long arch_prctl_call(int op, u64 arg);
/* /proc/cpuinfo text of one CPU */
void arch_cpuinfo(unsigned int cpu, struct strbuf *sb);
u64 arch_hwcap(void);
u64 arch_hwcap2(void);
const char *arch_platform(void); /* "x86_64" */
u64 arch_min_sigframe(void);	 /* AT_MINSIGSTKSZ, bytes */
/* The vDSO image: pages to map read+exec and its data pages (read only). */
/* In a process the data page lies directly below the first code page. */
struct vdso_image {
	const void *code; /* page aligned */
	size_t code_pages;
	void *data; /* one page, written by the time code */
};
extern struct vdso_image vdso_image; /* read only after boot */
/* Called by the time code on every change, with its lock held. */
void vdso_update(u64 mult, u32 shift, u64 cycle_last, u64 mono_base_ns, u64 wall_offset_ns,
		 bool tsc_usable);

/* --- debug --- */
struct stack_trace {
	u64 ip[32];
	unsigned int nr;
};
void arch_backtrace(struct stack_trace *st, u64 rbp, u64 rip); /* rbp 0: from here */
/* "symbol+0x12/0x40" for an address; false when unknown. */
bool ksym_lookup(u64 addr, char *buf, size_t size);

#endif
