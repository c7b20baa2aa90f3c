/* SPDX-License-Identifier: MIT */
/* Processes: thread groups, ids, process tree, credentials, limits, exec and exit. */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/wait.h>
#include <uapi/resource.h>

/* Guards the tree: parents, children, threads, groups, sessions, exit codes, the pid table
 * (writes). A spinlock taken with interrupts off, because signals are sent from interrupt handlers.
 * */
extern struct spinlock tasklist_lock; /* LOCK_TASKLIST */

enum pid_type { PIDTYPE_TID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPES };

/* An id in use as thread, process, group or session. Freed by RCU with the last reference. */
struct pid {
	refcount_t refs;
	pid_t nr;
	struct task *task;	       /* RCU, T: thread with this id */
	struct process *process;       /* RCU, T: process with this id */
	struct list_head members[2];   /* T: [0] group's, [1] session's processes */
	struct wait_queue wq;	       /* pidfd pollers */
	bool listed;		       /* T: the number is in the table */
	struct rcu_head rcu;
};
struct pid *pid_find_get(pid_t nr); /* NULL or a reference */
struct pid *pid_find_rcu(pid_t nr); /* under RCU or tasklist_lock */
void pid_put(struct pid *p);
struct pid *pid_next_get(pid_t nr); /* first id in use >= nr, with a reference, or NULL */
pid_t pid_last(void);		    /* most recently given out */
u64 forks_total(void);		    /* since boot */
static inline void pid_get(struct pid *p)
{
	refcount_inc(&p->refs);
}
/* Under RCU: the task/process with an id, or NULL. */
struct task *task_find_rcu(pid_t tid);
struct process *process_find_rcu(pid_t tgid);
struct task *task_find_get(pid_t tid); /* a reference or NULL */

struct rlimit64 {
	u64 cur, max;
};

/* C: const  T: tasklist_lock  S: siglock  A: atomic */
struct process {
	refcount_t refs;	   /* A: one per task plus users */
	pid_t tgid;		   /* C */
	struct pid *pid;	   /* C */
	struct task *leader;	   /* T (changes in exec of a non-leader) */
	struct list_head threads;  /* T and S to write, either or RCU to read: task->thread_node */
	unsigned int nr_threads;   /* T and S: in threads, dead ones that are not reaped included */
	atomic_t live;		   /* A: threads that have not begun to exit */

	struct process *parent;	   /* T: who waits */
	pid_t parent_tid;	   /* T: the thread of parent that made it (or took it over) */
	struct list_head children; /* T: process->sibling */
	struct list_head sibling;  /* T */
	struct pid *pgrp, *session;/* T */
	struct list_head pgrp_node, session_node; /* T */
	struct tty *tty;	   /* S: controlling terminal */
	struct pid *tty_old_pgrp;  /* S: group to get SIGHUP after the leader lost the tty */
	bool leader_of_session;	   /* T */
	bool did_exec;		   /* S: setpgid by the parent is refused after exec */
	u32 execs;		   /* A: how often it ran another program */
	u32 parent_execs;	   /* T: of the parent when it was made */
	bool is_child_subreaper, has_child_subreaper; /* T */

	struct spinlock siglock;   /* S; LOCK_SIGHAND, irq-safe: all signal state of the group */
	struct sigpending shared_pending; /* S */
	u32 group_flags;	   /* S: GROUP_* of kernel/signal.h */
	int group_exit_code;	   /* S */
	int group_stop_count;	   /* S */
	struct task *group_exec_task; /* S: thread that execs and kills the others */
	int notify_count;	   /* S */
	struct wait_queue wait_child; /* parents sleep here in wait4 */
	struct wait_queue signalfd_wq;

	struct rlimit64 rlim[RLIM_NLIMITS]; /* S to write; word-sized reads are safe */
	struct posix_timers *timers; /* own lock */
	struct hrtimer real_timer;   /* ITIMER_REAL */
	u64 real_interval;	     /* S: ns */
	u64 virt_expires, virt_interval, prof_expires, prof_interval; /* S: ns of CPU time, 0 off */

	u64 utime, stime, cutime, cstime; /* S: of dead threads / waited-for children, ns */
	u64 sum_exec, nvcsw, nivcsw, cnvcsw, cnivcsw; /* S */
	u64 min_flt, maj_flt, cmin_flt, cmaj_flt;    /* S */
	u64 maxrss, cmaxrss;			     /* S: KiB */
	int oom_score_adj;			     /* S */
	u64 start_time;				     /* C: ns */
	int dumpable;				     /* A */
	struct rcu_head rcu;
};

static inline void process_get(struct process *p)
{
	refcount_inc(&p->refs);
}
void process_put(struct process *p);
static inline bool thread_group_leader(const struct task *t)
{
	return t->process->leader == t;
}
extern struct process *init_process; /* pid 1 */
static inline u64 rlimit_cur(const struct task *t, unsigned int which)
{
	return READ_ONCE(t->process->rlim[which].cur);
}

/* --- credentials: immutable once published; replaced whole --- */
#define CAP_FULL_SET ((1ull << 41) - 1)
struct group_info;
struct cred {
	refcount_t refs;
	uid_t uid, suid, euid, fsuid;
	gid_t gid, sgid, egid, fsgid;
	struct user_count *user; /* of uid; referenced */
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	u32 securebits;
	struct group_info *groups;
	struct rcu_head rcu;
};
struct group_info {
	refcount_t refs;
	unsigned int n;
	gid_t gid[]; /* sorted */
};
/* What all processes of one real user have together, for RLIMIT_NPROC and RLIMIT_SIGPENDING. */
struct user_count {
	uid_t uid;
	refcount_t refs;
	atomic_t processes; /* A: threads */
	atomic_t sigpending;/* A: queued signals */
	struct hlist_node node; /* user table lock */
};
static inline void user_count_get(struct user_count *u)
{
	refcount_inc(&u->refs);
}
void user_count_put(struct user_count *u); /* any context */
#define current_cred() (current->cred)
const struct cred *cred_get(const struct cred *c);
const struct cred *task_cred_get(struct task *t); /* of any task, under no lock */
void cred_put(const struct cred *c);
/* A private copy to change and then commit (void: cannot fail) or abort. */
int cred_prepare(struct cred **out);
void cred_commit(struct cred *c);
void cred_abort(struct cred *c);
bool cred_in_group(const struct cred *c, gid_t gid);
bool capable(int cap); /* of current, effective; CAP_* in uapi/capability.h */
bool cred_capable(const struct cred *c, int cap);
/* May current send `sig` to t (kill(2) rules)? 0 or -EPERM. */
int signal_permitted(struct task *t, int sig);
/* May current inspect t (/proc/PID/mem, prlimit...)? 0 or -EPERM. */
int ptrace_permitted(struct task *t);

/* --- life --- */
struct clone_args_k {
	u64 flags;
	struct user_ptr pidfd, child_tid, parent_tid;
	u64 exit_signal;
	u64 stack, stack_size, tls;
	const pid_t *set_tid;
	unsigned int set_tid_size;
};
/* pid of the new task or -errno; regs: the caller's user frame (NULL for kernel threads). */
long do_clone(const struct clone_args_k *args, const struct user_regs *regs);
void do_exit(int wait_status) __noreturn;	/* this thread */
void do_group_exit(int wait_status) __noreturn; /* all threads */
struct file;
/* Replaces the program of current; kernel-supplied strings (PID 1). Does not return to the caller's
 * user code on success: 0 means the frame is ready for the new program. */
int do_execve_kernel(const char *path, const char *const *argv, const char *const *envp);

void comm_set(struct task *t, const char *name);
/* The keyboard's Ctrl-Alt-Del: restarts or tells pid 1, as reboot(2) chose. Any context. */
void ctrl_alt_del_key(void);

/* Boot CPU, before the first task_alloc_kernel: kernel credentials, the process of the idle tasks.
 * Sets boot_idle_task's process, cred, pid. */
void proc_init(void);
/* Makes pid 1: a task that runs fn(arg) in the kernel and then, when fn returned 0 after a
 * successful do_execve_kernel, drops to user mode. It has fs and files of its own. Started at once.
 * */
int init_process_start(int (*fn)(void *arg), void *arg);
/* Every process (thread group leader still listed) with a number >= *nr, in order: a reference and
 * its number in *nr, or NULL. For /proc, kill(-1), the OOM killer. */
struct process *process_next_get(pid_t *nr);
u32 task_count(void); /* threads in the system, without idle tasks */
/* Seconds-resolution usage for getrusage, wait4: RUSAGE_*. */
struct user_rusage;
void process_rusage(struct process *p, int who, struct user_rusage *ru);

/* The file of a pidfd -> its pid (no reference: the file's), or NULL when it is another file. */
struct pid *pidfd_pid(const struct file *f);

/* Restrictions and names (uname): text as of now. */
struct user_utsname;
void uts_get(struct user_utsname *out);
int uts_set_nodename(const char *name, size_t n);
int uts_set_domainname(const char *name, size_t n);

/* --- what other parts supply to the life of processes --- */
/* src/ipc/futex.c: robust list of current, whose mm is still there (exit and exec). */
void futex_task_exit(struct task *t);
/* src/ipc/futex.c: FUTEX_WAKE at a user address of current, for CLONE_CHILD_CLEARTID. */
int futex_wake_user(struct user_ptr uaddr, unsigned int nr);
/* src/time: timers of a process. init: new and zeroed (fork does not hand timers on). exec: POSIX
 * timers go. exit: last thread is exiting, all go. May sleep. */
void process_timers_init(struct process *p);
void process_timers_exec(struct process *p);
void process_timers_exit(struct process *p);

#endif
