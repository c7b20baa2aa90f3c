/* SPDX-License-Identifier: MIT */
/* Between fcntl (sys_fd.c) and the code behind some of its commands. */
#ifndef LOCK_INTERNAL_H
#define LOCK_INTERNAL_H

#include <fs/vfs.h>

long fcntl_lock(unsigned int fd, struct file *f, unsigned int cmd, struct user_ptr arg);
long fcntl_owner(struct file *f, unsigned int cmd, u64 arg);

#endif
