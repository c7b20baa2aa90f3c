/* SPDX-License-Identifier: MIT */
/* Locks on files: POSIX record locks (per process), OFD record locks (per open description), flock.
 *
 * Owns: struct file_lock_context of an inode, made with the first lock and kept until the inode
 * ends. Record locks are a list sorted by start without overlaps per owner; flock locks a list of
 * their own.
 * Invariants: two granted record locks of different owners overlap only when both are
 * read locks. A request that has to wait is on flctx->waiters and knows the lock that blocks it
 * (blocker), which is what the search for deadlocks follows; it is woken when any lock of the file
 * goes.
 * Locking: flctx->lock (LOCK_FLOCK) for lists; deadlock_lock around the search and the entry
 * into the wait. Memory is allocated before the lock is taken. */
#include "vfs_internal.h"
#include "lock_internal.h"

#include <fs/procfs.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/wait.h>

#define OFFSET_MAX INT64_MAX

struct file_lock {
	struct list_head node;
	const void *owner; /* struct files, struct file (OFD, flock) */
	loff_t start, end; /* inclusive */
	pid_t pid;	   /* shown by F_GETLK; -1 for OFD */
	u8 type;	   /* F_RDLCK, F_WRLCK */
};

struct lock_waiter {
	struct list_head node;	     /* flctx->lock */
	struct list_head all;	     /* deadlock_lock */
	const void *owner, *blocker; /* deadlock_lock */
};

struct file_lock_context {
	struct spinlock lock;
	struct list_head records; /* sorted by start */
	struct list_head flocks;
	struct wait_queue wq;
	struct inode *inode;
	struct list_head all; /* contexts_lock: for /proc/locks */
};

static DEFINE_MUTEX(contexts_lock, LOCK_SLEEP_INNER);
static LIST_HEAD(contexts);
static DEFINE_SPINLOCK(deadlock_lock, LOCK_LEAF);
static LIST_HEAD(all_waiters);

static int context_of(struct inode *i, struct file_lock_context **out)
{
	struct file_lock_context *c = smp_load_acquire(&i->flctx), *fresh;

	if (!c) {
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
		if (!fresh)
			return -ENOMEM;
		spin_lock_init(&fresh->lock, LOCK_FLOCK);
		list_init(&fresh->records);
		list_init(&fresh->flocks);
		wait_queue_init(&fresh->wq);
		fresh->inode = i;
		mutex_lock(&contexts_lock);
		if (!i->flctx) {
			list_add_tail(&fresh->all, &contexts);
			smp_store_release(&i->flctx, fresh);
			fresh = NULL;
		}
		mutex_unlock(&contexts_lock);
		kfree(fresh);
		c = i->flctx;
	}
	*out = c;
	return 0;
}

/* The inode ends. */
void locks_free_context(struct inode *i)
{
	struct file_lock_context *c = i->flctx;

	if (!c)
		return;
	mutex_lock(&contexts_lock);
	list_del(&c->all);
	mutex_unlock(&contexts_lock);
	i->flctx = NULL;
	kfree(c);
}

/* --- record locks; c->lock held --- */

static bool overlap(const struct file_lock *a, loff_t start, loff_t end)
{
	return a->start <= end && start <= a->end;
}

static struct file_lock *find_conflict(struct file_lock_context *c, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry(l, &c->records, node) {
		if (l->owner != want->owner && overlap(l, want->start, want->end) &&
		    (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	}
	return NULL;
}

static void insert_sorted(struct file_lock_context *c, struct file_lock *n)
{
	struct file_lock *l;

	list_for_each_entry(l, &c->records, node) {
		if (l->start > n->start) {
			list_add_tail(&n->node, &l->node);
			return;
		}
	}
	list_add_tail(&n->node, &c->records);
}

/* Takes [start, end] away from the owner's locks. One lock can be cut in two: *spare is used then.
 * True when something was freed for others. */
static bool carve(struct file_lock_context *c, const void *owner, loff_t start, loff_t end,
		  struct file_lock **spare, struct list_head *dead)
{
	struct file_lock *l, *tmp;
	bool freed = false;

	list_for_each_entry_safe(l, tmp, &c->records, node) {
		if (l->owner != owner || !overlap(l, start, end))
			continue;
		freed = true;
		if (l->start < start && l->end > end) {
			struct file_lock *right = *spare;

			*spare = NULL;
			*right = *l;
			right->start = end + 1;
			l->end = start - 1;
			insert_sorted(c, right);
			break;
		}
		if (l->start < start) {
			l->end = start - 1;
		} else if (l->end > end) {
			l->start = end + 1;
			list_del(&l->node);
			insert_sorted(c, l);
			/* The list changed behind tmp at most by this lock, which does not overlap
			 * now. */
		} else {
			list_move(&l->node, dead);
		}
	}
	return freed;
}

/* Joins the new lock with neighbours of the same owner and type. */
static void merge(struct file_lock_context *c, struct file_lock *n, struct list_head *dead)
{
	struct file_lock *l, *tmp;

	list_for_each_entry_safe(l, tmp, &c->records, node) {
		if (l == n || l->owner != n->owner || l->type != n->type)
			continue;
		if ((l->end != OFFSET_MAX && l->end + 1 == n->start) ||
		    (n->end != OFFSET_MAX && n->end + 1 == l->start)) {
			n->start = min(n->start, l->start);
			n->end = max(n->end, l->end);
			list_move(&l->node, dead);
		}
	}
	list_del(&n->node);
	insert_sorted(c, n);
}

static void free_locks(struct list_head *dead)
{
	struct file_lock *l, *tmp;

	list_for_each_entry_safe(l, tmp, dead, node)
		kfree(l);
}

/* --- waiting --- */

/* Would `owner` waiting for `blocker` close a circle? deadlock_lock held. Only POSIX owners. */
static bool would_deadlock(const void *owner, const void *blocker)
{
	struct lock_waiter *w;

	for (unsigned int steps = 0; steps < 64; steps++) {
		const void *next = NULL;

		if (blocker == owner)
			return true;
		list_for_each_entry(w, &all_waiters, all) {
			if (w->owner == blocker) {
				next = w->blocker;
				break;
			}
		}
		if (!next)
			return false;
		blocker = next;
	}
	return false;
}

static int waiter_enter(struct lock_waiter *w, const void *owner, const void *blocker, bool check)
{
	int rc = 0;

	spin_lock(&deadlock_lock);
	if (check && would_deadlock(owner, blocker)) {
		rc = -EDEADLK;
	} else {
		w->owner = owner;
		w->blocker = blocker;
		list_add_tail(&w->all, &all_waiters);
	}
	spin_unlock(&deadlock_lock);
	return rc;
}

static void waiter_leave(struct lock_waiter *w)
{
	spin_lock(&deadlock_lock);
	list_del(&w->all);
	spin_unlock(&deadlock_lock);
}

/* Grants or refuses now: 0, -EAGAIN with *blocker, -ENOLCK. */
static int record_try(struct file_lock_context *c, const struct file_lock *want,
		      struct file_lock *fresh, struct file_lock **spare, struct list_head *dead,
		      const void **blocker)
{
	struct file_lock *conflict = find_conflict(c, want);
	bool freed;

	if (conflict) {
		*blocker = conflict->owner;
		return -EAGAIN;
	}
	freed = carve(c, want->owner, want->start, want->end, spare, dead);
	*fresh = *want;
	insert_sorted(c, fresh);
	merge(c, fresh, dead);
	return freed ? 1 : 0;
}

static int record_unlock(struct file_lock_context *c, const void *owner, loff_t start, loff_t end)
{
	struct file_lock *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	LIST_HEAD(dead);

	if (!spare)
		return -ENOLCK;
	spin_lock(&c->lock);
	carve(c, owner, start, end, &spare, &dead);
	spin_unlock(&c->lock);
	free_locks(&dead);
	kfree(spare);
	wake_up_all(&c->wq);
	return 0;
}

static int record_lock(struct file *f, const struct file_lock *want, bool wait, bool posix)
{
	struct file_lock *fresh = NULL, *spare = NULL;
	struct file_lock_context *c;
	const void *blocker = NULL;
	struct lock_waiter w;
	LIST_HEAD(dead);
	int rc;

	rc = context_of(f->inode, &c);
	if (rc)
		return -ENOLCK;
	if (want->type == F_UNLCK)
		return record_unlock(c, want->owner, want->start, want->end);
	fresh = kmalloc(sizeof(*fresh), GFP_KERNEL);
	spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	rc = -ENOLCK;
	if (!fresh || !spare)
		goto out;
	for (;;) {
		struct wait_entry e;

		wait_entry_init(&e, NULL);
		prepare_to_wait(&c->wq, &e, TASK_INTERRUPTIBLE);
		spin_lock(&c->lock);
		rc = record_try(c, want, fresh, &spare, &dead, &blocker);
		spin_unlock(&c->lock);
		if (rc != -EAGAIN || !wait) {
			finish_wait(&c->wq, &e);
			break;
		}
		rc = waiter_enter(&w, want->owner, blocker, posix);
		if (!rc) {
			rc = wait_step(TASK_INTERRUPTIBLE, 0);
			waiter_leave(&w);
		}
		finish_wait(&c->wq, &e);
		if (rc)
			break;
	}
	if (rc >= 0) {
		fresh = NULL;
		if (rc)
			wake_up_all(&c->wq);
		rc = 0;
	}
out:
	free_locks(&dead);
	kfree(spare);
	kfree(fresh);
	return rc;
}

/* --- fcntl --- */

static int flock_range(struct file *f, const struct user_flock *u, struct file_lock *l)
{
	loff_t base, start, end;

	switch (u->l_whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		base = READ_ONCE(f->inode->size);
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, u->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = OFFSET_MAX;
	if (u->l_len > 0) {
		if (__builtin_add_overflow(start, u->l_len - 1, &end))
			return -EOVERFLOW;
	} else if (u->l_len < 0) {
		end = start - 1;
		if (start + u->l_len < 0)
			return -EINVAL;
		start += u->l_len;
	}
	l->start = start;
	l->end = end;
	return 0;
}

static long get_lock(struct file *f, struct user_flock *u, const struct file_lock *want)
{
	struct file_lock_context *c = smp_load_acquire(&f->inode->flctx);
	struct file_lock *l = NULL;

	if (c) {
		spin_lock(&c->lock);
		l = find_conflict(c, want);
		if (l) {
			u->l_type = l->type;
			u->l_whence = SEEK_SET;
			u->l_start = l->start;
			u->l_len = l->end == OFFSET_MAX ? 0 : l->end - l->start + 1;
			u->l_pid = l->pid;
		}
		spin_unlock(&c->lock);
	}
	if (!l)
		u->l_type = F_UNLCK;
	return 0;
}

long fcntl_lock(unsigned int fd, struct file *f, unsigned int cmd, struct user_ptr arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct file_lock want;
	struct user_flock u;
	struct file *again;
	long rc;

	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	if (u.l_type != F_RDLCK && u.l_type != F_WRLCK && (get || u.l_type != F_UNLCK))
		return -EINVAL;
	if (ofd && u.l_pid)
		return -EINVAL;
	rc = flock_range(f, &u, &want);
	if (rc)
		return rc;
	want.type = (u8)u.l_type;
	want.owner = ofd ? (const void *)f : (const void *)current->files;
	want.pid = ofd ? -1 : current->process->tgid;
	if (get) {
		rc = get_lock(f, &u, &want);
		if (!rc && copy_to_user(arg, &u, sizeof(u)))
			rc = -EFAULT;
		return rc;
	}
	if (u.l_type == F_RDLCK && !(f->mode & FMODE_READ))
		return -EBADF;
	if (u.l_type == F_WRLCK && !(f->mode & FMODE_WRITE))
		return -EBADF;
	rc = record_lock(f, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW, !ofd);
	/* A close of the same descriptor while we waited would leave the lock behind for ever. */
	if (!rc && !ofd && want.type != F_UNLCK && atomic_read(&current->files->refs) > 1) {
		again = files_lookup(current->files, fd);
		if (again)
			file_put(again);
		if (again != f) {
			want.type = F_UNLCK;
			(void)record_lock(f, &want, false, true);
			rc = -EBADF;
		}
	}
	return rc;
}

/* --- ends --- */

static void remove_owned(struct list_head *list, const void *owner, struct list_head *dead)
{
	struct file_lock *l, *tmp;

	list_for_each_entry_safe(l, tmp, list, node) {
		if (l->owner == owner)
			list_move(&l->node, dead);
	}
}

static void remove_all(struct inode *i, const void *owner, bool records, bool flocks)
{
	struct file_lock_context *c = smp_load_acquire(&i->flctx);
	LIST_HEAD(dead);

	if (!c)
		return;
	spin_lock(&c->lock);
	if (records)
		remove_owned(&c->records, owner, &dead);
	if (flocks)
		remove_owned(&c->flocks, owner, &dead);
	spin_unlock(&c->lock);
	if (!list_empty(&dead)) {
		free_locks(&dead);
		wake_up_all(&c->wq);
	}
}

void locks_remove_posix(struct file *f, struct files *owner)
{
	remove_all(f->inode, owner, true, false);
}

void locks_remove_file(struct file *f)
{
	remove_all(f->inode, f, true, true);
}

/* --- flock --- */

/* c->lock held. 0, or -EAGAIN. An upgrade gives the old lock up first, as documented. */
static int flock_try(struct file_lock_context *c, struct file *f, int type,
		     struct file_lock **fresh, bool *freed)
{
	struct file_lock *l, *own = NULL;

	*freed = false;
	list_for_each_entry(l, &c->flocks, node) {
		if (l->owner == f)
			own = l;
	}
	if (own && own->type == type)
		return 0;
	if (own) {
		list_del(&own->node);
		kfree(own);
		*freed = true;
	}
	list_for_each_entry(l, &c->flocks, node) {
		if (l->type == F_WRLCK || type == F_WRLCK)
			return -EAGAIN;
	}
	**fresh = (struct file_lock){
		.owner = f,
		.end = OFFSET_MAX,
		.pid = current->process->tgid,
		.type = (u8)type,
	};
	list_add_tail(&(*fresh)->node, &c->flocks);
	*fresh = NULL;
	return 0;
}

static int flock_lock(struct file *f, int type, bool wait)
{
	struct file_lock *fresh = kmalloc(sizeof(*fresh), GFP_KERNEL);
	struct file_lock_context *c;
	bool freed;
	int rc;

	if (!fresh || context_of(f->inode, &c)) {
		kfree(fresh);
		return -ENOLCK;
	}
	for (;;) {
		struct wait_entry e;

		wait_entry_init(&e, NULL);
		prepare_to_wait(&c->wq, &e, TASK_INTERRUPTIBLE);
		spin_lock(&c->lock);
		rc = flock_try(c, f, type, &fresh, &freed);
		spin_unlock(&c->lock);
		if (freed)
			wake_up_all(&c->wq);
		if (rc != -EAGAIN || !wait) {
			finish_wait(&c->wq, &e);
			break;
		}
		/* Our own wake-up for the lock given up may have ended the wait state: that only
		 * costs one more round. */
		rc = wait_step(TASK_INTERRUPTIBLE, 0);
		finish_wait(&c->wq, &e);
		if (rc)
			break;
	}
	kfree(fresh);
	return rc;
}

SYSCALL(flock, unsigned int, fd, unsigned int, cmd)
{
	bool wait = !(cmd & LOCK_NB);
	struct fdref r;
	int rc;

	if (cmd & LOCK_MAND)
		return 0; /* as Linux since 5.15: mandatory locks are gone */
	cmd &= ~(unsigned int)LOCK_NB;
	if (cmd != LOCK_SH && cmd != LOCK_EX && cmd != LOCK_UN)
		return -EINVAL;
	rc = fdget(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	if (cmd == LOCK_UN)
		remove_all(r.file->inode, r.file, false, true);
	else if (!(r.file->mode & (FMODE_READ | FMODE_WRITE)))
		rc = -EBADF;
	else
		rc = flock_lock(r.file, cmd == LOCK_SH ? F_RDLCK : F_WRLCK, wait);
	fd_put(r);
	return rc;
}

/* --- /proc/locks --- */

static void show_list(struct strbuf *sb, struct file_lock_context *c, struct list_head *list,
		      const char *kind, unsigned int *nr)
{
	struct file_lock *l;

	list_for_each_entry(l, list, node) {
		sb_printf(sb, "%u: %s  ADVISORY  %s %d %02x:%02x:%llu %lld ", ++*nr,
			  l->pid == -1 ? "OFDLCK" : kind, l->type == F_WRLCK ? "WRITE" : "READ ",
			  l->pid, MAJOR(c->inode->sb->dev), MINOR(c->inode->sb->dev),
			  (unsigned long long)c->inode->ino, (long long)l->start);
		if (l->end == OFFSET_MAX)
			sb_puts(sb, "EOF\n");
		else
			sb_printf(sb, "%lld\n", (long long)l->end);
	}
}

static int locks_show(struct strbuf *sb)
{
	struct file_lock_context *c;
	unsigned int nr = 0;

	mutex_lock(&contexts_lock);
	list_for_each_entry(c, &contexts, all) {
		spin_lock(&c->lock);
		show_list(sb, c, &c->records, "POSIX ", &nr);
		show_list(sb, c, &c->flocks, "FLOCK ", &nr);
		spin_unlock(&c->lock);
	}
	mutex_unlock(&contexts_lock);
	return 0;
}
PROC_FILE(locks, "locks", 0444, locks_show);
