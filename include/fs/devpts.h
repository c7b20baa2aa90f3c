/* SPDX-License-Identifier: MIT */
/* Names of pseudo-terminal slaves, as drivers/tty/pty.c uses the file system. All may sleep. */
#ifndef FS_DEVPTS_H
#define FS_DEVPTS_H

struct file;

/* Makes /dev/pts/index appear, owned by current: 0, -ENOMEM, or -ENOSPC beyond the max= option. */
int devpts_add(unsigned int index);
void devpts_remove(unsigned int index);
/* Opens the slave for TIOCGPTPEER, whatever is mounted where. */
int devpts_open_peer(unsigned int index, int flags, struct file **out);

#endif
