/* SPDX-License-Identifier: MIT */
/* Private to procfs. */
#ifndef PROCFS_INTERNAL_H
#define PROCFS_INTERNAL_H

#include <fs/procfs.h>
#include <fs/textfile.h>
#include <fs/vfs.h>
#include <kernel/mm.h>
#include <kernel/proc.h>

/* A file or directory of the tree that does not depend on a process. Built at boot, never freed. */
struct proc_node {
	struct proc_node *parent, *children, *next;
	const char *name; /* NUL-terminated, last component */
	mode_t mode;
	ino_t ino;
	const struct proc_file *file;	/* text file */
	const struct sysctl *sysctl;	/* number file */
	const char *link;		/* symlink target */
	const struct file_ops *fops;	/* file with operations of its own */
	const struct inode_ops *iops;	/* directory or link with operations of its own */
};

/* What a proc inode stands for. C: all const after creation. */
struct proc_inode {
	struct inode inode;
	struct pid *pid;		  /* referenced; NULL for static nodes */
	const struct proc_node *node;	  /* static nodes */
	const struct proc_pid_entry *entry; /* entries of a process directory */
	bool thread;			  /* below task/ */
	int fd;				  /* fd and fdinfo entries */
};

/* A row of a process directory: a text file of the proc_pid_files table, or one with operations. */
struct proc_pid_entry {
	const char *name;
	mode_t mode;
	bool process_only; /* not in task/TID */
	const struct inode_ops *iops;
	const struct file_ops *fops;
	const struct proc_pid_file *text;
};

static inline struct proc_inode *PROC_I(const struct inode *i)
{
	return container_of((struct inode *)i, struct proc_inode, inode);
}

/* The task behind an inode, referenced, or NULL when it is gone. */
struct task *proc_task_get(const struct inode *i);
/* New inode of sb for a process entry; takes a new reference on pid. -ENOMEM. */
int proc_pid_inode(struct super_block *sb, struct pid *pid, mode_t mode, ino_t ino,
		   struct inode **out);
int proc_static_inode(struct super_block *sb, const struct proc_node *n, struct inode **out);
void proc_pid_set_owner(struct inode *i);
int proc_dir_emit(struct dir_context *ctx, const char *name, ino_t ino, unsigned int type);

extern const struct dentry_ops proc_pid_dentry_ops;
extern const struct inode_ops proc_root_iops, proc_static_dir_iops, proc_link_iops, proc_file_iops;
extern const struct inode_ops proc_task_dir_iops, proc_fd_dir_iops, proc_fdinfo_dir_iops,
	proc_exe_iops, proc_cwd_iops, proc_rootlink_iops;
extern const struct file_ops proc_root_fops, proc_static_dir_fops, proc_text_fops,
	proc_sysctl_fops, proc_pid_text_fops, proc_task_dir_fops, proc_fd_dir_fops,
	proc_fdinfo_dir_fops, proc_mem_fops, proc_pid_dir_fops;
extern const struct inode_ops proc_pid_dir_iops;

int proc_pid_lookup(struct inode *dir, struct dentry *d, pid_t nr, bool thread);
bool proc_parse_id(const struct qstr *name, pid_t *out);
struct proc_node *proc_tree_root(void);
int proc_tree_build(void);
const struct inode_ops *proc_static_ops(const struct proc_node *n);
int proc_static_lookup(const struct proc_node *dir, struct dentry *d);
int proc_static_iterate(const struct proc_node *dir, struct dir_context *ctx, loff_t base);

#endif
