/* SPDX-License-Identifier: MIT */
/* What the files of src/signal share, and what src/proc needs of them. */
#ifndef SIGNAL_INTERNAL_H
#define SIGNAL_INTERNAL_H

#include <kernel/proc.h>
#include <kernel/signal.h>

/* Never caught, blocked or ignored. */
#define SIG_KERNEL_ONLY (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIG_STOP_SET (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIG_IGNORE_SET                                                                             \
	(SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIG_CORE_SET                                                                               \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) |                \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) |                  \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
/* Raised by the instruction just executed: they come before all others. */
#define SIG_SYNC_SET                                                                               \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |                 \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

/* --- queue.c --- */
void signal_init(void); /* caches; before the first signal */
struct sigqueue *sigqueue_new(struct task *t, bool over_limit);
void sigqueue_release(struct sigqueue *q);
/* All with siglock held. */
void pending_init(struct sigpending *sp);
void pending_flush(struct sigpending *sp);
void pending_flush_mask(struct sigpending *sp, u64 mask);
/* Takes the next signal not in mask off current's queues: number or 0. *timer: caller must call
 * posix_timer_signal_taken(info) after dropping siglock. */
int dequeue_signal_locked(u64 mask, struct siginfo *info, bool *timer);
int dequeue_synchronous_locked(struct siginfo *info);

/* --- send.c; siglock of t's process held --- */
int send_signal_locked(struct task *t, int sig, const struct siginfo *info, bool group);
void signal_wake(struct task *t, bool fatal);
/* Kills all threads of current's process but current: how many are still alive or not yet
 * reaped. */
unsigned int zap_other_threads(void);
void clear_stop_pending(struct task *t);
/* kill(2): permission and send; sig 0 only checks. Context: any task context. */
int kill_process(struct process *p, int sig, const struct siginfo *info);

/* --- mask.c; siglock held --- */
void set_blocked_locked(u64 mask);
void retarget_shared_pending(struct process *p, u64 which);

/* --- stop.c --- */
/* current is leaving: no longer takes signals, and a stop need not wait for it. */
void signal_exit(struct task *t);
/* siglock held, released when it returns true (after the stop ended). */
bool signal_stop(int sig);
void notify_parent_of_job(struct process *p, int why);
/* siglock held; true: the group is now completely stopped and the parent must be told. */
bool stop_participate(struct task *t);
/* A new thread joins a process that is being stopped. siglock held. */
void stop_join(struct task *t);

/* --- action.c --- */
int sighand_create(struct sighand **out);
int sighand_copy(const struct sighand *from, bool clear, struct sighand **out);
void sighand_put(struct sighand *sh);
extern struct sighand kthread_sighand; /* ignores everything */
/* exec: handlers become default, ignored signals stay ignored. */
void sighand_reset_for_exec(struct sighand *sh);

#endif
