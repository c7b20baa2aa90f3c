/* SPDX-License-Identifier: MIT */
/* Processor features: read once on the boot CPU, used by everybody, switched on for every CPU.
 * What CPUID does not promise is not used; what is required (long mode, NX, SSE2) the boot code or
 * the x86-64 baseline has checked. */
#include <arch/irqflags.h>
#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/smap.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/page.h>
#include <kernel/string.h>

struct cpu_features cpu_features __ro_after_init;

static void read_identity(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0, 0);
	u32 sig, base_family;

	f->max_leaf = r.eax;
	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
	sig = cpuid(1, 0).eax;
	base_family = (sig >> 8) & 15;
	f->family = base_family + (base_family == 15 ? (sig >> 20) & 255 : 0);
	f->model = (sig >> 4) & 15;
	if (base_family == 6 || base_family == 15)
		f->model |= (sig >> 12) & 0xf0;
	f->stepping = sig & 15;
	f->max_ext_leaf = cpuid(0x80000000, 0).eax;
	for (u32 i = 0; i < 3 && f->max_ext_leaf >= 0x80000004; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + i * 16, &r, 16);
	}
	if (f->max_ext_leaf >= 0x80000006)
		f->cache_kb = cpuid(0x80000006, 0).ecx >> 16;
}

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid_regs r;
	char value[8];

	read_identity(f);
	r = cpuid(1, 0);
	f->leaf1_ecx = r.ecx;
	f->leaf1_edx = r.edx;
	f->pcid = r.ecx & BIT(17);
	f->x2apic = r.ecx & BIT(21);
	f->tsc_deadline = r.ecx & BIT(24);
	f->xsave = r.ecx & BIT(26);
	f->rdrand = r.ecx & BIT(30);
	f->hypervisor = r.ecx & BIT(31);
	f->pge = r.edx & BIT(13);
	if (f->max_leaf >= 7) {
		r = cpuid(7, 0);
		f->leaf7_ebx = r.ebx;
		f->leaf7_ecx = r.ecx;
		f->leaf7_edx = r.edx;
		f->fsgsbase = r.ebx & BIT(0);
		f->smep = r.ebx & BIT(7);
		f->erms = r.ebx & BIT(9);
		f->invpcid = r.ebx & BIT(10);
		f->rdseed = r.ebx & BIT(18);
		f->smap = r.ebx & BIT(20);
		f->umip = r.ecx & BIT(2);
		f->la57 = r.ecx & BIT(16);
		f->rdpid = r.ecx & BIT(22);
	}
	if (f->xsave && f->max_leaf >= 0xd)
		f->xsaveopt = cpuid(0xd, 1).eax & BIT(0);
	r = cpuid(0x80000001, 0);
	f->ext1_ecx = r.ecx;
	f->ext1_edx = r.edx;
	f->nx = r.edx & BIT(20);
	f->page1g = r.edx & BIT(26);
	f->rdtscp = r.edx & BIT(27);
	if (f->max_ext_leaf >= 0x80000007)
		f->tsc_invariant = cpuid(0x80000007, 0).edx & BIT(8);
	f->phys_bits = 36;
	f->virt_bits = 48;
	if (f->max_ext_leaf >= 0x80000008) {
		r = cpuid(0x80000008, 0);
		f->phys_bits = r.eax & 255;
		f->virt_bits = (r.eax >> 8) & 255;
	}
	if (cmdline_get("nofsgsbase", value, sizeof(value)))
		f->fsgsbase = false;
	if (cmdline_get("noxsave", value, sizeof(value)))
		f->xsave = f->xsaveopt = false;
}

/* Writes the real instructions over the no-ops, through the early direct map: the image itself is
 * already read-only. */
static void patch_smap_sites(void)
{
	extern const struct smap_site {
		u64 addr, kind;
	} smap_sites_start[], smap_sites_end[];

	for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++) {
		u8 *code = phys_to_virt(virt_to_phys((void *)s->addr));

		code[0] = 0x0f;
		code[1] = 0x01;
		code[2] = (u8)s->kind;
	}
}

void cpu_init_this(void)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	extern char syscall_entry[], syscall_entry_compat[];

	cr4 |= f->pge ? CR4_PGE : 0;
	cr4 |= f->smep ? CR4_SMEP : 0;
	cr4 |= f->umip ? CR4_UMIP : 0;
	cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= f->xsave ? CR4_OSXSAVE : 0;
	if (f->smap) {
		if (cpu_id() == 0)
			patch_smap_sites();
		cr4 |= CR4_SMAP;
	}
	/* PCIDs are the memory code's to switch on. */
	write_cr4(cr4 | (read_cr4() & CR4_PCIDE));
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	wrmsr(MSR_STAR, (u64)USER_CS32_BASE << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry_compat);
	wrmsr(MSR_FMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL |
				 RFLAGS_RF | RFLAGS_ID | RFLAGS_CF | RFLAGS_PF | RFLAGS_AF |
				 RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF);
	/* Write combining in slot 1 (PWT); the others as at reset: WB, WT, UC-, UC. */
	wrmsr(MSR_PAT, 0x0007040600070106ull);
	if (f->rdtscp)
		wrmsr(MSR_TSC_AUX, cpu_id());
	fpu_init_this();
}
