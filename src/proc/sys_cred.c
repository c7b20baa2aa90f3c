/* SPDX-License-Identifier: MIT */
/* System calls on user and group ids. An id of -1 means "leave it", and is never a valid id.
 * After every change of user ids the capabilities follow root's comings and goings unless
 * SECBIT_NO_SETUID_FIXUP says otherwise. */
#include "proc_internal.h"

#include <kernel/slab.h>
#include <kernel/sort.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

#define ID_UNCHANGED (~0u)
#define NGROUPS_MAX 65536
/* What fsuid 0 carries with it. */
#define CAP_FS_SET                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |      \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

static void fixup_caps(struct cred *c, const struct cred *old)
{
	bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool is_root = c->uid == 0 || c->euid == 0 || c->suid == 0;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS)) {
			c->cap_permitted = 0;
			c->cap_effective = 0;
		}
		c->cap_ambient = 0;
	}
	if (old->euid == 0 && c->euid != 0)
		c->cap_effective = 0;
	if (old->euid != 0 && c->euid == 0)
		c->cap_effective = c->cap_permitted;
}

/* The counters move with the real user. Going over RLIMIT_NPROC is found out at the next exec, so
 * that programs that drop privileges without checking do not stay root. */
static int change_user(struct cred *c)
{
	struct user_count *u;
	int rc = user_count_find(c->uid, &u);

	if (rc)
		return rc;
	user_count_put(c->user);
	c->user = u;
	if (u != &root_user && (u64)atomic_read(&u->processes) > rlimit_cur(current, RLIMIT_NPROC))
		current->flags |= TF_NPROC_EXCEEDED;
	else
		current->flags &= ~TF_NPROC_EXCEEDED;
	return 0;
}

static int finish_uid(struct cred *c)
{
	const struct cred *old = current_cred();
	int rc;

	if (c->uid != old->uid) {
		rc = change_user(c);
		if (rc) {
			cred_abort(c);
			return rc;
		}
	}
	c->fsuid = c->euid;
	fixup_caps(c, old);
	cred_commit(c);
	return 0;
}

SYSCALL0(getuid)
{
	return current_cred()->uid;
}
SYSCALL0(geteuid)
{
	return current_cred()->euid;
}
SYSCALL0(getgid)
{
	return current_cred()->gid;
}
SYSCALL0(getegid)
{
	return current_cred()->egid;
}

SYSCALL(setuid, u32, uid)
{
	const struct cred *old = current_cred();
	struct cred *c;
	int rc;

	if (uid == ID_UNCHANGED)
		return -EINVAL;
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (capable(CAP_SETUID)) {
		c->suid = c->uid = uid;
	} else if (uid != old->uid && uid != old->suid) {
		cred_abort(c);
		return -EPERM;
	}
	c->euid = uid;
	return finish_uid(c);
}

SYSCALL(setreuid, u32, ruid, u32, euid)
{
	const struct cred *old = current_cred();
	bool privileged = capable(CAP_SETUID);
	struct cred *c;
	int rc;

	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (ruid != ID_UNCHANGED) {
		c->uid = ruid;
		if (ruid != old->uid && ruid != old->euid && !privileged)
			goto denied;
	}
	if (euid != ID_UNCHANGED) {
		c->euid = euid;
		if (euid != old->uid && euid != old->euid && euid != old->suid && !privileged)
			goto denied;
	}
	if (ruid != ID_UNCHANGED || (euid != ID_UNCHANGED && euid != old->uid))
		c->suid = c->euid;
	return finish_uid(c);
denied:
	cred_abort(c);
	return -EPERM;
}

SYSCALL(setresuid, u32, ruid, u32, euid, u32, suid)
{
	const struct cred *old = current_cred();
	const u32 want[3] = { ruid, euid, suid };
	struct cred *c;
	int rc;

	if (!capable(CAP_SETUID)) {
		for (int i = 0; i < 3; i++) {
			if (want[i] != ID_UNCHANGED && want[i] != old->uid &&
			    want[i] != old->euid && want[i] != old->suid)
				return -EPERM;
		}
	}
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (ruid != ID_UNCHANGED)
		c->uid = ruid;
	if (euid != ID_UNCHANGED)
		c->euid = euid;
	if (suid != ID_UNCHANGED)
		c->suid = suid;
	return finish_uid(c);
}

static int put_three(struct user_ptr pa, u32 a, struct user_ptr pb, u32 b, struct user_ptr pc,
		     u32 c)
{
	if (put_user_u32(a, pa) || put_user_u32(b, pb) || put_user_u32(c, pc))
		return -EFAULT;
	return 0;
}

SYSCALL(getresuid, struct user_ptr, ruid, struct user_ptr, euid, struct user_ptr, suid)
{
	const struct cred *c = current_cred();

	return put_three(ruid, c->uid, euid, c->euid, suid, c->suid);
}

SYSCALL(getresgid, struct user_ptr, rgid, struct user_ptr, egid, struct user_ptr, sgid)
{
	const struct cred *c = current_cred();

	return put_three(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

SYSCALL(setgid, u32, gid)
{
	const struct cred *old = current_cred();
	struct cred *c;
	int rc;

	if (gid == ID_UNCHANGED)
		return -EINVAL;
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (capable(CAP_SETGID)) {
		c->gid = c->sgid = gid;
	} else if (gid != old->gid && gid != old->sgid) {
		cred_abort(c);
		return -EPERM;
	}
	c->egid = c->fsgid = gid;
	cred_commit(c);
	return 0;
}

SYSCALL(setregid, u32, rgid, u32, egid)
{
	const struct cred *old = current_cred();
	bool privileged = capable(CAP_SETGID);
	struct cred *c;
	int rc;

	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (rgid != ID_UNCHANGED) {
		if (rgid != old->gid && rgid != old->egid && !privileged)
			goto denied;
		c->gid = rgid;
	}
	if (egid != ID_UNCHANGED) {
		if (egid != old->gid && egid != old->egid && egid != old->sgid && !privileged)
			goto denied;
		c->egid = egid;
	}
	if (rgid != ID_UNCHANGED || (egid != ID_UNCHANGED && egid != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
denied:
	cred_abort(c);
	return -EPERM;
}

SYSCALL(setresgid, u32, rgid, u32, egid, u32, sgid)
{
	const struct cred *old = current_cred();
	const u32 want[3] = { rgid, egid, sgid };
	struct cred *c;
	int rc;

	if (!capable(CAP_SETGID)) {
		for (int i = 0; i < 3; i++) {
			if (want[i] != ID_UNCHANGED && want[i] != old->gid &&
			    want[i] != old->egid && want[i] != old->sgid)
				return -EPERM;
		}
	}
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	if (rgid != ID_UNCHANGED)
		c->gid = rgid;
	if (egid != ID_UNCHANGED)
		c->egid = egid;
	if (sgid != ID_UNCHANGED)
		c->sgid = sgid;
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
}

/* Both return the old value whatever happens; that is how a program finds out. */
SYSCALL(setfsuid, u32, uid)
{
	const struct cred *old = current_cred();
	u32 before = old->fsuid;
	struct cred *c;

	if (uid == ID_UNCHANGED || uid == before)
		return before;
	if (uid != old->uid && uid != old->euid && uid != old->suid && !capable(CAP_SETUID))
		return before;
	if (cred_prepare(&c))
		return before;
	c->fsuid = uid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (before == 0 && uid != 0)
			c->cap_effective &= ~CAP_FS_SET;
		if (before != 0 && uid == 0)
			c->cap_effective |= CAP_FS_SET & c->cap_permitted;
	}
	cred_commit(c);
	return before;
}

SYSCALL(setfsgid, u32, gid)
{
	const struct cred *old = current_cred();
	u32 before = old->fsgid;
	struct cred *c;

	if (gid == ID_UNCHANGED || gid == before)
		return before;
	if (gid != old->gid && gid != old->egid && gid != old->sgid && !capable(CAP_SETGID))
		return before;
	if (cred_prepare(&c))
		return before;
	c->fsgid = gid;
	cred_commit(c);
	return before;
}

SYSCALL(getgroups, int, size, struct user_ptr, list)
{
	const struct group_info *g = current_cred()->groups;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if (g->n > (unsigned int)size)
			return -EINVAL;
		if (copy_to_user(list, g->gid, g->n * sizeof(gid_t)))
			return -EFAULT;
	}
	return g->n;
}

static int gid_compare(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

SYSCALL(setgroups, int, size, struct user_ptr, list)
{
	struct group_info *g, *old;
	struct cred *c;
	int rc;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned int)size > NGROUPS_MAX)
		return -EINVAL;
	g = kmalloc(sizeof(*g) + (size_t)size * sizeof(gid_t), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	refcount_set(&g->refs, 1);
	g->n = (unsigned int)size;
	rc = copy_from_user(g->gid, list, (size_t)size * sizeof(gid_t));
	for (unsigned int i = 0; !rc && i < g->n; i++)
		rc = g->gid[i] == ID_UNCHANGED ? -EINVAL : 0;
	if (rc)
		goto fail;
	sort(g->gid, g->n, sizeof(gid_t), gid_compare);
	rc = cred_prepare(&c);
	if (rc)
		goto fail;
	old = c->groups;
	c->groups = g;
	cred_groups_drop(old);
	cred_commit(c);
	return 0;
fail:
	kfree(g);
	return rc;
}
