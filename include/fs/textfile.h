/* SPDX-License-Identifier: MIT */
/* Files whose content is a text made on demand (procfs, sysfs). The text is kept in the open file
 * (file->private) from the first read at position 0 on. All may sleep. */
#ifndef FS_TEXTFILE_H
#define FS_TEXTFILE_H

#include <fs/vfs.h>
#include <kernel/printf.h>

/* Prints everything; called again with a larger buffer when it did not fit. */
typedef int textfile_show(const void *arg, struct strbuf *sb);

ssize_t textfile_read(struct file *f, struct uio *u, loff_t *pos, textfile_show *show,
		      const void *arg);
/* Copies what a user writes (at most 4095 bytes, else -EINVAL) NUL-terminated; kfree it. */
int textfile_import(struct uio *u, char **text, size_t *len);
/* file_ops.release */
void textfile_release(struct inode *inode, struct file *f);
/* For file_ops.llseek: a text that is made when it is read has no end to seek from. */
loff_t textfile_llseek(struct file *f, loff_t off, int whence);

#endif
