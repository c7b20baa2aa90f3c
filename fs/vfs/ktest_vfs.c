/* SPDX-License-Identifier: MIT */
/* In-kernel tests of what a file system on a device needs: inodes by number, look-ups that sleep,
 * dirty inodes, read-only remounts, unmounting. Its "disk" is an array of inodes, slow and, when
 * asked, failing; directories know their children by number, and a name is that number. */
#include "vfs_internal.h"

#include <kernel/kstrto.h>
#include <kernel/ktest_threads.h>
#include <kernel/mm.h>
#include <kernel/printf.h>
#include <kernel/time.h>

#define NR_INODES 64
#define ROOT_INO 2

struct disk_inode {
	mode_t mode; /* 0: free */
	u32 nlink;
	ino_t parent;
	u64 mtime;
	atomic_t reads, writes, evicts, frees;
	bool fail_read, fail_write;
};

/* One at a time: self-tests run one after the other. */
static struct disk_inode disk[NR_INODES];
static atomic_t supers_put, lookups;
static unsigned int slow_ms, evict_ms;

static const struct inode_ops dir_ops, file_ops_i;

static int read_inode(struct super_block *sb, ino_t ino, struct inode **out)
{
	struct disk_inode *di = &disk[ino];
	struct inode *i = inode_get_hashed(sb, ino);

	if (!i)
		return -ENOMEM;
	*out = i;
	if (!(i->state & INODE_NEW))
		return 0;
	atomic_inc(&di->reads);
	ktest_sleep_ms(slow_ms);
	if (di->fail_read) {
		inode_new_failed(i);
		return -EIO;
	}
	i->mode = di->mode;
	i->nlink = di->nlink;
	i->mtime = di->mtime;
	i->ops = S_ISDIR(di->mode) ? &dir_ops : &file_ops_i;
	inode_unlock_new(i);
	return 0;
}

static int disk_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *i = NULL;
	unsigned int ino;
	int rc;

	atomic_inc(&lookups);
	ktest_sleep_ms(slow_ms);
	if (!kstrtouint(d->name.name, 10, &ino) && ino < NR_INODES && disk[ino].mode &&
	    (disk[ino].parent == dir->ino || ino == ROOT_INO)) {
		rc = read_inode(dir->sb, ino, &i);
		if (rc)
			return rc;
	}
	return d_splice(d, i);
}

static int disk_unlink(struct inode *dir __maybe_unused, struct dentry *d)
{
	disk[d->inode->ino].nlink = --d->inode->nlink;
	inode_mark_dirty(d->inode);
	return 0;
}

static const struct inode_ops dir_ops = { .lookup = disk_lookup, .unlink = disk_unlink };

static int disk_write_inode(struct inode *i, bool sync __maybe_unused)
{
	struct disk_inode *di = &disk[i->ino];

	atomic_inc(&di->writes);
	if (di->fail_write)
		return -EIO;
	di->mtime = i->mtime;
	return 0;
}

static void disk_evict(struct inode *i)
{
	struct disk_inode *di = &disk[i->ino];

	ktest_sleep_ms(evict_ms);
	atomic_inc(&di->evicts);
	if (!i->nlink) {
		di->mode = 0;
		atomic_inc(&di->frees);
	}
}

static void disk_put_super(struct super_block *sb __maybe_unused)
{
	atomic_inc(&supers_put);
}

static const struct super_ops disk_ops = {
	.evict_inode = disk_evict,
	.write_inode = disk_write_inode,
	.put_super = disk_put_super,
};

static int disk_root(struct super_block *sb, struct inode **out)
{
	sb->time_gran = NSEC_PER_SEC;
	return read_inode(sb, ROOT_INO, out);
}

static int disk_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		      char *data __maybe_unused, struct super_block **out)
{
	return sb_make(type, &disk_ops, flags, 0x1234, disk_root, out);
}
static const struct fs_type disk_type = { .name = "ktestfs", .mount = disk_mount };

static void disk_set(ino_t ino, mode_t mode, ino_t parent)
{
	disk[ino] = (struct disk_inode){ .mode = mode, .nlink = 1, .parent = parent };
}

static struct mount *disk_new(void)
{
	struct mount *m = NULL;

	memset(disk, 0, sizeof(disk));
	slow_ms = evict_ms = 0;
	atomic_set(&supers_put, 0);
	atomic_set(&lookups, 0);
	disk_set(ROOT_INO, S_IFDIR | 0755, ROOT_INO);
	for (ino_t n = 10; n < 40; n++)
		disk_set(n, S_IFREG | 0644, ROOT_INO);
	disk_set(5, S_IFDIR | 0755, ROOT_INO);
	disk_set(6, S_IFDIR | 0755, 5);
	return kern_mount(&disk_type, &m) ? NULL : m;
}

static int find(struct dentry *dir, ino_t ino, struct dentry **out)
{
	char text[24];
	struct qstr q;

	qstr_set(&q, text, (u32)scnprintf(text, sizeof(text), "%llu", (unsigned long long)ino));
	return walk_lookup(dir, &q, out);
}

/* The shrinkers take everything that is unused. */
static void shrink(struct dentry *dir)
{
	d_prune_children(dir);
	for (int k = 0; k < 3; k++)
		(void)inode_shrink_scan(1u << 20);
}

/* --- one number, many who want it --- */

static struct inode *got[8];
static struct dentry *names[8];
static int results[8];
static struct super_block *test_sb;

static void get_same(struct ktest_threads *th __maybe_unused, unsigned int k)
{
	results[k] = read_inode(test_sb, 10, &got[k]);
}

static void lookup_same(struct ktest_threads *th, unsigned int k)
{
	results[k] = find(((struct mount *)th->arg)->root, 11, &names[k]);
}

KTEST(vfs_inode_by_number)
{
	struct mount *m = disk_new();
	struct ktest_threads th;
	struct dentry *d;

	KTEST_EXPECT(m);
	test_sb = m->sb;
	slow_ms = 20;
	ktest_threads_start(&th, 8, get_same, NULL);
	ktest_threads_wait(&th);
	for (int k = 0; k < 8; k++) {
		KTEST_EXPECT(!results[k] && got[k] == got[0] && got[k]->mode == (S_IFREG | 0644));
		inode_put(got[k]);
	}
	KTEST_EXPECT(atomic_read(&disk[10].reads) == 1 && !atomic_read(&disk[10].evicts));
	/* Look-ups of one name: one dentry, one look into the disk. */
	ktest_threads_start(&th, 8, lookup_same, m);
	ktest_threads_wait(&th);
	for (int k = 0; k < 8; k++) {
		KTEST_EXPECT(!results[k] && names[k] == names[0]);
		d_put(names[k]);
	}
	KTEST_EXPECT(atomic_read(&lookups) == 1 && atomic_read(&disk[11].reads) == 1);
	/* What is not there is asked for once. */
	for (int k = 0; k < 3; k++) {
		KTEST_EXPECT(!find(m->root, 50, &d) && d_is_negative(d));
		d_put(d);
	}
	KTEST_EXPECT(atomic_read(&lookups) == 2);
	/* All fail when the disk does, and nothing stays behind. */
	disk[10].fail_read = true;
	inode_shrink_scan(1000);
	KTEST_EXPECT(atomic_read(&disk[10].evicts) == 1);
	ktest_threads_start(&th, 8, get_same, NULL);
	ktest_threads_wait(&th);
	for (int k = 0; k < 8; k++)
		KTEST_EXPECT(results[k] == -EIO);
	KTEST_EXPECT(atomic_read(&disk[10].evicts) == 1);
	disk[10].fail_read = false;
	KTEST_EXPECT(!read_inode(m->sb, 10, &got[0]));
	inode_put(got[0]);
	mount_put(m);
	KTEST_EXPECT(atomic_read(&supers_put) == 1 && atomic_read(&disk[10].evicts) == 2);
}

/* A number that is being freed is not found, and not given out again, before that is done. */
static void free_slowly(struct ktest_threads *th, unsigned int k __maybe_unused)
{
	inode_put(th->arg);
}

KTEST(vfs_inode_freeing)
{
	struct mount *m = disk_new();
	struct ktest_threads th;
	struct inode *i, *n;

	KTEST_EXPECT(m && !read_inode(m->sb, 12, &i));
	i->nlink = 0;
	evict_ms = 40;
	ktest_threads_start(&th, 1, free_slowly, i);
	ktest_sleep_ms(10);
	n = inode_new(m->sb);
	KTEST_EXPECT(n && !inode_hash_new(n, 12));
	KTEST_EXPECT(atomic_read(&disk[12].frees) == 1);
	ktest_threads_wait(&th);
	evict_ms = 0;
	disk_set(12, S_IFREG | 0600, ROOT_INO);
	n->mode = S_IFREG | 0600;
	inode_unlock_new(n);
	KTEST_EXPECT(inode_get_hashed(m->sb, 12) == n);
	inode_put(n);
	/* A number in use is refused. */
	i = inode_new(m->sb);
	KTEST_EXPECT(i && inode_hash_new(i, 12) == -EEXIST);
	i->ino = 40;
	inode_put(i);
	inode_put(n);
	mount_put(m);
	KTEST_EXPECT(atomic_read(&supers_put) == 1 && atomic_read(&disk[12].evicts) == 1);
}

/* --- dirty --- */

KTEST(vfs_inode_dirty)
{
	struct mount *m = disk_new();
	struct inode *i;

	KTEST_EXPECT(m && !read_inode(m->sb, 13, &i));
	inode_touch(i, ATTR_MTIME);
	KTEST_EXPECT(i->mtime % NSEC_PER_SEC == 0 && (i->state & INODE_DIRTY));
	inode_put(i);
	/* Memory pressure writes nothing and forgets nothing that is not written. */
	shrink(m->root);
	KTEST_EXPECT(!atomic_read(&disk[13].evicts) && !atomic_read(&disk[13].writes));
	disk[13].fail_write = true;
	KTEST_EXPECT(sb_sync(m->sb, false) == -EIO && (i->state & INODE_DIRTY));
	disk[13].fail_write = false;
	KTEST_EXPECT(!sb_sync(m->sb, true) && !(i->state & INODE_DIRTY));
	KTEST_EXPECT(atomic_read(&disk[13].writes) == 2 && disk[13].mtime == i->mtime);
	KTEST_EXPECT(!sb_sync(m->sb, true) && atomic_read(&disk[13].writes) == 2);
	shrink(m->root);
	KTEST_EXPECT(atomic_read(&disk[13].evicts) == 1);
	KTEST_EXPECT(!read_inode(m->sb, 13, &i) && i->mtime == disk[13].mtime);
	inode_touch(i, ATTR_CTIME);
	inode_put(i);
	mount_put(m); /* unmounting writes it */
	KTEST_EXPECT(atomic_read(&disk[13].writes) == 3 && atomic_read(&disk[13].evicts) == 2);
}

/* --- directories with two names, as only a broken disk has them --- */

KTEST(vfs_splice)
{
	struct mount *m = disk_new();
	struct dentry *a, *b, *none;

	KTEST_EXPECT(m && !find(m->root, 5, &a) && !find(a, 6, &b));
	disk[5].parent = 6; /* 5/6/5 */
	KTEST_EXPECT(find(b, 5, &none) == -ELOOP);
	KTEST_EXPECT(find(b, ROOT_INO, &none) == -ELOOP);
	disk[6].parent = ROOT_INO;
	KTEST_EXPECT(find(m->root, 6, &none) == -ELOOP);
	d_put(b);
	/* A name that nobody uses any more is in nobody's way. */
	d_prune_children(a);
	KTEST_EXPECT(!find(m->root, 6, &b));
	d_put(b);
	d_put(a);
	mount_put(m);
	KTEST_EXPECT(atomic_read(&supers_put) == 1);
}

/* --- read-only --- */

static int remount(struct super_block *sb, u32 flags)
{
	int rc;

	down_write(&sb->umount_lock);
	rc = sb_remount(sb, flags, NULL);
	up_write(&sb->umount_lock);
	return rc;
}

KTEST(vfs_remount)
{
	struct mount *m = disk_new();
	struct super_block *sb;
	struct dentry *d;
	struct inode *i;

	KTEST_EXPECT(m && !find(m->root, 14, &d));
	sb = m->sb;
	i = d->inode;
	KTEST_EXPECT(!inode_get_write(i));
	KTEST_EXPECT(remount(sb, SB_RDONLY) == -EBUSY && !(sb->flags & SB_RDONLY));
	inode_put_write(i);
	i->nlink = 0; /* removed and in use */
	KTEST_EXPECT(remount(sb, SB_RDONLY) == -EBUSY);
	i->nlink = 1;
	inode_touch(i, ATTR_MTIME);
	KTEST_EXPECT(!remount(sb, SB_RDONLY) && (sb->flags & SB_RDONLY));
	KTEST_EXPECT(atomic_read(&disk[14].writes) == 1);
	KTEST_EXPECT(!remount(sb, 0) && !(sb->flags & SB_RDONLY));
	d_put(d);
	mount_put(m);
}

/* --- one super block for a device --- */

static void fill_slowly(struct ktest_threads *th __maybe_unused, unsigned int k)
{
	struct super_block *sb;
	struct inode *root;
	int rc = sb_get(&disk_type, &disk_ops, 0, MKDEV(250, 3), &sb);

	if (rc == 0) {
		ktest_sleep_ms(20);
		if (k == 0 && !atomic_read(&supers_put)) { /* the first one may fail */
			sb_fail(sb);
			results[k] = -EIO;
			return;
		}
		rc = read_inode(sb, ROOT_INO, &root) || sb_set_root(sb, root);
		sb_ready(sb);
	}
	results[k] = rc;
	ktest_sleep_ms(20);
	sb_put(sb);
}

KTEST(vfs_sb_get)
{
	struct mount *m = disk_new();
	struct ktest_threads th;

	KTEST_EXPECT(m);
	mount_put(m);
	atomic_set(&supers_put, 0);
	ktest_threads_start(&th, 8, fill_slowly, NULL);
	ktest_threads_wait(&th);
	for (int k = 0; k < 8; k++)
		KTEST_EXPECT(results[k] >= 0 || (k == 0 && results[k] == -EIO));
	KTEST_EXPECT(atomic_read(&supers_put) >= 1);
	KTEST_EXPECT(atomic_read(&disk[ROOT_INO].evicts) == atomic_read(&disk[ROOT_INO].reads));
}

/* --- everything at once: look-ups, shrinkers and unmounting --- */

static void shrink_names(struct ktest_threads *th, unsigned int k __maybe_unused)
{
	while (!READ_ONCE(th->stop)) {
		(void)inode_shrink_scan(8);
		(void)dentry_shrink_scan(8);
	}
}

static void use_names(struct ktest_threads *th, unsigned int k)
{
	struct mount *m = th->arg;
	struct dentry *d;
	u64 n = k;

	while (!READ_ONCE(th->stop)) {
		n = n * 25 + 7;
		if (k & 1) {
			(void)inode_shrink_scan(8);
			(void)dentry_shrink_scan(8);
		} else if (!find(m->root, 10 + n % 40, &d)) {
			if (d->inode)
				inode_touch(d->inode, ATTR_MTIME);
			d_put(d);
		}
		cond_resched();
	}
}

KTEST(vfs_unmount_under_pressure)
{
	for (int round = 0; round < 20; round++) {
		struct mount *m = disk_new();
		struct ktest_threads th;
		struct dentry *d;

		KTEST_EXPECT(m);
		ktest_threads_start(&th, 4, use_names, m);
		ktest_sleep_ms(5);
		th.stop = true;
		ktest_threads_wait(&th);
		/* Unmount while shrinkers are at work. */
		for (ino_t n = 10; n < 40; n++) {
			KTEST_EXPECT(!find(m->root, n, &d));
			d_put(d);
		}
		ktest_threads_start(&th, 3, shrink_names, NULL);
		mount_put(m);
		th.stop = true;
		ktest_threads_wait(&th);
		KTEST_EXPECT(atomic_read(&supers_put) == 1);
		for (ino_t n = 0; n < NR_INODES; n++)
			KTEST_EXPECT(atomic_read(&disk[n].reads) == atomic_read(&disk[n].evicts));
	}
}
