/* SPDX-License-Identifier: MIT */
/* Descriptor tables.
 *
 * Owns: struct files and its table of 32-byte slots; allocation of the lowest free number by two
 * levels of bit maps (full_bits: one bit per word of open_bits).
 * Use: fd_get/fd_put around every use of a descriptor; fd_reserve + fd_install to give one out.
 * Invariants: a set bit in open_bits with slot->file NULL is a reservation. next_fd: nothing is
 * free below it. A slot's generation moves at each install and close.
 * Locking: changes under
 * files->lock. Look-up takes none: when the table has one user the file cannot go away during the
 * system call, so the reference is borrowed; otherwise RCU and a counted one.
 * Lifetime: a table
 * that was replaced by a larger one is freed after a grace period; files after their last
 * reference, again by RCU (file.c). */
#include "vfs_internal.h"

#include <kernel/bitmap.h>
#include <kernel/init.h>

#define INLINE_FDS 32u
s64 nr_open_max = 1048576; /* fs.nr_open */

static struct kmem_cache *files_cache;

/* --- tables --- */

static void table_free(struct fdtable *t)
{
	kvfree(t->slots);
	kvfree(t->open_bits);
	kfree(t);
}

static void table_free_rcu(struct rcu_head *h)
{
	table_free(container_of(h, struct fdtable, rcu));
}

/* A table for `max` descriptors, a multiple of 64; empty. */
static struct fdtable *table_alloc(unsigned int max)
{
	struct fdtable *t = kmalloc(sizeof(*t), GFP_KERNEL);
	size_t open_words = max / 64, full_words = DIV_ROUND_UP(open_words, 64);

	if (!t)
		return NULL;
	t->max = max;
	t->slots = kvmalloc(sizeof(struct fdslot) * max, GFP_KERNEL | GFP_ZERO);
	t->open_bits = kvmalloc((open_words + full_words) * 8, GFP_KERNEL | GFP_ZERO);
	if (!t->slots || !t->open_bits) {
		table_free(t);
		return NULL;
	}
	t->full_bits = t->open_bits + open_words;
	return t;
}

static unsigned int table_words(const struct fdtable *t)
{
	return DIV_ROUND_UP(t->max, 64);
}

static void table_copy(struct fdtable *to, const struct fdtable *from)
{
	memcpy(to->slots, from->slots, sizeof(struct fdslot) * from->max);
	memcpy(to->open_bits, from->open_bits, table_words(from) * 8);
	memcpy(to->full_bits, from->full_bits, DIV_ROUND_UP(table_words(from), 64) * 8);
	/* The 32 inline descriptors fill half a word, which there counts as full. */
	if (from->max == INLINE_FDS)
		to->full_bits[0] = 0;
}

/* Makes room for descriptor nr. files->lock held; dropped and taken again on the way. */
static NO_LOCK_ANALYSIS int table_expand(struct files *fs, unsigned int nr)
{
	struct fdtable *old, *t;
	unsigned int max;

	if (nr >= (u64)nr_open_max)
		return -EMFILE;
	max = ALIGN_UP(nr + 1, 64u);
	max = max_t(unsigned int, max,
		    min_t(u64, fs->table->max * 2ull, ALIGN_UP((u64)nr_open_max, 64ull)));
	max = ALIGN_UP(max, 64u);
	spin_unlock(&fs->lock);
	t = table_alloc(max);
	spin_lock(&fs->lock);
	if (!t)
		return -EMFILE;
	old = fs->table;
	if (nr < old->max) { /* somebody was faster */
		table_free(t);
		return 0;
	}
	table_copy(t, old);
	rcu_assign_pointer(fs->table, t);
	if (old != &fs->inline_table)
		call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

static void bits_set(struct fdtable *t, unsigned int fd)
{
	bitmap_set(t->open_bits, fd);
	if (t->open_bits[fd / 64] == (t->max == INLINE_FDS ? 0xfffffffful : ~0ul))
		bitmap_set(t->full_bits, fd / 64);
}

static void bits_clear(struct files *fs, struct fdtable *t, unsigned int fd)
{
	bitmap_clear(t->open_bits, fd);
	bitmap_clear(t->full_bits, fd / 64);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
}

/* First free number >= from; t->max when there is none. */
static unsigned int bits_find(const struct fdtable *t, unsigned int from)
{
	unsigned long w;
	size_t word;

	if (from >= t->max)
		return max(from, t->max);
	w = ~t->open_bits[from / 64] & (~0ul << (from % 64));
	if (!w) {
		word = bitmap_find_next_zero(t->full_bits, table_words(t), from / 64 + 1);
		if (word >= table_words(t))
			return t->max;
		w = ~t->open_bits[word];
		from = (unsigned int)word * 64;
	}
	return min_t(unsigned int, ALIGN_DOWN(from, 64u) + (unsigned int)__builtin_ctzl(w), t->max);
}

/* --- struct files --- */

static struct files *files_alloc(void)
{
	struct files *fs = kmem_cache_alloc(files_cache, GFP_KERNEL);

	if (!fs)
		return NULL;
	atomic_set(&fs->refs, 1);
	spin_lock_init(&fs->lock, LOCK_FILES);
	fs->next_fd = 0;
	memset(fs->inline_slots, 0, sizeof(fs->inline_slots));
	fs->inline_bits[0] = 0;
	fs->inline_bits[1] = 0;
	fs->inline_table = (struct fdtable){
		.max = INLINE_FDS,
		.slots = fs->inline_slots,
		.open_bits = &fs->inline_bits[0],
		.full_bits = &fs->inline_bits[1],
	};
	fs->table = &fs->inline_table;
	return fs;
}

int files_create(struct files **out)
{
	*out = files_alloc();
	return *out ? 0 : -ENOMEM;
}

static void files_free(struct files *fs)
{
	if (fs->table != &fs->inline_table)
		table_free(fs->table);
	kmem_cache_free(files_cache, fs);
}

/* Copies the open descriptors below max_fds; reservations are not copied. from->lock held; `to` has
 * a table that is large enough and no other user. */
static void slots_copy(struct files *to, struct files *from, unsigned int max_fds)
{
	struct fdtable *src = from->table, *dst = to->table;
	unsigned int n = min(src->max, max_fds);
	size_t fd;

	bitmap_for_each_set(fd, src->open_bits, n) {
		struct fdslot *s = &src->slots[fd];

		if (!s->file)
			continue;
		dst->slots[fd] = *s;
		file_get(s->file);
		bits_set(dst, (unsigned int)fd);
	}
}

int files_clone(struct files *from, struct files **out, unsigned int max_fds)
{
	struct files *fs = files_alloc();
	unsigned int need;
	int rc = 0;

	if (!fs)
		return -ENOMEM;
	spin_lock(&from->lock);
	for (;;) {
		size_t last = bitmap_find_last_bit(from->table->open_bits, from->table->max);

		need = last >= from->table->max ? 0 : min((unsigned int)last + 1, max_fds);
		if (need <= fs->table->max)
			break;
		spin_unlock(&from->lock);
		spin_lock(&fs->lock);
		rc = table_expand(fs, need - 1);
		spin_unlock(&fs->lock);
		if (rc) {
			files_free(fs);
			return -ENOMEM;
		}
		spin_lock(&from->lock);
	}
	slots_copy(fs, from, max_fds);
	spin_unlock(&from->lock);
	*out = fs;
	return 0;
}

static void close_file(struct file *f, struct files *owner)
{
	if (f->ops->flush)
		f->ops->flush(f);
	if (!(f->mode & FMODE_PATH) && f->inode && READ_ONCE(f->inode->flctx))
		locks_remove_posix(f, owner);
	if (atomic64_dec_and_test(&f->refs))
		file_release_now(f);
}

void files_put(struct files *fs)
{
	struct fdtable *t;
	size_t fd;

	if (!atomic_dec_and_test(&fs->refs))
		return;
	t = fs->table;
	bitmap_for_each_set(fd, t->open_bits, t->max) {
		struct file *f = t->slots[fd].file;

		if (f) {
			t->slots[fd].file = NULL;
			close_file(f, fs);
			cond_resched();
		}
	}
	files_free(fs);
}

void files_close_on_exec(struct files *fs)
{
	struct fdtable *t;
	struct file *f;
	size_t fd = 0;

	spin_lock(&fs->lock);
	for (;;) {
		t = fs->table;
		fd = bitmap_find_next_bit(t->open_bits, t->max, fd);
		if (fd >= t->max)
			break;
		f = t->slots[fd].file;
		if (f && (t->slots[fd].flags & FD_CLOEXEC)) {
			t->slots[fd].file = NULL;
			t->slots[fd].gen++;
			bits_clear(fs, t, (unsigned int)fd);
			spin_unlock(&fs->lock);
			close_file(f, fs);
			spin_lock(&fs->lock);
		}
		fd++;
	}
	spin_unlock(&fs->lock);
}

/* --- giving out and closing --- */

static int reserve_below(unsigned int min_fd, unsigned int limit, u32 fd_flags)
{
	struct files *fs = current->files;
	struct fdtable *t;
	unsigned int fd;
	int rc;

	spin_lock(&fs->lock);
	for (;;) {
		t = fs->table;
		fd = bits_find(t, max(min_fd, fs->next_fd));
		rc = -EMFILE;
		if (fd >= limit)
			goto out;
		if (fd < t->max)
			break;
		rc = table_expand(fs, fd);
		if (rc)
			goto out;
	}
	if (min_fd <= fs->next_fd)
		fs->next_fd = fd + 1;
	bits_set(t, fd);
	t->slots[fd].flags = fd_flags;
	rc = (int)fd;
out:
	spin_unlock(&fs->lock);
	return rc;
}

int fd_reserve(unsigned int min_fd, u32 fd_flags)
{
	u64 limit = rlimit_cur(current, RLIMIT_NOFILE);

	return reserve_below(min_fd, (unsigned int)min_t(u64, limit, 0x7fffffff), fd_flags);
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current->files;
	struct fdslot *s;

	spin_lock(&fs->lock);
	s = &fs->table->slots[fd];
	s->node = NULL;
	s->rights = FD_RIGHTS_ALL;
	s->gen++;
	rcu_assign_pointer(s->file, f);
	spin_unlock(&fs->lock);
}

void fd_abort(int fd)
{
	struct files *fs = current->files;

	spin_lock(&fs->lock);
	bits_clear(fs, fs->table, (unsigned int)fd);
	spin_unlock(&fs->lock);
}

int fd_install_new(struct file *f, u32 fd_flags)
{
	int fd = fd_reserve(0, fd_flags);

	if (fd < 0)
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

int fd_close(unsigned int fd)
{
	struct files *fs = current->files;
	struct fdtable *t;
	struct file *f;
	int rc = 0;

	spin_lock(&fs->lock);
	t = fs->table;
	f = fd < t->max ? t->slots[fd].file : NULL;
	if (!f) {
		spin_unlock(&fs->lock);
		return -EBADF;
	}
	t->slots[fd].file = NULL;
	t->slots[fd].gen++;
	bits_clear(fs, t, fd);
	spin_unlock(&fs->lock);
	if (f->ops->flush)
		rc = f->ops->flush(f);
	if (!(f->mode & FMODE_PATH) && f->inode && READ_ONCE(f->inode->flctx))
		locks_remove_posix(f, fs);
	if (atomic64_dec_and_test(&f->refs))
		file_release_now(f);
	return rc;
}

/* dup2/dup3: f (reference taken over) becomes descriptor fd, replacing what is there. */
int fd_replace(unsigned int fd, struct file *f, u32 fd_flags)
{
	struct files *fs = current->files;
	struct file *old;
	struct fdslot *s;
	int rc;

	spin_lock(&fs->lock);
	if (fd >= fs->table->max) {
		rc = table_expand(fs, fd);
		if (rc)
			goto fail;
	}
	s = &fs->table->slots[fd];
	old = s->file;
	rc = -EBUSY;
	if (!old && bitmap_test(fs->table->open_bits, fd))
		goto fail; /* reserved by a thread inside open() */
	bits_set(fs->table, fd);
	s->node = NULL;
	s->rights = FD_RIGHTS_ALL;
	s->flags = fd_flags;
	s->gen++;
	rcu_assign_pointer(s->file, f);
	spin_unlock(&fs->lock);
	if (old)
		close_file(old, fs);
	return (int)fd;
fail:
	spin_unlock(&fs->lock);
	file_put(f);
	return rc;
}

/* close_range: closes, or marks close-on-exec, everything in [first, last] of current's table. */
void fd_close_range(unsigned int first, unsigned int last, bool cloexec)
{
	struct files *fs = current->files;
	struct fdtable *t;
	struct file *f;
	size_t fd = first;

	spin_lock(&fs->lock);
	for (;;) {
		t = fs->table;
		if (fd >= t->max)
			break;
		fd = bitmap_find_next_bit(t->open_bits, t->max, fd);
		if (fd >= t->max || fd > last)
			break;
		f = t->slots[fd].file;
		if (f && cloexec) {
			t->slots[fd].flags |= FD_CLOEXEC;
		} else if (f) {
			t->slots[fd].file = NULL;
			t->slots[fd].gen++;
			bits_clear(fs, t, (unsigned int)fd);
			spin_unlock(&fs->lock);
			close_file(f, fs);
			cond_resched();
			spin_lock(&fs->lock);
		}
		fd++;
	}
	spin_unlock(&fs->lock);
}

/* FD_CLOEXEC of a descriptor: -EBADF or the flags; set >= 0 replaces them. */
int fd_flags(unsigned int fd, int set)
{
	struct files *fs = current->files;
	struct fdtable *t;
	int rc = -EBADF;

	spin_lock(&fs->lock);
	t = fs->table;
	if (fd < t->max && t->slots[fd].file) {
		if (set >= 0)
			t->slots[fd].flags = (u32)set;
		rc = (int)t->slots[fd].flags;
	}
	spin_unlock(&fs->lock);
	return rc;
}

/* --- look-up --- */

int fd_get_slow(unsigned int fd, u64 need, bool path_ok, struct fdref *out)
{
	struct files *fs = current->files;
	struct fdtable *t;
	struct fdslot *s;
	struct file *f;
	u64 rights;

	rcu_read_lock();
	for (;;) {
		t = rcu_dereference(fs->table);
		f = NULL;
		if (fd >= t->max)
			break;
		s = &t->slots[fd];
		f = rcu_dereference(s->file);
		if (!f)
			break;
		rights = READ_ONCE(s->rights);
		if (!atomic64_inc_not_zero(&f->refs))
			continue; /* being closed: the slot changes soon */
		if (READ_ONCE(s->file) == f && READ_ONCE(fs->table) == t)
			break;
		rcu_read_unlock();
		file_put(f);
		rcu_read_lock();
	}
	rcu_read_unlock();
	if (!f)
		return -EBADF;
	out->file = f;
	out->counted = true;
	if (unlikely((f->mode & FMODE_PATH) && !path_ok)) {
		file_put(f);
		return -EBADF;
	}
	if (unlikely((rights & need) != need)) {
		file_put(f);
		return -EACCES;
	}
	return 0;
}

int fdget_any(unsigned int fd, u64 need, struct fdref *out)
{
	struct files *fs = current->files;
	struct fdslot *s;

	if (atomic_read(&fs->refs) != 1)
		return fd_get_slow(fd, need, true, out);
	if (fd >= fs->table->max)
		return -EBADF;
	s = &fs->table->slots[fd];
	if (!s->file)
		return -EBADF;
	if ((s->rights & need) != need)
		return -EACCES;
	*out = (struct fdref){ .file = s->file, .counted = false };
	return 0;
}

int fd_get(int fd, u64 need, struct fdref *out)
{
	return fdget((unsigned int)fd, need, out);
}

int fd_get_path_ok(int fd, u64 need, struct fdref *out)
{
	return fdget_any((unsigned int)fd, need, out);
}

struct file *files_lookup(struct files *fs, unsigned int fd)
{
	struct fdtable *t;
	struct file *f = NULL;

	spin_lock(&fs->lock);
	t = fs->table;
	if (fd < t->max && t->slots[fd].file)
		f = file_get(t->slots[fd].file);
	spin_unlock(&fs->lock);
	return f;
}

int files_next(struct files *fs, unsigned int from)
{
	struct fdtable *t;
	size_t fd = from;
	int rc = -1;

	spin_lock(&fs->lock);
	t = fs->table;
	while (fd < t->max) {
		fd = bitmap_find_next_bit(t->open_bits, t->max, fd);
		if (fd < t->max && t->slots[fd].file) {
			rc = (int)fd;
			break;
		}
		fd++;
	}
	spin_unlock(&fs->lock);
	return rc;
}

static int files_cache_init(void)
{
	files_cache = kmem_cache_create("files", sizeof(struct files), 64, 0, NULL);
	return files_cache ? 0 : -ENOMEM;
}
INIT_HOOK(INIT_CORE, files_cache_init);
