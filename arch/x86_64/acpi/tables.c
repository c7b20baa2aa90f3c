/* SPDX-License-Identifier: MIT */
/* ACPI tables: RSDP, XSDT or RSDT, and of those MADT, FADT (with \_S5 of the DSDT), HPET and MCFG.
 *
 * Firmware is not trusted: every table must lie below 4 GiB, have a sane length and the right
 * checksum, and every entry inside must fit its table; what does not is left out. All findings are
 * copied to `acpi`; the tables are not looked at again. Runs once, on the boot page tables. */
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/bootparse.h>
#include <kernel/compiler.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/string.h>

#define TABLE_MAX (1u << 20)

struct acpi_info acpi __ro_after_init;

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	/* revision 2 */
	u32 length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} __packed;
struct sdt {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;
struct gas {
	u8 space, width, offset, access;
	u64 addr;
} __packed;
struct madt {
	struct sdt h;
	u32 lapic;
	u32 flags;
	u8 entries[];
} __packed;
struct fadt {
	struct sdt h;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst;
	u16 lvl2_lat, lvl3_lat, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, mon_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct gas reset;
	u8 reset_value;
	u16 arm_boot;
	u8 minor;
	u64 x_facs, x_dsdt;
} __packed;
struct hpet_table {
	struct sdt h;
	u32 id;
	struct gas base;
} __packed;
struct mcfg_table {
	struct sdt h;
	u64 reserved;
	struct {
		u64 base;
		u16 segment;
		u8 first, last;
		u32 reserved;
	} __packed e[];
} __packed;

#define FADT_TMR_VAL_EXT BIT(8)
#define FADT_RESET_REG BIT(10)
#define FADT_HW_REDUCED BIT(20)

static const void *acpi_ptr(u64 phys, u64 size)
{
	if (phys == 0 || phys >= BOOT_MAP_LIMIT || size > BOOT_MAP_LIMIT - phys)
		return NULL;
	return phys_to_virt((paddr_t){ phys });
}

static bool checksum_ok(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *b++);
	return sum == 0;
}

/* The table at phys when it is whole; at least `min_size` bytes. */
static const struct sdt *table_at(u64 phys, size_t min_size)
{
	const struct sdt *t = acpi_ptr(phys, sizeof(*t));

	if (!t || t->length < min_size || t->length > TABLE_MAX || !acpi_ptr(phys, t->length))
		return NULL;
	return checksum_ok(t, t->length) ? t : NULL;
}

static const struct rsdp *rsdp_at(u64 phys)
{
	const struct rsdp *r = acpi_ptr(phys, sizeof(*r));

	return r && memcmp(r->signature, "RSD PTR ", 8) == 0 && checksum_ok(r, 20) ? r : NULL;
}

static const struct rsdp *rsdp_find(void)
{
	const struct rsdp *r = rsdp_at(bootinfo.rsdp);
	const u16 *ebda = acpi_ptr(0x40e, 2);
	u64 base = (u64)*ebda << 4;

	for (u64 at = base; !r && base >= 0x80000 && at < base + 1024; at += 16)
		r = rsdp_at(at);
	for (u64 at = 0xe0000; !r && at < 0x100000; at += 16)
		r = rsdp_at(at);
	return r;
}

static void madt_ioapic(const u8 *e)
{
	struct acpi_ioapic *io;
	u32 addr, gsi;

	if (acpi.nr_ioapics == ACPI_MAX_IOAPICS)
		return;
	memcpy(&addr, e + 4, 4);
	memcpy(&gsi, e + 8, 4);
	io = &acpi.ioapics[acpi.nr_ioapics++];
	*io = (struct acpi_ioapic){ .id = e[2], .gsi_base = gsi, .base = addr };
}

static void madt_override(const u8 *e)
{
	u16 flags;
	u32 gsi;

	memcpy(&gsi, e + 4, 4);
	memcpy(&flags, e + 8, 2);
	if (e[2] != 0 || e[3] >= 16)
		return;
	acpi.isa[e[3]] = (struct acpi_override){
		.set = true, .gsi = gsi, .low = (flags & 3) == 3, .level = (flags >> 2 & 3) == 3
	};
}

static void madt_cpu(u32 apic_id, u32 flags)
{
	/* Bit 0: enabled. Only "online capable" (bit 1) ones could appear later. */
	if ((flags & 1) && acpi.nr_cpus < MAX_CPUS)
		acpi.apic_ids[acpi.nr_cpus++] = apic_id;
}

static void parse_madt(const struct sdt *t)
{
	const struct madt *m = (const struct madt *)t;
	const u8 *e = m->entries, *end = (const u8 *)t + t->length;

	acpi.madt = true;
	acpi.lapic_base = m->lapic;
	for (; end - e >= 2 && e[1] >= 2 && e[1] <= end - e; e += e[1]) {
		u32 id, flags;

		if (e[0] == 0 && e[1] >= 8) {
			memcpy(&flags, e + 4, 4);
			madt_cpu(e[3], flags);
		} else if (e[0] == 1 && e[1] >= 12) {
			madt_ioapic(e);
		} else if (e[0] == 2 && e[1] >= 10) {
			madt_override(e);
		} else if (e[0] == 5 && e[1] >= 12) {
			memcpy(&acpi.lapic_base, e + 4, 8);
		} else if (e[0] == 9 && e[1] >= 16) {
			memcpy(&id, e + 4, 4);
			memcpy(&flags, e + 8, 4);
			madt_cpu(id, flags);
		}
	}
}

/* An integer of a package: constant opcodes or a byte. */
static const u8 *aml_int(const u8 *p, const u8 *end, u8 *v)
{
	if (p < end && *p == 0x0a && p + 1 < end) {
		*v = p[1];
		return p + 2;
	}
	if (p < end && (*p == 0 || *p == 1)) {
		*v = *p;
		return p + 1;
	}
	return NULL;
}

/* Name (_S5, Package () { typ_a, typ_b, ... }) in a definition block, found by its bytes. */
static void find_s5(const struct sdt *t)
{
	const u8 *p = (const u8 *)(t + 1), *end = (const u8 *)t + t->length;

	for (; end - p > 12; p++) {
		const u8 *q = p + 4;
		u8 a, b;

		if (memcmp(p, "_S5_", 4) != 0)
			continue;
		if (p[-1] != 0x08 && !(p[-1] == '\\' && p[-2] == 0x08))
			continue;
		if (*q++ != 0x12)
			continue;
		q += (*q >> 6) + 2; /* package length, then the number of elements */
		q = aml_int(q, end, &a);
		if (!q)
			continue;
		q = aml_int(q, end, &b);
		acpi.slp_typa = a & 7;
		acpi.slp_typb = q ? b & 7 : a & 7;
		acpi.s5_valid = true;
		return;
	}
}

static void parse_fadt(const struct sdt *t)
{
	struct fadt f = { .smi_cmd = 0 };
	const struct sdt *dsdt = NULL;

	memcpy(&f, t, min_t(size_t, t->length, sizeof(f)));
	acpi.pm1a_cnt = (u16)f.pm1a_cnt;
	acpi.pm1b_cnt = (u16)f.pm1b_cnt;
	acpi.pm_timer = f.pm_tmr_len == 4 ? (u16)f.pm_tmr : 0;
	acpi.pm_timer_32 = f.flags & FADT_TMR_VAL_EXT;
	acpi.smi_cmd = (u16)f.smi_cmd;
	acpi.acpi_enable = f.acpi_enable;
	acpi.century = f.century;
	acpi.hw_reduced = f.flags & FADT_HW_REDUCED;
	acpi.has_8042 = t->revision < 3 || (f.boot_arch & 2);
	if (f.flags & FADT_RESET_REG) {
		acpi.has_reset = true;
		acpi.reset = (struct acpi_reg){ f.reset.space, f.reset.width, f.reset.addr };
		acpi.reset_value = f.reset_value;
	}
	if (f.x_dsdt)
		dsdt = table_at(f.x_dsdt, sizeof(struct sdt));
	if (!dsdt)
		dsdt = table_at(f.dsdt, sizeof(struct sdt));
	if (dsdt)
		find_s5(dsdt);
}

static void parse_table(u64 phys)
{
	const struct sdt *t = table_at(phys, sizeof(*t));

	if (!t)
		return;
	if (memcmp(t->signature, "APIC", 4) == 0 && t->length >= sizeof(struct madt)) {
		parse_madt(t);
	} else if (memcmp(t->signature, "FACP", 4) == 0) {
		parse_fadt(t);
	} else if (memcmp(t->signature, "SSDT", 4) == 0 && !acpi.s5_valid) {
		find_s5(t);
	} else if (memcmp(t->signature, "HPET", 4) == 0 && t->length >= sizeof(struct hpet_table)) {
		const struct hpet_table *h = (const struct hpet_table *)t;

		if (h->base.space == 0)
			acpi.hpet_base = h->base.addr;
	} else if (memcmp(t->signature, "MCFG", 4) == 0 &&
		   t->length >= sizeof(struct mcfg_table) + 16) {
		const struct mcfg_table *m = (const struct mcfg_table *)t;

		acpi.mcfg_base = m->e[0].base;
		acpi.mcfg_segment = m->e[0].segment;
		acpi.mcfg_first_bus = m->e[0].first;
		acpi.mcfg_last_bus = m->e[0].last;
	}
}

void acpi_init_early(void)
{
	const struct rsdp *r = rsdp_find();
	const struct sdt *root = NULL;
	size_t entry = 8;

	if (!r)
		return;
	if (r->revision >= 2 && r->length >= sizeof(*r) && r->length < 4096 &&
	    checksum_ok(r, sizeof(*r)))
		root = table_at(r->xsdt, sizeof(*root));
	if (!root || memcmp(root->signature, "XSDT", 4) != 0) {
		root = table_at(r->rsdt, sizeof(*root));
		entry = 4;
		if (!root || memcmp(root->signature, "RSDT", 4) != 0)
			return;
	}
	acpi.present = true;
	for (size_t off = sizeof(*root); off + entry <= root->length; off += entry) {
		u64 phys = 0;

		memcpy(&phys, (const u8 *)root + off, entry);
		parse_table(phys);
	}
}
