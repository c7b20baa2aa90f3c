/* SPDX-License-Identifier: MIT */
/* From the loader's information to struct bootinfo.
 *
 * Two loaders: Multiboot2 (a list of tags) and PVH (struct hvm_start_info). Both are input from
 * outside: every length and address is checked before it is used, what is wrong is skipped, and
 * only the lack of any RAM stops the boot. All of it is copied, so the loader's memory is free
 * afterwards. Runs once, on the boot CPU, on the early page tables. */
#include <arch/ops.h>
#include <asm/boot.h>
#include <asm/bootparse.h>
#include <asm/cpu.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/page.h>
#include <kernel/string.h>

#define MB2_MAGIC 0x36d76289u
#define PVH_MAGIC 0x336ec578u
#define CMDLINE_MAX 4096

struct bootinfo bootinfo;

/* The root pointer of ACPI as the loader copied it: at a physical address like any other. */
static u8 rsdp_copy[36] __aligned(16);

static const void *boot_ptr(u64 phys, u64 size)
{
	if (phys == 0 || phys >= BOOT_MAP_LIMIT || size > BOOT_MAP_LIMIT - phys)
		return NULL;
	return phys_to_virt((paddr_t){ phys });
}

void boot_copy_text(char *dst, size_t size, u64 phys, u64 max)
{
	const char *src = boot_ptr(phys, 1);
	size_t n = 0;

	if (src) {
		max = min(max, BOOT_MAP_LIMIT - phys);
		while (n < size - 1 && n < max && src[n])
			n++;
		memcpy(dst, src, n);
	}
	dst[n] = '\0';
}

static void add_module(u64 base, u64 end, u64 text, u64 text_max)
{
	struct boot_module *m;

	if (end <= base || end > BOOT_MAP_LIMIT || bootinfo.nr_modules == BOOT_MAX_MODULES)
		return;
	if (base < image_phys_end() && end > image_phys_start())
		return;
	m = &bootinfo.modules[bootinfo.nr_modules++];
	m->base = base;
	m->size = end - base;
	boot_copy_text(m->cmdline, sizeof(m->cmdline), text, text_max);
}

static u32 e820_type(u32 type)
{
	switch (type) {
	case 1:
		return MEM_REGION_RAM;
	case 3:
		return MEM_REGION_ACPI;
	case 4:
		return MEM_REGION_NVS;
	default:
		return MEM_REGION_RESERVED;
	}
}

/* --- Multiboot2 (specification 2.0, 3.6) --- */
struct mb2_tag {
	u32 type, size;
};
enum {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_RSDP_V1 = 14,
	MB2_RSDP_V2 = 15,
};
struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char text[];
};
struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, version;
	u8 entries[];
};
struct mb2_mmap_entry {
	u64 base, size;
	u32 type, zero;
};
struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
} __packed;

static void mb2_mmap(const struct mb2_mmap *t)
{
	u32 n;

	if (t->tag.size < sizeof(*t) || t->entry_size < sizeof(struct mb2_mmap_entry))
		return;
	n = (t->tag.size - sizeof(*t)) / t->entry_size;
	for (u32 i = 0; i < n; i++) {
		struct mb2_mmap_entry e;

		memcpy(&e, t->entries + (u64)i * t->entry_size, sizeof(e));
		memmap_add(e.base, e.size, e820_type(e.type));
	}
}

static void mb2_framebuffer(const struct mb2_framebuffer *t)
{
	struct boot_framebuffer *fb = &bootinfo.fb;

	if (t->tag.size < offsetof(struct mb2_framebuffer, red_pos))
		return;
	fb->base = t->addr;
	fb->width = t->width;
	fb->height = t->height;
	fb->pitch = t->pitch;
	fb->bpp = t->bpp;
	if (t->type == 2) {
		fb->text = fb->present = true;
		return;
	}
	/* Direct colour only: a palette mode has no fields to describe. */
	if (t->type != 1 || t->tag.size < sizeof(*t))
		return;
	if (t->width == 0 || t->height == 0 || t->width > 16384 || t->height > 16384 ||
	    (t->bpp != 15 && t->bpp != 16 && t->bpp != 24 && t->bpp != 32) ||
	    t->pitch < (u64)t->width * ((t->bpp + 7) / 8) || t->pitch > 1u << 20)
		return;
	fb->red_pos = t->red_pos;
	fb->red_size = t->red_size;
	fb->green_pos = t->green_pos;
	fb->green_size = t->green_size;
	fb->blue_pos = t->blue_pos;
	fb->blue_size = t->blue_size;
	fb->present = fb->red_pos + fb->red_size <= t->bpp &&
		      fb->green_pos + fb->green_size <= t->bpp &&
		      fb->blue_pos + fb->blue_size <= t->bpp;
}

static void mb2_rsdp(const struct mb2_tag *t)
{
	memset(rsdp_copy, 0, sizeof(rsdp_copy));
	memcpy(rsdp_copy, t + 1, min(sizeof(rsdp_copy), t->size - sizeof(*t)));
	bootinfo.rsdp = virt_to_phys(rsdp_copy).v;
}

static void mb2_parse(u32 info)
{
	const u32 *head = boot_ptr(info, 8);
	u64 total, off = 8;

	if (!head || (info & 7))
		panic("boot: Multiboot2 information at a bad address");
	total = head[0];
	if (!boot_ptr(info, total))
		panic("boot: Multiboot2 information of a bad size");
	bootinfo.loader = "multiboot2";
	while (off + sizeof(struct mb2_tag) <= total) {
		const struct mb2_tag *t = boot_ptr(info + off, sizeof(*t));

		if (t->type == MB2_END || t->size < sizeof(*t) || t->size > total - off)
			break;
		if (t->type == MB2_CMDLINE) {
			boot_copy_text(boot_command_line, CMDLINE_MAX, info + off + 8, t->size - 8);
		} else if (t->type == MB2_MODULE && t->size >= sizeof(struct mb2_module)) {
			const struct mb2_module *m = (const void *)t;

			add_module(m->start, m->end, info + off + sizeof(*m), t->size - sizeof(*m));
		} else if (t->type == MB2_MMAP) {
			mb2_mmap((const void *)t);
		} else if (t->type == MB2_FRAMEBUFFER) {
			mb2_framebuffer((const void *)t);
		} else if (t->type == MB2_RSDP_V2 || (t->type == MB2_RSDP_V1 && !bootinfo.rsdp)) {
			mb2_rsdp(t);
		}
		off += ALIGN_UP((u64)t->size, 8);
	}
}

/* --- PVH (Xen public/arch-x86/hvm/start_info.h) --- */
struct pvh_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	/* version 1 and later */
	u64 memmap;
	u32 memmap_entries, reserved;
};
struct pvh_module {
	u64 base, size, cmdline, reserved;
};
struct pvh_memmap {
	u64 base, size;
	u32 type, reserved;
};

static void pvh_parse(u32 phys)
{
	const struct pvh_info *info = boot_ptr(phys, sizeof(*info));
	const struct pvh_memmap *map;
	const struct pvh_module *mod;
	u32 n;

	if (!info || info->magic != PVH_MAGIC || info->version < 1)
		panic("boot: neither Multiboot2 nor PVH information");
	bootinfo.loader = "pvh";
	n = min(info->memmap_entries, 1024u);
	map = boot_ptr(info->memmap, n * sizeof(*map));
	for (u32 i = 0; map && i < n; i++)
		memmap_add(map[i].base, map[i].size, e820_type(map[i].type));
	n = min(info->nr_modules, (u32)BOOT_MAX_MODULES);
	mod = boot_ptr(info->modules, n * sizeof(*mod));
	for (u32 i = 0; mod && i < n; i++)
		if (mod[i].size < BOOT_MAP_LIMIT && mod[i].base < BOOT_MAP_LIMIT)
			add_module(mod[i].base, mod[i].base + mod[i].size, mod[i].cmdline,
				   sizeof(bootinfo.modules[0].cmdline));
	boot_copy_text(boot_command_line, CMDLINE_MAX, info->cmdline, CMDLINE_MAX);
	bootinfo.rsdp = info->rsdp;
}

/* First C code: called by entry64.S with the loader's magic and information. */
void boot_main(u32 magic, u32 info)
{
	percpu_save_template();
	if (magic == MB2_MAGIC)
		mb2_parse(info);
	else
		pvh_parse(info);
	memmap_normalise();
	kernel_main();
}
