/* SPDX-License-Identifier: MIT */
/* Users and groups, capabilities, resource limits, nice values, scheduling classes, affinity. */
#include "abi.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

/* musl's set*id tell all threads; the calls themselves are wanted here. */
#define SYS1(name, a)	    syscall(SYS_##name, a)
#define SYS2(name, a, b)    syscall(SYS_##name, a, b)
#define SYS3(name, a, b, c) syscall(SYS_##name, a, b, c)

static void show_ids(void)
{
	uid_t r = 0, e = 0, s = 0;
	gid_t gr = 0, ge = 0, gs = 0;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	SHOW("uid %d %d %d fs %ld gid %d %d %d fs %ld", (int)r, (int)e, (int)s, SYS1(setfsuid, -1),
	     (int)gr, (int)ge, (int)gs, SYS1(setfsgid, -1));
}

static void show_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		SHOW("capget %s", abi_errname(errno));
	else
		SHOW("effective %x:%08x permitted %x:%08x inheritable %x:%08x", d[1].effective,
		     d[0].effective, d[1].permitted, d[0].permitted, d[1].inheritable,
		     d[0].inheritable);
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		abi_show_status("child", status);
}

CASE(setuid_as_root)
{
	show_ids();
	RET(SYS1(setuid, 1000));
	show_ids();
	RET(SYS1(setuid, 0));
	RET(SYS1(setuid, 1000));
	RET(SYS1(setgid, 5));
	show_caps();
}

CASE(seteuid_and_back)
{
	RET(SYS3(setresuid, -1, 1000, -1));
	show_ids();
	show_caps();
	RET(SYS1(setuid, 0));
	show_ids();
	show_caps();
	RET(SYS3(setresuid, 1000, 1001, 1002));
	show_ids();
	show_caps();
	RET(SYS3(setresuid, 1002, -1, 1000));
	show_ids();
	RET(SYS3(setresuid, 0, -1, -1));
	RET(SYS3(setresuid, -1, 7, -1));
	RET(SYS1(setuid, 1002));
	show_ids();
	RET(SYS1(setuid, 1001));
}

CASE(setreuid_rules)
{
	RET(SYS2(setreuid, 1000, 1001));
	show_ids();
	RET(SYS2(setreuid, 1001, 1000));
	show_ids();
	RET(SYS2(setreuid, -1, 1001));
	show_ids();
	RET(SYS2(setreuid, 5, -1));
	RET(SYS2(setreuid, -1, 5));
	RET(SYS2(setreuid, -1, -1));
	show_ids();
}

CASE(setgid_rules)
{
	RET(SYS3(setresgid, 1, 2, 3));
	show_ids();
	RET(SYS1(setgid, 7));
	show_ids();
	RET(SYS2(setregid, 8, 9));
	show_ids();
	RET(SYS1(setuid, 1000));
	RET(SYS1(setgid, 8));
	show_ids();
	RET(SYS1(setgid, 9));
	RET(SYS2(setregid, 9, 8));
	RET(SYS3(setresgid, -1, 11, -1));
	show_ids();
}

CASE(setfsuid_rules)
{
	RET(SYS1(setfsuid, 1000));
	show_ids();
	show_caps();
	RET(SYS1(setfsuid, 0));
	show_caps();
	RET(SYS1(setuid, 1000));
	RET(SYS1(setfsuid, 5));
	RET(SYS1(setfsuid, -1));
	RET(SYS1(setfsgid, 5));
	RET(SYS1(setfsgid, -1));
}

CASE(bad_ids)
{
	RET(SYS1(setuid, -1));
	RET(SYS1(setgid, -1));
	RET(syscall(SYS_getresuid, 8, 8, 8));
	RET(syscall(SYS_getresgid, 8, 8, 8));
}

CASE(groups)
{
	gid_t list[4] = { 10, 20, 30, 40 }, got[8] = { 0 };

	RET(SYS2(setgroups, 4, list));
	RET(getgroups(0, NULL));
	RET(getgroups(3, got));
	RET(getgroups(-1, got));
	RET(getgroups(8, got));
	SHOW("%d %d %d %d", (int)got[0], (int)got[1], (int)got[2], (int)got[3]);
	RET(SYS2(getgroups, 8, 8));
	RET(SYS2(setgroups, 65537, list));
	RET(SYS2(setgroups, 4, 8));
	RET(SYS2(setgroups, 0, NULL));
	RET(getgroups(0, NULL));
	RET(SYS1(setuid, 1000));
	RET(SYS2(setgroups, 4, list));
}

CASE(groups_decide_access)
{
	gid_t list[1] = { 77 };

	abi_file("f", "x", 0640);
	NEED(chown("f", 5, 77));
	RET(SYS2(setgroups, 1, list));
	RET(SYS1(setgid, 1000));
	RET(SYS1(setuid, 1000));
	OK(open("f", O_RDONLY));
	OK(open("f", O_WRONLY));
}

CASE(owner_class_comes_first)
{
	abi_file("f", "x", 0077);
	NEED(chown("f", 1000, 1000));
	RET(SYS1(setgid, 1000));
	RET(SYS1(setuid, 1000));
	OK(open("f", O_RDONLY));
	RET(access("f", R_OK));
	RET(chmod("f", 0400));
	OK(open("f", O_RDONLY));
}

CASE(capget_capset)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	show_caps();
	RET(syscall(SYS_capget, &h, d));
	d[0].effective = 0;
	RET(syscall(SYS_capset, &h, d));
	show_caps();
	d[0].effective = 1u << CAP_CHOWN;
	d[0].permitted = 1u << CAP_CHOWN | 1u << CAP_KILL;
	d[1].effective = d[1].permitted = 0;
	RET(syscall(SYS_capset, &h, d));
	show_caps();
	d[0].permitted |= 1u << CAP_SETUID;
	RET(syscall(SYS_capset, &h, d));
	d[0].permitted = 1u << CAP_KILL;
	d[0].effective = 1u << CAP_CHOWN;
	RET(syscall(SYS_capset, &h, d));
	h.pid = 1;
	RET(syscall(SYS_capset, &h, d));
	RET(syscall(SYS_capget, &h, d));
	h.pid = 999999;
	RET(syscall(SYS_capget, &h, d));
	h.pid = -1;
	RET(syscall(SYS_capget, &h, d));
	h.pid = 0;
	h.version = 0;
	RET(syscall(SYS_capget, &h, d));
	SHOW("%#x", h.version);
	h.version = 0;
	RET(syscall(SYS_capget, &h, NULL));
	h.version = 0;
	RET(syscall(SYS_capset, &h, d));
	RET(syscall(SYS_capget, 8, d));
	RET(syscall(SYS_capget, &h, 8));
}

static void drop(int cap)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	NEED(syscall(SYS_capget, &h, d));
	d[0].effective &= ~(1u << cap);
	NEED(syscall(SYS_capset, &h, d));
}

CASE(root_without_powers)
{
	int fd;

	abi_file("f", "x", 0);
	NEED(chown("f", 5, 5));
	drop(CAP_DAC_OVERRIDE);
	OK(open("f", O_RDONLY));
	OK(open("f", O_WRONLY));
	drop(CAP_DAC_READ_SEARCH);
	OK(open("f", O_RDONLY));
	RET(chmod("f", 0600));
	drop(CAP_FOWNER);
	RET(chmod("f", 0600));
	RET(chown("f", 6, 6));
	drop(CAP_CHOWN);
	RET(chown("f", 7, 7));
	RET(kill(1, 0));
	drop(CAP_SETUID);
	RET(SYS1(setuid, 5));
	drop(CAP_SETGID);
	RET(SYS1(setgid, 5));
	RET(SYS2(setgroups, 0, NULL));
	fd = mknod("n", S_IFCHR | 0600, 0x103);
	SHOW("mknod %d", fd);
	drop(CAP_MKNOD);
	RET(mknod("m", S_IFCHR | 0600, 0x103));
	RET(mknod("p", S_IFIFO | 0600, 0));
	drop(CAP_SYS_CHROOT);
	RET(chroot("."));
	drop(CAP_SYS_NICE);
	RET(setpriority(PRIO_PROCESS, 0, -1));
}

CASE(bounding_set)
{
	RET(prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
	RET(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
	RET(prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
	RET(SYS1(setuid, 1000));
	RET(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
}

CASE(keepcaps)
{
	RET(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	RET(SYS3(setresuid, 1000, 1000, 1000));
	show_caps();
	RET(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
}

static pid_t sleeper(uid_t uid)
{
	int p[2];
	char c;
	pid_t pid;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		NEED(SYS3(setresuid, uid, uid, uid));
		NEED(write(p[1], "x", 1));
		pause();
		_exit(0);
	}
	NEED(read(p[0], &c, 1));
	return pid;
}

CASE(kill_permissions)
{
	pid_t a = sleeper(1000), b = sleeper(1001);

	RET(SYS3(setresuid, 1000, 1002, 1002));
	RET(kill(a, 0));
	RET(kill(b, 0));
	RET(kill(b, SIGCONT));
	RET(kill(b, SIGKILL));
	RET(kill(1, SIGTERM));
	RET(kill(a, SIGKILL));
	waitpid(a, NULL, 0);
}

CASE(rlimit_rules)
{
	struct rlimit rl, was;

	RET(getrlimit(RLIMIT_NOFILE, &was));
	SHOW("%ld %ld", (long)was.rlim_cur, (long)was.rlim_max);
	rl.rlim_cur = 20;
	rl.rlim_max = 10;
	RET(setrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = 10;
	rl.rlim_max = 2000000000;
	RET(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &rl, NULL));
	rl.rlim_max = 100;
	RET(setrlimit(RLIMIT_NOFILE, &rl));
	RET(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &rl));
	SHOW("%ld %ld", (long)rl.rlim_cur, (long)rl.rlim_max);
	RET(syscall(SYS_prlimit64, 0, 16, NULL, &rl));
	RET(syscall(SYS_getrlimit, -1, &rl));
	RET(syscall(SYS_getrlimit, RLIMIT_CPU, 8));
	RET(syscall(SYS_setrlimit, RLIMIT_CPU, 8));
	RET(syscall(SYS_prlimit64, 999999, RLIMIT_CPU, NULL, &rl));
	SYS1(setuid, 1000);
	rl.rlim_cur = 10;
	rl.rlim_max = 101;
	RET(setrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_max = 50;
	RET(setrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_max = 51;
	RET(setrlimit(RLIMIT_NOFILE, &rl));
	RET(syscall(SYS_prlimit64, 1, RLIMIT_CPU, NULL, &rl));
}

CASE(rlimit_defaults)
{
	static const int which[] = { RLIMIT_CPU,   RLIMIT_FSIZE,    RLIMIT_DATA,   RLIMIT_STACK,
				     RLIMIT_CORE,  RLIMIT_RSS,	    RLIMIT_NOFILE, RLIMIT_AS,
				     RLIMIT_LOCKS, RLIMIT_MSGQUEUE, RLIMIT_NICE,   RLIMIT_RTPRIO,
				     RLIMIT_RTTIME };
	struct rlimit rl;

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		getrlimit(which[i], &rl);
		SHOW("%d: %ld %ld", which[i], (long)rl.rlim_cur, (long)rl.rlim_max);
	}
}

CASE(prlimit_of_child)
{
	struct rlimit rl = { 5, 6 }, old;
	pid_t pid = sleeper(0);

	RET(syscall(SYS_prlimit64, pid, RLIMIT_CORE, &rl, &old));
	RET(syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, &old));
	SHOW("%ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
	getrlimit(RLIMIT_CORE, &old);
	SHOW("mine %ld", (long)old.rlim_max);
	kill(pid, SIGKILL);
}

static void burn(void)
{
	struct rlimit rl = { 1, 3 };

	setrlimit(RLIMIT_CPU, &rl);
	for (;;)
		;
}

static void burn_past_soft(void)
{
	struct rlimit rl = { 1, 2 };

	signal(SIGXCPU, SIG_IGN);
	setrlimit(RLIMIT_CPU, &rl);
	for (;;)
		;
}

CASE(cpu_limit)
{
	in_child(burn);
	in_child(burn_past_soft);
}

CASE(priorities)
{
	RET(getpriority(PRIO_PROCESS, 0));
	RET(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RET(setpriority(PRIO_PROCESS, 0, 5));
	RET(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RET(setpriority(PRIO_PROCESS, 0, 100));
	RET(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RET(setpriority(PRIO_PROCESS, 0, -100));
	RET(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RET(setpriority(PRIO_PROCESS, 0, 0));
	RET(syscall(SYS_getpriority, 3, 0));
	RET(syscall(SYS_getpriority, -1, 0));
	RET(setpriority(PRIO_PROCESS, 999999, 0));
	RET(syscall(SYS_getpriority, PRIO_PGRP, 999999));
	RET(syscall(SYS_getpriority, PRIO_USER, 54321));
	RET(setpriority(PRIO_PGRP, 0, 3));
	RET(syscall(SYS_getpriority, PRIO_PGRP, 0));
	RET(SYS3(setresuid, 1000, 1000, 1000));
	RET(setpriority(PRIO_PROCESS, 0, 4));
	RET(setpriority(PRIO_PROCESS, 0, 3));
	RET(setpriority(PRIO_PROCESS, 1, 4));
	RET(nice(20));
	RET(nice(-1));
}

CASE(nice_limit)
{
	struct rlimit rl = { 15, 15 };

	RET(setrlimit(RLIMIT_NICE, &rl));
	RET(setpriority(PRIO_PROCESS, 0, 10));
	RET(SYS3(setresuid, 1000, 1000, 1000));
	RET(setpriority(PRIO_PROCESS, 0, 5));
	RET(setpriority(PRIO_PROCESS, 0, 4));
}

CASE(scheduler_calls)
{
	struct sched_param p = { 0 };
	struct timespec ts;

	RET(SYS1(sched_getscheduler, 0));
	RET(SYS1(sched_getscheduler, -1));
	RET(SYS1(sched_getscheduler, 999999));
	RET(SYS3(sched_setscheduler, 0, 99, &p));
	RET(SYS3(sched_setscheduler, 0, -1, &p));
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, &p));
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, NULL));
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, 8));
	*(int *)&p = 100;
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, &p));
	*(int *)&p = 50;
	RET(SYS3(sched_setscheduler, 0, SCHED_NORMAL, &p));
	RET(SYS3(sched_setscheduler, 0, SCHED_RR, &p));
	RET(SYS1(sched_getscheduler, 0));
	RET(SYS2(sched_getparam, 0, &p));
	SHOW("%d", *(int *)&p);
	RET(SYS2(sched_rr_get_interval, 0, &ts));
	SHOW("%ld.%09ld", (long)ts.tv_sec, ts.tv_nsec);
	*(int *)&p = 20;
	RET(SYS2(sched_setparam, 0, &p));
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p));
	RET(SYS1(sched_getscheduler, 0));
	RET(SYS2(sched_rr_get_interval, 0, &ts));
	SHOW("%ld.%09ld", (long)ts.tv_sec, ts.tv_nsec);
	if (fork() == 0) {
		RET(SYS1(sched_getscheduler, 0));
		_exit(0);
	}
	wait(NULL);
	*(int *)&p = 0;
	RET(SYS3(sched_setscheduler, 0, SCHED_BATCH, &p));
	RET(SYS1(sched_getscheduler, 0));
	RET(SYS3(sched_setscheduler, 0, SCHED_IDLE, &p));
	RET(SYS3(sched_setscheduler, 0, SCHED_NORMAL, &p));
	RET(SYS2(sched_getparam, 0, NULL));
	RET(SYS2(sched_getparam, -1, &p));
	RET(SYS2(sched_rr_get_interval, 999999, &ts));
}

CASE(scheduler_priorities)
{
	static const int policies[] = { 0, 1, 2, 3, 4, 5, 6, -1, 99 };

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		SHOW("%d: %ld..%ld", policies[i], SYS1(sched_get_priority_min, policies[i]),
		     SYS1(sched_get_priority_max, policies[i]));
	RET(SYS1(sched_get_priority_max, 99));
}

CASE(scheduler_permissions)
{
	struct rlimit rl = { 10, 10 };
	int prio = 10;

	RET(setrlimit(RLIMIT_RTPRIO, &rl));
	RET(SYS3(setresuid, 1000, 1000, 1000));
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, &prio));
	prio = 11;
	RET(SYS3(sched_setscheduler, 0, SCHED_FIFO, &prio));
	prio = 0;
	RET(SYS3(sched_setscheduler, 0, SCHED_NORMAL, &prio));
	RET(SYS3(sched_setscheduler, 1, SCHED_NORMAL, &prio));
	RET(SYS3(sched_setscheduler, 0, SCHED_IDLE, &prio));
}

CASE(scheduler_attributes)
{
	struct sched_attr a;

	memset(&a, 0xff, sizeof(a));
	RET(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0));
	SHOW("size %u policy %u nice %d prio %u", a.size, a.sched_policy, a.sched_nice,
	     a.sched_priority);
	RET(syscall(SYS_sched_getattr, 0, &a, 47, 0));
	RET(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 1));
	RET(syscall(SYS_sched_getattr, 0, NULL, sizeof(a), 0));
	RET(syscall(SYS_sched_getattr, 999999, &a, sizeof(a), 0));
	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.sched_nice = 7;
	RET(syscall(SYS_sched_setattr, 0, &a, 0));
	RET(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	a.sched_policy = SCHED_RR;
	a.sched_priority = 3;
	RET(syscall(SYS_sched_setattr, 0, &a, 0));
	RET(SYS1(sched_getscheduler, 0));
	a.sched_policy = 77;
	RET(syscall(SYS_sched_setattr, 0, &a, 0));
	a.sched_policy = 0;
	a.sched_priority = 0;
	RET(syscall(SYS_sched_setattr, 0, &a, 1));
	a.size = 40;
	RET(syscall(SYS_sched_setattr, 0, &a, 0));
	a.size = 5000;
	RET(syscall(SYS_sched_setattr, 0, &a, 0));
	SHOW("size %u", a.size);
	RET(syscall(SYS_sched_setattr, 0, NULL, 0));
}

CASE(affinity)
{
	unsigned long mask[16] = { 0 };

	RET(SYS3(sched_getaffinity, 0, sizeof(mask), mask) > 0);
	SHOW("first CPU %lu", mask[0] & 1);
	RET(SYS3(sched_getaffinity, 0, 0, mask));
	RET(SYS3(sched_getaffinity, 0, 7, mask));
	RET(SYS3(sched_getaffinity, 0, sizeof(mask), 8));
	RET(SYS3(sched_getaffinity, 999999, sizeof(mask), mask));
	memset(mask, 0, sizeof(mask));
	RET(SYS3(sched_setaffinity, 0, sizeof(mask), mask));
	RET(SYS3(sched_setaffinity, 0, 0, mask));
	mask[15] = 1UL << 63;
	RET(SYS3(sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 1;
	RET(SYS3(sched_setaffinity, 0, 8, mask));
	RET(SYS3(sched_setaffinity, 0, sizeof(mask), mask));
	memset(mask, 0xff, sizeof(mask));
	RET(SYS3(sched_getaffinity, 0, 8, mask) > 0);
	SHOW("%#lx %#lx", mask[0], mask[9]);
	RET(SYS3(sched_setaffinity, 0, sizeof(mask), 8));
	RET(SYS3(sched_setaffinity, 999999, sizeof(mask), mask));
	if (fork() == 0) {
		SYS3(sched_getaffinity, 0, 8, mask);
		SHOW("child %#lx", mask[0]);
		_exit(0);
	}
	wait(NULL);
	SYS3(setresuid, 1000, 1000, 1000);
	RET(SYS3(sched_setaffinity, 1, 8, mask));
	RET(SYS3(sched_setaffinity, 0, 8, mask));
}

CASE(getcpu_call)
{
	unsigned cpu = 77, node = 77;
	unsigned long one = 1;

	NEED(SYS3(sched_setaffinity, 0, 8, &one));
	RET(SYS3(getcpu, &cpu, &node, NULL));
	SHOW("%u %u", cpu, node);
	RET(SYS3(getcpu, NULL, NULL, NULL));
	RET(SYS3(getcpu, 8, NULL, NULL));
	RET(syscall(SYS_sched_yield));
}

static int *order;

/* On one CPU a thread of a real-time class runs before all others until it sleeps. */
CASE(fifo_runs_first)
{
	unsigned long one = 1;
	int prio = 10, low = 5, i;
	pid_t pid[2];

	order = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(SYS3(sched_setaffinity, 0, 8, &one));
	NEED(SYS3(sched_setscheduler, 0, SCHED_FIFO, &prio));
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			NEED(SYS3(sched_setscheduler, 0, SCHED_FIFO, &low));
			order[1 + order[0]++] = i + 1;
			_exit(0);
		}
	}
	SHOW("none ran yet: %d", order[0]);
	for (i = 0; i < 2; i++)
		waitpid(pid[i], NULL, 0);
	SHOW("both ran: %d", order[0]);
}

CASE(sysinfo_is_whole)
{
	struct {
		long uptime;
		unsigned long loads[3], totalram, freeram, sharedram, bufferram, totalswap,
			freeswap;
		unsigned short procs, pad;
		unsigned long totalhigh, freehigh;
		unsigned mem_unit;
	} s;

	RET(SYS1(sysinfo, &s));
	SHOW("%d", s.uptime >= 0 && s.totalram * s.mem_unit > 100 << 20 && s.freeram < s.totalram &&
			   s.procs > 1 && s.totalswap == 0 && s.mem_unit > 0);
	RET(SYS1(sysinfo, 8));
}
