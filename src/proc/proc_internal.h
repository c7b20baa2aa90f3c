/* SPDX-License-Identifier: MIT */
/* What the files of src/proc share. */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include <kernel/proc.h>

struct file;

/* --- init.c --- */
extern struct process idle_process; /* of idle tasks; parent of pid 1 and of kernel threads */
extern const struct cred kernel_cred;

/* --- task.c --- */
void task_init(void);
struct task *task_alloc(void);	   /* zeroed, stack, locks, refs = 2; NULL: no memory */
void task_free_never_ran(struct task *t);
int process_create(struct process **out); /* zeroed, lists, locks, rlimits of current */
extern atomic_t nr_tasks;
extern s64 threads_max;

/* --- pid.c --- */
void pid_init(void);
void pid_next_is_init(void);
/* nr 0: next free number; else exactly this one (-EEXIST, -EINVAL). 0, -EAGAIN, -ENOMEM. */
int pid_create(pid_t nr, struct pid **out);
void pid_destroy_unused(struct pid *p); /* after pid_create, never attached */
extern s64 pid_max;
/* tasklist_lock held. */
void pid_attach_group(struct process *p, struct pid *pgrp);
void pid_attach_session(struct process *p, struct pid *session);
void pid_detach_group(struct process *p);
void pid_detach_session(struct process *p);
void pid_release_number(struct pid *p); /* when nothing uses it any more */

/* --- user_count.c --- */
extern struct user_count root_user;
int user_count_find(uid_t uid, struct user_count **out); /* a reference; -ENOMEM */

/* --- cred.c --- */
void cred_init(void);
/* c can do or is something that old could not or was not: nothing of it is for old's eyes. */
bool cred_gains(const struct cred *old, const struct cred *c);
struct group_info;
void cred_groups_drop(struct group_info *g);

/* --- exit.c, reap.c --- */
/* exec and exit: futexes, clear_child_tid, vfork parent; mm is still current's. */
void mm_release(struct task *t);
void task_reap(struct task *t);
/* tasklist_lock held: true: nobody will wait, reap it. */
bool notify_parent_of_exit(struct task *t);
int exit_wait_status(const struct process *p, const struct task *t);
/* exec by a thread: all others are gone and current is the leader when this returns 0. */
int exec_dethread(void);

/* --- pidfd.c --- */
int pidfd_create(struct pid *pid, int flags, struct file **out);

/* --- rusage.c --- */
void rusage_add_dead_thread(struct process *p, struct task *t); /* siglock held */
void rusage_add_child(struct process *parent, struct process *child); /* tasklist_lock held */
void rusage_note_rss(struct process *p, const struct mm *mm);

/* --- personality.c / sysctls --- */
extern s64 randomize_va_space;

#endif
