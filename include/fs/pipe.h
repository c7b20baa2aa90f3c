/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs (src/ipc/pipe.c). */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include <fs/vfs.h>

extern const struct file_ops pipe_fops; /* of FIFO inodes; open() makes inode->pipe */
struct pipe *pipe_of_file(struct file *f); /* NULL when f is no pipe */

#endif
