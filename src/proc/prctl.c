/* SPDX-License-Identifier: MIT */
/* prctl(2). Each option is a row of the table: a function of the remaining four arguments. What is
 * not in the table is -EINVAL, as for a Linux built without the feature. */
#include "proc_internal.h"

#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/prctl.h>

struct prctl_args {
	u64 a[4];
};
typedef long prctl_fn(const struct prctl_args *p);

static bool rest_zero(const struct prctl_args *p, unsigned int from)
{
	for (unsigned int i = from; i < 4; i++) {
		if (p->a[i])
			return false;
	}
	return true;
}

static long set_pdeathsig(const struct prctl_args *p)
{
	if (p->a[0] > NSIG)
		return -EINVAL;
	current->pdeath_signal = (u32)p->a[0];
	return 0;
}

static long get_pdeathsig(const struct prctl_args *p)
{
	return put_user_u32(current->pdeath_signal, USER_PTR(p->a[0]));
}

static long get_dumpable(const struct prctl_args *p __maybe_unused)
{
	return current->process->dumpable;
}

static long set_dumpable(const struct prctl_args *p)
{
	if (p->a[0] > 1)
		return -EINVAL;
	WRITE_ONCE(current->process->dumpable, (int)p->a[0]);
	return 0;
}

static long change_securebits(u32 bits)
{
	struct cred *c;
	int rc = cred_prepare(&c);

	if (rc)
		return rc;
	c->securebits = bits;
	cred_commit(c);
	return 0;
}

static long get_keepcaps(const struct prctl_args *p)
{
	if (!rest_zero(p, 0))
		return -EINVAL;
	return !!(current_cred()->securebits & SECBIT_KEEP_CAPS);
}

static long set_keepcaps(const struct prctl_args *p)
{
	u32 bits = current_cred()->securebits;

	if (p->a[0] > 1)
		return -EINVAL;
	if (bits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	return change_securebits(p->a[0] ? bits | SECBIT_KEEP_CAPS : bits & ~SECBIT_KEEP_CAPS);
}

static long get_securebits(const struct prctl_args *p)
{
	if (!rest_zero(p, 0))
		return -EINVAL;
	return current_cred()->securebits;
}

/* A lock never opens; a locked bit never changes. */
static long set_securebits(const struct prctl_args *p)
{
	u32 old = current_cred()->securebits, new = (u32)p->a[0];

	if (((old & SECURE_ALL_LOCKS) >> 1 & (old ^ new)) || (old & SECURE_ALL_LOCKS & ~new) ||
	    (p->a[0] & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) || !capable(CAP_SETPCAP))
		return -EPERM;
	return change_securebits(new);
}

static long set_name(const struct prctl_args *p)
{
	char name[16];
	ssize_t n = strncpy_from_user(name, USER_PTR(p->a[0]), sizeof(name) - 1);

	if (n == -ENAMETOOLONG)
		n = sizeof(name) - 1;
	if (n < 0)
		return n;
	name[n] = '\0';
	comm_set(current, name);
	return 0;
}

static long get_name(const struct prctl_args *p)
{
	char name[16];

	memcpy(name, current->comm, sizeof(name));
	return copy_to_user(USER_PTR(p->a[0]), name, sizeof(name));
}

static long capbset_read(const struct prctl_args *p)
{
	if (p->a[0] > CAP_LAST_CAP)
		return -EINVAL;
	return (long)(current_cred()->cap_bset >> p->a[0] & 1);
}

static long capbset_drop(const struct prctl_args *p)
{
	struct cred *c;
	int rc;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (p->a[0] > CAP_LAST_CAP)
		return -EINVAL;
	rc = cred_prepare(&c);
	if (rc)
		return rc;
	c->cap_bset &= ~BIT(p->a[0]);
	cred_commit(c);
	return 0;
}

static long ambient_change(u64 set)
{
	struct cred *c;
	int rc = cred_prepare(&c);

	if (rc)
		return rc;
	c->cap_ambient = set;
	cred_commit(c);
	return 0;
}

static long cap_ambient(const struct prctl_args *p)
{
	const struct cred *c = current_cred();
	u64 op = p->a[0], bit;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		return rest_zero(p, 1) ? ambient_change(0) : -EINVAL;
	if (p->a[1] > CAP_LAST_CAP || !rest_zero(p, 2))
		return -EINVAL;
	bit = BIT(p->a[1]);
	switch (op) {
	case PR_CAP_AMBIENT_IS_SET:
		return !!(c->cap_ambient & bit);
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->cap_permitted & c->cap_inheritable & bit) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		return ambient_change(c->cap_ambient | bit);
	case PR_CAP_AMBIENT_LOWER:
		return ambient_change(c->cap_ambient & ~bit);
	default:
		return -EINVAL;
	}
}

static long get_timing(const struct prctl_args *p __maybe_unused)
{
	return PR_TIMING_STATISTICAL;
}

static long set_timing(const struct prctl_args *p)
{
	return p->a[0] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
}

static long get_tsc(const struct prctl_args *p)
{
	return put_user_u32(PR_TSC_ENABLE, USER_PTR(p->a[0]));
}

/* RDTSC can not be forbidden here. */
static long set_tsc(const struct prctl_args *p)
{
	return p->a[0] == PR_TSC_ENABLE ? 0 : -EINVAL;
}

static long set_timerslack(const struct prctl_args *p)
{
	struct task *t = current;

	t->timer_slack_ns = (s64)p->a[0] <= 0 ? t->default_timer_slack_ns : p->a[0];
	return 0;
}

static long get_timerslack(const struct prctl_args *p __maybe_unused)
{
	return (long)min(current->timer_slack_ns, (u64)INT64_MAX);
}

static long set_subreaper(const struct prctl_args *p)
{
	struct process *self = current->process, *c;
	pid_t nr = 1;

	spin_lock_irq(&tasklist_lock);
	self->is_child_subreaper = p->a[0];
	spin_unlock_irq(&tasklist_lock);
	if (!p->a[0])
		return 0;
	/* Descendants that exist already must look for a reaper too. Marking more processes than
	 * those costs them a walk to the root when they exit, nothing else. */
	while ((c = process_next_get(&nr)) != NULL) {
		nr++;
		if (c != self && c->parent != &idle_process)
			WRITE_ONCE(c->has_child_subreaper, true);
		process_put(c);
	}
	return 0;
}

static long get_subreaper(const struct prctl_args *p)
{
	return put_user_u32(current->process->is_child_subreaper, USER_PTR(p->a[0]));
}

static long set_no_new_privs(const struct prctl_args *p)
{
	if (p->a[0] != 1 || !rest_zero(p, 1))
		return -EINVAL;
	current->no_new_privs = true;
	return 0;
}

static long get_no_new_privs(const struct prctl_args *p)
{
	if (!rest_zero(p, 0))
		return -EINVAL;
	return current->no_new_privs;
}

/* Huge pages are not made behind a program's back: nothing to disable. */
static long get_thp_disable(const struct prctl_args *p)
{
	return rest_zero(p, 0) ? 0 : -EINVAL;
}

static long set_thp_disable(const struct prctl_args *p)
{
	return rest_zero(p, 1) ? 0 : -EINVAL;
}

static long mce_kill(const struct prctl_args *p)
{
	if (!rest_zero(p, 2) || p->a[0] > 1 || (p->a[0] == 1 && p->a[1] > 2))
		return -EINVAL;
	return 0;
}

static long mce_kill_get(const struct prctl_args *p)
{
	return rest_zero(p, 0) ? 2 /* the default policy */ : -EINVAL;
}

/* Where the program's parts are said to be: for programs that move themselves. */
static long set_mm(const struct prctl_args *p)
{
	struct mm *mm = current->mm;
	u64 addr = p->a[1], *field;

	if (!rest_zero(p, 2))
		return -EINVAL;
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (addr >= USER_END || addr < PAGE_SIZE)
		return -EINVAL;
	switch (p->a[0]) {
	case PR_SET_MM_START_CODE: field = &mm->start_code; break;
	case PR_SET_MM_END_CODE: field = &mm->end_code; break;
	case PR_SET_MM_START_DATA: field = &mm->start_data; break;
	case PR_SET_MM_END_DATA: field = &mm->end_data; break;
	case PR_SET_MM_START_STACK: field = &mm->start_stack; break;
	case PR_SET_MM_ARG_START: field = &mm->arg_start; break;
	case PR_SET_MM_ARG_END: field = &mm->arg_end; break;
	case PR_SET_MM_ENV_START: field = &mm->env_start; break;
	case PR_SET_MM_ENV_END: field = &mm->env_end; break;
	default: return -EINVAL;
	}
	down_write(&mm->lock);
	*field = addr;
	up_write(&mm->lock);
	return 0;
}

static const struct {
	u32 option;
	prctl_fn *fn;
} options[] = {
	{ PR_SET_PDEATHSIG, set_pdeathsig },
	{ PR_GET_PDEATHSIG, get_pdeathsig },
	{ PR_GET_DUMPABLE, get_dumpable },
	{ PR_SET_DUMPABLE, set_dumpable },
	{ PR_GET_KEEPCAPS, get_keepcaps },
	{ PR_SET_KEEPCAPS, set_keepcaps },
	{ PR_GET_TIMING, get_timing },
	{ PR_SET_TIMING, set_timing },
	{ PR_SET_NAME, set_name },
	{ PR_GET_NAME, get_name },
	{ PR_CAPBSET_READ, capbset_read },
	{ PR_CAPBSET_DROP, capbset_drop },
	{ PR_GET_TSC, get_tsc },
	{ PR_SET_TSC, set_tsc },
	{ PR_GET_SECUREBITS, get_securebits },
	{ PR_SET_SECUREBITS, set_securebits },
	{ PR_SET_TIMERSLACK, set_timerslack },
	{ PR_GET_TIMERSLACK, get_timerslack },
	{ PR_MCE_KILL, mce_kill },
	{ PR_MCE_KILL_GET, mce_kill_get },
	{ PR_SET_MM, set_mm },
	{ PR_SET_CHILD_SUBREAPER, set_subreaper },
	{ PR_GET_CHILD_SUBREAPER, get_subreaper },
	{ PR_SET_NO_NEW_PRIVS, set_no_new_privs },
	{ PR_GET_NO_NEW_PRIVS, get_no_new_privs },
	{ PR_SET_THP_DISABLE, set_thp_disable },
	{ PR_GET_THP_DISABLE, get_thp_disable },
	{ PR_CAP_AMBIENT, cap_ambient },
};

SYSCALL(prctl, int, option, u64, arg2, u64, arg3, u64, arg4, u64, arg5)
{
	const struct prctl_args args = { { arg2, arg3, arg4, arg5 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].option == (u32)option)
			return options[i].fn(&args);
	}
	return -EINVAL;
}
