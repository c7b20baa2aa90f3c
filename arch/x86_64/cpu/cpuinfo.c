/* SPDX-License-Identifier: MIT */
/* What programs ask about the processor: /proc/cpuinfo, hardware capabilities, random numbers. */
#include <arch/ops.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include <kernel/compiler.h>
#include <kernel/printf.h>

/* Names by bit, Linux's; "" is not shown. */
static const char *const names_1_edx[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr",
	"pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr",
	"sse", "sse2", "ss", "ht", "tm", "ia64", "pbe"
};
static const char *const names_1_ecx[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "",
	"sdbg", "fma", "cx16", "xtpr", "pdcm", "", "pcid", "dca", "sse4_1", "sse4_2", "x2apic",
	"movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", "", "avx", "f16c", "rdrand",
	"hypervisor"
};
static const char *const names_ext_edx[32] = {
	[11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm", [30] = "3dnowext", [31] = "3dnow"
};
static const char *const names_ext_ecx[32] = {
	"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
	"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", "", "lwp", "fma4", "tce"
};
static const char *const names_7_ebx[32] = {
	"fsgsbase", "tsc_adjust", "", "bmi1", "hle", "avx2", "", "smep", "bmi2", "erms", "invpcid",
	"rtm", "cqm", "", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap",
	"avx512ifma", "", "clflushopt", "clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd",
	"sha_ni", "avx512bw", "avx512vl"
};
static const char *const names_7_ecx[32] = {
	[1] = "avx512vbmi", [2] = "umip", [6] = "avx512_vbmi2", [8] = "gfni", [9] = "vaes",
	[10] = "vpclmulqdq", [11] = "avx512_vnni", [12] = "avx512_bitalg",
	[14] = "avx512_vpopcntdq", [16] = "la57", [22] = "rdpid"
};

static void put_flags(struct strbuf *sb, u32 word, const char *const names[32])
{
	for (unsigned int i = 0; i < 32; i++) {
		if (!(word >> i & 1) || !names[i] || !names[i][0])
			continue;
		sb_putc(sb, ' ');
		sb_puts(sb, names[i]);
	}
}

void arch_cpuinfo(unsigned int cpu, struct strbuf *sb)
{
	const struct cpu_features *f = &cpu_features;

	sb_printf(sb, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", cpu,
		  f->vendor, f->family, f->model);
	sb_printf(sb, "model name\t: %s\nstepping\t: %u\n", f->brand[0] ? f->brand : "unknown",
		  f->stepping);
	sb_printf(sb, "cpu MHz\t\t: %llu.%03llu\ncache size\t: %u KB\n",
		  (unsigned long long)tsc_khz / 1000, (unsigned long long)tsc_khz % 1000,
		  f->cache_kb);
	sb_printf(sb, "physical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n", cpu);
	sb_printf(sb, "apicid\t\t: %u\ninitial apicid\t: %u\n", cpu_apic_id[cpu], cpu_apic_id[cpu]);
	sb_printf(sb, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		  f->max_leaf);
	sb_puts(sb, "flags\t\t:");
	put_flags(sb, f->leaf1_edx, names_1_edx);
	put_flags(sb, f->ext1_edx, names_ext_edx);
	if (f->tsc_invariant)
		sb_puts(sb, " constant_tsc nonstop_tsc");
	put_flags(sb, f->leaf1_ecx, names_1_ecx);
	put_flags(sb, f->ext1_ecx, names_ext_ecx);
	put_flags(sb, f->leaf7_ebx, names_7_ebx);
	if (f->xsaveopt)
		sb_puts(sb, " xsaveopt");
	put_flags(sb, f->leaf7_ecx, names_7_ecx);
	sb_printf(sb, "\nbugs\t\t:\nbogomips\t: %llu.%02llu\n",
		  (unsigned long long)tsc_khz * 2 / 1000,
		  (unsigned long long)tsc_khz * 2 / 10 % 100);
	sb_printf(sb, "clflush size\t: 64\ncache_alignment\t: 64\n");
	sb_printf(sb, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		  f->phys_bits, f->virt_bits);
}

u64 arch_hwcap(void)
{
	return cpu_features.leaf1_edx;
}

u64 arch_hwcap2(void)
{
	/* Bit 1: FSGSBASE instructions may be used. */
	return cpu_features.fsgsbase ? 2 : 0;
}

const char *arch_platform(void)
{
	return "x86_64";
}

u64 arch_cycles(void)
{
	return rdtsc();
}

bool arch_random_u64(u64 *v)
{
	bool ok = false;

	if (cpu_features.rdseed)
		__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
	for (unsigned int i = 0; i < 10 && !ok && cpu_features.rdrand; i++)
		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}
