/* SPDX-License-Identifier: MIT */
/* Between the lock checker, its tests and the scheduler. */
#ifndef SYNC_LOCKDEP_H
#define SYNC_LOCKDEP_H

#include <kernel/types.h>

struct task;

/* A task whose reports are noted in lockdep_reported (the kind of the last one) instead of stopping
 * the machine: the self-tests. */
extern struct task *lockdep_expecting;
extern const char *lockdep_reported;

#endif
