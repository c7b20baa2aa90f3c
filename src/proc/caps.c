/* SPDX-License-Identifier: MIT */
/* capget(2), capset(2). Three header versions: the first has 32 capabilities, the others 64. */
#include "proc_internal.h"

#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

/* Number of 32-bit words a version has; an unknown version is answered with ours. */
static int header_words(struct user_ptr uhdr, struct user_cap_header *h, unsigned int *words)
{
	if (get_user_u32(&h->version, uhdr))
		return -EFAULT;
	switch (h->version) {
	case LINUX_CAPABILITY_VERSION_1:
		*words = 1;
		return 0;
	case LINUX_CAPABILITY_VERSION_2:
	case LINUX_CAPABILITY_VERSION_3:
		*words = 2;
		return 0;
	default:
		if (put_user_u32(LINUX_CAPABILITY_VERSION_3, uhdr))
			return -EFAULT;
		return -EINVAL;
	}
}

static int cred_of_pid(pid_t pid, const struct cred **out)
{
	struct task *t;

	if (pid == 0 || pid == (pid_t)current->tid) {
		*out = cred_get(current_cred());
		return 0;
	}
	t = task_find_get(pid);
	if (!t)
		return -ESRCH;
	*out = task_cred_get(t);
	task_put(t);
	return 0;
}

SYSCALL(capget, struct user_ptr, uhdr, struct user_ptr, udata)
{
	struct user_cap_header h;
	struct user_cap_data d[2];
	const struct cred *c;
	unsigned int words;
	int rc = header_words(uhdr, &h, &words);

	if (rc || user_ptr_is_null(udata))
		return user_ptr_is_null(udata) && rc == -EINVAL ? 0 : rc;
	if (get_user_u32((u32 *)&h.pid, user_ptr_add(uhdr, 4)))
		return -EFAULT;
	if (h.pid < 0)
		return -EINVAL;
	rc = cred_of_pid(h.pid, &c);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < 2; i++) {
		d[i].effective = (u32)(c->cap_effective >> (32 * i));
		d[i].permitted = (u32)(c->cap_permitted >> (32 * i));
		d[i].inheritable = (u32)(c->cap_inheritable >> (32 * i));
	}
	cred_put(c);
	return copy_to_user(udata, d, words * sizeof(d[0]));
}

SYSCALL(capset, struct user_ptr, uhdr, struct user_ptr, udata)
{
	const struct cred *old = current_cred();
	struct user_cap_header h;
	struct user_cap_data d[2] = { { 0 }, { 0 } };
	u64 eff, perm, inh;
	unsigned int words;
	struct cred *c;
	int rc = header_words(uhdr, &h, &words);

	if (rc)
		return rc;
	if (get_user_u32((u32 *)&h.pid, user_ptr_add(uhdr, 4)))
		return -EFAULT;
	if (h.pid != 0 && h.pid != (pid_t)current->tid)
		return -EPERM;
	if (copy_from_user(d, udata, words * sizeof(d[0])))
		return -EFAULT;
	eff = (d[0].effective | (u64)d[1].effective << 32) & CAP_FULL_SET;
	perm = (d[0].permitted | (u64)d[1].permitted << 32) & CAP_FULL_SET;
	inh = (d[0].inheritable | (u64)d[1].inheritable << 32) & CAP_FULL_SET;

	if (!capable(CAP_SETPCAP) && (inh & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if (inh & ~(old->cap_inheritable | old->cap_bset))
		return -EPERM;
	if ((perm & ~old->cap_permitted) || (eff & ~perm))
		return -EPERM;
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	c->cap_effective = eff;
	c->cap_inheritable = inh;
	c->cap_permitted = perm;
	c->cap_ambient &= perm & inh;
	cred_commit(c);
	return 0;
}
