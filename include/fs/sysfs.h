/* SPDX-License-Identifier: MIT */
/* sysfs: a tree of directories, attributes and links that subsystems build while they run.
 * All calls may sleep (one mutex for the tree). Parents: NULL is /sys itself. */
#ifndef FS_SYSFS_H
#define FS_SYSFS_H

#include <kernel/printf.h>
#include <kernel/types.h>

struct sysfs_node;

struct sysfs_attr {
	const char *name;
	mode_t mode;
	int (*show)(void *arg, struct strbuf *sb);
	int (*store)(void *arg, const char *text, size_t n); /* NULL: read only */
};

/* Directory; an existing one of that name is returned. The path may contain '/': missing
 * directories on the way are made. 0, -ENOMEM, -ENOTDIR. */
int sysfs_dir(struct sysfs_node *parent, const char *path, struct sysfs_node **out);
/* attr must outlive the node; arg is handed to show and store. -EEXIST. */
int sysfs_attr(struct sysfs_node *dir, const struct sysfs_attr *attr, void *arg);
int sysfs_link(struct sysfs_node *dir, const char *name, const char *target);
/* A child by name, or NULL; the caller knows that nobody else removes it. */
struct sysfs_node *sysfs_find(struct sysfs_node *dir, const char *name);
/* Takes a node and everything below out of the tree, waiting for show and store that run;
 * open files go on reading the text they have. Not from a show or store. */
void sysfs_remove(struct sysfs_node *n);

#endif
