/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps and smaps. */
#include <kernel/mm.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

static const char *area_name(const struct mm *mm, const struct vma *v)
{
	if (v->ops && v->ops->name)
		return v->ops->name;
	if (v->start <= mm->brk && v->end >= mm->start_brk && mm->brk > mm->start_brk)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void show_area(struct strbuf *sb, const struct mm *mm, const struct vma *v, char *buf)
{
	const struct inode *i = v->file ? v->file->inode : NULL;
	size_t start = sb->len;
	const char *name = NULL;
	char *text;

	sb_printf(sb, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start, v->end,
		  v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
		  v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p',
		  i ? v->pgoff << PAGE_SHIFT : 0, i ? MAJOR(i->sb->dev) : 0,
		  i ? MINOR(i->sb->dev) : 0, i ? (unsigned long)i->ino : 0);
	if (v->file) {
		if (d_path(&v->file->path, NULL, buf, PATH_MAX, &text) == 0)
			name = text;
	} else {
		name = area_name(mm, v);
	}
	if (name) {
		while (sb->len - start < 73 && !sb->overflow)
			sb_putc(sb, ' ');
		sb_puts_escaped(sb, name, "\n");
	}
	sb_putc(sb, '\n');
}

static int maps_common(struct task *t, struct strbuf *sb, bool smaps)
{
	struct mm *mm;
	char *buf;

	if (task_mm_inspect(t, &mm))
		return -EACCES;
	if (!mm)
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	down_read(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		show_area(sb, mm, v, buf);
		if (smaps) {
			u64 rss = vma_resident_pages(v) << 2;

			sb_printf(sb, "Size:           %8lu kB\nRss:            %8lu kB\n"
				      "Pss:            %8lu kB\nLocked:         %8lu kB\n",
				  (v->end - v->start) >> 10, rss, rss,
				  v->flags & VM_LOCKED ? rss : 0);
		}
	}
	up_read(&mm->lock);
	kfree(buf);
	mm_put(mm);
	return 0;
}

static int maps_show(struct task *t, struct strbuf *sb)
{
	return maps_common(t, sb, false);
}
PROC_PID_FILE(maps, "maps", 0444, maps_show);

static int smaps_show(struct task *t, struct strbuf *sb)
{
	return maps_common(t, sb, true);
}
PROC_PID_FILE(smaps, "smaps", 0444, smaps_show);
