/* SPDX-License-Identifier: MIT */
/* System V shared memory: shmget, shmat, shmdt, shmctl over tmpfs objects.
 *
 * A segment is an anonymous tmpfs file; attaching maps it with operations that count attachments
 * through fork, split and exit. IPC_RMID hides the segment's key; it goes with the last attachment.
 * An id is index + 32768 * generation of that index, so that an old id is not mistaken for a new
 * segment. Locking: shm_lock for everything; it nests inside mm->lock (attachment counts change
 * there). Files are mapped and dropped without it. Lifetime: a segment is referenced by the id
 * table and by every attachment. */
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/idr.h>
#include <kernel/printf.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/shm.h>

#include "vma.h"

#define SHMMNI	 4096
#define SHM_MAX	 (~0ul - (1ul << 24))
#define ID_SHIFT 15

/* L: shm_lock  C: const */
struct shm {
	int id;			 /* C */
	s32 key;		 /* L */
	u32 mode;		 /* L: permission bits, SHM_DEST, SHM_LOCKED */
	u32 uid, gid;		 /* L */
	u32 cuid, cgid;		 /* C */
	u64 size;		 /* C: bytes as asked */
	struct file *file;	 /* C */
	u64 nattch;		 /* L */
	s64 atime, dtime, ctime; /* L: seconds */
	s32 cpid, lpid;		 /* L */
	bool gone;		 /* L: out of the table */
};

static DEFINE_MUTEX(shm_lock, LOCK_SLEEP_INNER);
static struct idr segments = IDR_INIT; /* L */
static u32 generation;		       /* L */
static u64 total_pages;		       /* L */

static s64 now_seconds(void)
{
	return (s64)(ktime_get_real() / NSEC_PER_SEC);
}

static u64 shm_pages(const struct shm *s)
{
	return (s->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static struct shm *shm_find(int id)
{
	struct shm *s = id < 0 ? NULL : idr_find(&segments, id & ((1 << ID_SHIFT) - 1));

	return s && s->id == id ? s : NULL;
}

/* want: bits of 0444, 0222 and 0111. */
static int shm_permission(const struct shm *s, u32 want)
{
	const struct cred *c = current_cred();
	u32 have = s->mode;

	if (c->euid == s->cuid || c->euid == s->uid)
		have >>= 6;
	else if (cred_in_group(c, s->cgid) || cred_in_group(c, s->gid))
		have >>= 3;
	want = (want >> 6 | want >> 3 | want) & 7;
	return !(want & ~have & 7) || capable(CAP_IPC_OWNER) ? 0 : -EACCES;
}

/* Takes s out of the table; the caller frees it after unlocking. */
static void shm_forget(struct shm *s)
{
	idr_remove(&segments, s->id & ((1 << ID_SHIFT) - 1));
	total_pages -= shm_pages(s);
	s->gone = true;
}

static void shm_free(struct shm *s)
{
	if (!s)
		return;
	file_put(s->file);
	kfree(s);
}

/* --- attachments --- */

static void shm_open(struct vma *v)
{
	struct shm *s = v->private;

	mutex_lock(&shm_lock);
	s->nattch++;
	s->atime = now_seconds();
	s->lpid = current->process->tgid;
	mutex_unlock(&shm_lock);
}

static void shm_close(struct vma *v)
{
	struct shm *s = v->private, *dead = NULL;

	mutex_lock(&shm_lock);
	s->nattch--;
	s->dtime = now_seconds();
	s->lpid = current->process->tgid;
	if (!s->nattch && s->mode & SHM_DEST) {
		shm_forget(s);
		dead = s;
	}
	mutex_unlock(&shm_lock);
	shm_free(dead);
}

static const struct vm_ops shm_vm_ops = {
	.open = shm_open,
	.close = shm_close,
	.fault = mapping_fault,
};

/* --- shmget --- */

/* A segment that is not in the table yet; without shm_lock, because files have locks of their own.
 */
static int shm_create(s32 key, u64 size, u32 flags, struct shm **out)
{
	const struct cred *c = current_cred();
	struct shm *s;
	int rc;

	if (size < 1 || size > SHM_MAX)
		return -EINVAL;
	if (flags & SHM_HUGETLB) {
		u32 log = flags >> 26 & 63;

		/* There is no pool of huge pages. */
		return log == 0 || log == 21 || log == 30 ? -ENOMEM : -EINVAL;
	}
	if ((size + PAGE_SIZE - 1) >> PAGE_SHIFT > pages_total_count())
		return -ENOMEM;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	rc = shmem_file_create("SYSV", size, &s->file);
	if (rc) {
		kfree(s);
		return rc;
	}
	s->key = key;
	s->size = size;
	s->mode = flags & 0777;
	s->uid = s->cuid = c->euid;
	s->gid = s->cgid = c->egid;
	s->cpid = current->process->tgid;
	s->ctime = now_seconds();
	*out = s;
	return 0;
}

static int shm_insert(struct shm *s)
{
	int rc = idr_alloc(&segments, s, 0, SHMMNI, GFP_KERNEL);

	if (rc < 0)
		return rc;
	s->id = rc | (int)(generation++ & 0xffff) << ID_SHIFT;
	total_pages += shm_pages(s);
	return s->id;
}

/* Id of the segment with this key, or -errno; -ENOENT: there is none. */
static int shm_by_key(s32 key, u64 size, u32 flags)
{
	struct shm *s;
	int i;

	idr_for_each_entry(&segments, s, i)
	{
		int rc;

		if (s->key != key)
			continue;
		if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
			return -EEXIST;
		if (size > s->size)
			return -EINVAL;
		rc = shm_permission(s, flags & 0666);
		return rc ? rc : s->id;
	}
	return -ENOENT;
}

SYSCALL(shmget, s32, key, u64, size, u32, flags)
{
	struct shm *s = NULL;
	int rc = -ENOENT;

	if ((s64)size < 0)
		return -EINVAL;
	mutex_lock(&shm_lock);
	if (key != IPC_PRIVATE)
		rc = shm_by_key(key, size, flags);
	mutex_unlock(&shm_lock);
	if (rc != -ENOENT || (key != IPC_PRIVATE && !(flags & IPC_CREAT)))
		return rc;
	rc = shm_create(key, size, flags, &s);
	if (rc)
		return rc;
	mutex_lock(&shm_lock);
	/* Somebody may have been faster. */
	rc = key == IPC_PRIVATE ? -ENOENT : shm_by_key(key, size, flags);
	if (rc == -ENOENT) {
		rc = shm_insert(s);
		if (rc >= 0)
			s = NULL;
	}
	mutex_unlock(&shm_lock);
	shm_free(s);
	return rc;
}

/* --- shmat, shmdt --- */

/* Finds and checks; holds an attachment so that the segment stays while it is being mapped. */
static int shm_hold(int id, u32 flags, struct shm **out)
{
	u32 want = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	struct shm *s;
	int rc = -EINVAL;

	mutex_lock(&shm_lock);
	s = shm_find(id);
	if (s)
		rc = shm_permission(s, want);
	if (!rc) {
		s->nattch++;
		*out = s;
	}
	mutex_unlock(&shm_lock);
	return rc;
}

static void shm_unhold(struct shm *s)
{
	struct shm *dead = NULL;

	mutex_lock(&shm_lock);
	if (!--s->nattch && s->mode & SHM_DEST) {
		shm_forget(s);
		dead = s;
	}
	mutex_unlock(&shm_lock);
	shm_free(dead);
}

SYSCALL(shmat, int, id, u64, addr, u32, flags)
{
	struct mmap_req rq = { .addr = addr, .flags = MAP_SHARED, .ops = &shm_vm_ops };
	struct shm *s;
	long rc;

	if (id < 0)
		return -EINVAL;
	if (addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		rq.addr = addr & PAGE_MASK;
		if (!rq.addr && flags & SHM_REMAP)
			return -EINVAL;
	}
	if (rq.addr)
		rq.flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	else if (flags & SHM_REMAP)
		return -EINVAL;
	rc = shm_hold(id, flags, &s);
	if (rc)
		return rc;
	rq.prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
		  (flags & SHM_EXEC ? PROT_EXEC : 0);
	/* The file can be written, but this attachment never. */
	rq.deny = flags & SHM_RDONLY ? VM_MAYWRITE : 0;
	rq.len = s->size;
	rq.file = s->file;
	rq.private = s;
	rc = do_mmap(&rq);
	shm_unhold(s);
	return rc == -EEXIST ? -EINVAL : rc;
}

/* Unmaps the areas of the segment that was attached at addr. -EINVAL: none. */
static int detach(struct mm *mm, u64 addr)
{
	struct vma *v, *next;
	const void *segment = NULL;
	u64 end = ~0ul;
	int rc = -EINVAL;

	for (v = vma_find(mm, addr); v && v->start < end; v = next) {
		next = v->next;
		if (v->ops != &shm_vm_ops || v->start - (v->pgoff << PAGE_SHIFT) != addr ||
		    (segment && v->private != segment))
			continue;
		segment = v->private;
		end = addr + ALIGN_UP(((const struct shm *)v->private)->size, PAGE_SIZE);
		rc = munmap_locked(mm, v->start, v->end - v->start);
		if (rc)
			break;
	}
	return rc;
}

SYSCALL(shmdt, u64, addr)
{
	struct mm *mm = current->mm;
	int rc;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	rc = detach(mm, addr);
	up_write(&mm->lock);
	return rc;
}

/* --- shmctl --- */

static void shm_describe(const struct shm *s, struct user_shmid_ds *d)
{
	*d = (struct user_shmid_ds){
		.perm = { .key = s->key,
			  .uid = s->uid,
			  .gid = s->gid,
			  .cuid = s->cuid,
			  .cgid = s->cgid,
			  .mode = s->mode,
			  .seq = (u16)(s->id >> ID_SHIFT) },
		.segsz = s->size,
		.atime = s->atime,
		.dtime = s->dtime,
		.ctime = s->ctime,
		.cpid = s->cpid,
		.lpid = s->lpid,
		.nattch = s->nattch,
	};
}

static long shm_stat(int id, int cmd, struct user_ptr buf)
{
	struct user_shmid_ds d;
	struct shm *s;
	long rc = -EINVAL;

	mutex_lock(&shm_lock);
	s = cmd == IPC_STAT ? shm_find(id) : id >= 0 ? idr_find(&segments, id) : NULL;
	if (s)
		rc = cmd == SHM_STAT_ANY ? 0 : shm_permission(s, 0444);
	if (!rc) {
		shm_describe(s, &d);
		rc = cmd == IPC_STAT ? 0 : s->id;
	}
	mutex_unlock(&shm_lock);
	if (rc >= 0 && copy_to_user(buf, &d, sizeof(d)))
		return -EFAULT;
	return rc;
}

static int highest_index(void)
{
	struct shm *s;
	int i, top = 0;

	idr_for_each_entry(&segments, s, i) top = i;
	return top;
}

static long shm_info(int cmd, struct user_ptr buf)
{
	struct user_shminfo limits = { .shmmax = SHM_MAX,
				       .shmmin = 1,
				       .shmmni = SHMMNI,
				       .shmseg = SHMMNI,
				       .shmall = SHM_MAX };
	struct user_shm_info use = { 0 };
	struct shm *s;
	int i, top;

	mutex_lock(&shm_lock);
	use.used_ids = (s32)segments.count;
	use.tot = total_pages;
	idr_for_each_entry(&segments, s, i) use.rss += READ_ONCE(s->file->inode->mapping->nr_pages);
	top = highest_index();
	mutex_unlock(&shm_lock);
	if (cmd == IPC_INFO ? copy_to_user(buf, &limits, sizeof(limits))
			    : copy_to_user(buf, &use, sizeof(use)))
		return -EFAULT;
	return top;
}

/* IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK. */
static long shm_change(int id, int cmd, const struct user_shmid_ds *d)
{
	const struct cred *c = current_cred();
	struct shm *s, *dead = NULL;
	long rc = 0;
	bool owner;

	mutex_lock(&shm_lock);
	s = shm_find(id);
	if (!s) {
		mutex_unlock(&shm_lock);
		return -EINVAL;
	}
	owner = c->euid == s->uid || c->euid == s->cuid;
	if (cmd == SHM_LOCK || cmd == SHM_UNLOCK) {
		if (!capable(CAP_IPC_LOCK) &&
		    (!owner || (cmd == SHM_LOCK && !rlimit_cur(current, RLIMIT_MEMLOCK))))
			rc = -EPERM;
		else if (cmd == SHM_LOCK)
			s->mode |= SHM_LOCKED;
		else
			s->mode &= ~(u32)SHM_LOCKED;
	} else if (!owner && !capable(CAP_SYS_ADMIN)) {
		rc = -EPERM;
	} else if (cmd == IPC_SET) {
		s->uid = d->perm.uid;
		s->gid = d->perm.gid;
		s->mode = (s->mode & ~0777u) | (d->perm.mode & 0777);
		s->ctime = now_seconds();
	} else if (s->nattch) {
		s->mode |= SHM_DEST;
		s->key = IPC_PRIVATE;
	} else {
		shm_forget(s);
		dead = s;
	}
	mutex_unlock(&shm_lock);
	shm_free(dead);
	return rc;
}

SYSCALL(shmctl, int, id, int, cmd, struct user_ptr, buf)
{
	struct user_shmid_ds d;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return shm_info(cmd, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(id, cmd, buf);
	case IPC_SET:
		if (copy_from_user(&d, buf, sizeof(d)))
			return -EFAULT;
		fallthrough;
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_change(id, cmd, &d);
	default:
		return -EINVAL;
	}
}

/* --- /proc/sysvipc/shm --- */

static int shm_show(struct strbuf *sb)
{
	struct shm *s;
	int i;

	sb_puts(sb, "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		    "gid  cuid  cgid      atime      dtime      ctime                   rss       "
		    "           swap\n");
	mutex_lock(&shm_lock);
	idr_for_each_entry(&segments, s, i)
		sb_printf(sb,
			  "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10lld %10lld "
			  "%10lld %21llu %21u\n",
			  s->key, s->id, s->mode, (unsigned long long)s->size, s->cpid, s->lpid,
			  (unsigned long long)s->nattch, s->uid, s->gid, s->cuid, s->cgid,
			  (long long)s->atime, (long long)s->dtime, (long long)s->ctime,
			  (unsigned long long)(s->file->inode->mapping->nr_pages << PAGE_SHIFT), 0);
	mutex_unlock(&shm_lock);
	return 0;
}
PROC_FILE(sysvipc_shm, "sysvipc/shm", 0444, shm_show);
