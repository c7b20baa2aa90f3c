/* SPDX-License-Identifier: MIT */
/* execve, execveat: replacing the program of a process.
 * Structure:  1. gather (file name, arguments, environment) and open;
 *             2. find out what the file is: interpreters of "#!" lines, up to five deep, then ELF
 *                with its headers and its own interpreter; decide the new credentials;
 *             3. point of no return: other threads die, what was shared becomes private, the
 *                address space is replaced; from here on a failure kills the process with SIGSEGV;
 *             4. map, fill the stack, set registers.
 * Errors:     the order is Linux's: the file's name, arguments, then the file.
 * Locking:    none across steps; each part takes its own. fs->in_exec keeps set-id decisions honest
 *             while the working directory is shared with another process. */
#include "exec_internal.h"
#include "../signal/signal_internal.h"

#include <fs/procfs.h>
#include <kernel/mm.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/personality.h>

#define INTERPRETER_DEPTH 5

DEFINE_COUNTER(execs);

/* --- credentials of the new program --- */

static void cred_from_file(struct exec *x, struct cred *n)
{
	struct inode *i = x->file->inode;
	const struct mount *m = x->file->path.mnt;
	mode_t mode = READ_ONCE(i->mode);
	uid_t uid;
	gid_t gid;

	if (!(mode & (S_ISUID | S_ISGID)) || current->no_new_privs)
		return;
	if ((m->flags & MNT_NOSUID) || (m->sb->flags & SB_NOSUID))
		return;
	/* chown gives the file away and then takes the bits: the bits of one owner must not be met
	 * with the name of the next. */
	down_read(&i->lock);
	mode = i->mode;
	uid = i->uid;
	gid = i->gid;
	up_read(&i->lock);
	if (mode & S_ISUID)
		n->euid = uid;
	/* Without group execute the bit means mandatory locking. */
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		n->egid = gid;
}

/* Somebody outside this process shares its working directory: it could be changed under a set-id
 * program. */
static bool fs_shared(void)
{
	struct process *p = current->process;
	struct fs_struct *fs = current->fs;
	struct task *t;
	int own = 0;
	bool shared;

	spin_lock_irq(&p->siglock);
	list_for_each_entry(t, &p->threads, thread_node)
		own += t->fs == fs;
	spin_unlock_irq(&p->siglock);
	spin_lock(&fs->lock);
	shared = atomic_read(&fs->users) > own;
	if (!shared)
		fs->in_exec = true;
	spin_unlock(&fs->lock);
	return shared;
}

/* The rules of capabilities(7) for files without capabilities of their own. x->cred becomes what
 * the program will run with. */
static void cred_decide(struct exec *x)
{
	const struct cred *old = current_cred();
	struct cred *n = &x->cred;
	bool effective = false, setid, shared = fs_shared();

	memcpy(n, old, sizeof(*n));
	cred_from_file(x, n);
	n->cap_permitted = 0;
	if (!(n->securebits & SECBIT_NOROOT) && (n->euid == 0 || n->uid == 0)) {
		n->cap_permitted = old->cap_bset | old->cap_inheritable;
		effective = n->euid == 0;
	}
	setid = n->euid != old->uid || n->egid != old->gid;
	if ((setid || (n->cap_permitted & ~old->cap_permitted)) &&
	    (shared || current->no_new_privs)) {
		if (!capable(CAP_SETUID) || current->no_new_privs) {
			n->euid = n->uid;
			n->egid = n->gid;
		}
		n->cap_permitted &= old->cap_permitted;
	}
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	if (setid)
		n->cap_ambient = 0;
	n->cap_permitted |= n->cap_ambient;
	n->cap_effective = effective ? n->cap_permitted : n->cap_ambient;
	n->securebits &= ~SECBIT_KEEP_CAPS;
	x->secure = setid ||
		    (n->uid != 0 && (effective || (n->cap_permitted & ~n->cap_ambient)));
	x->cred_changes = n->euid != old->euid || n->suid != old->suid || n->fsuid != old->fsuid ||
			  n->egid != old->egid || n->sgid != old->sgid || n->fsgid != old->fsgid ||
			  n->cap_permitted != old->cap_permitted ||
			  n->cap_effective != old->cap_effective ||
			  n->cap_ambient != old->cap_ambient || n->securebits != old->securebits;
}

/* Memory of a program that one may not read, or that has other powers, is nobody's to see. Judged
 * with the old credentials. What will not be inspected in the end, or only with new rights, is shut
 * before the new address space can be found: whoever takes it asks afterwards (task_mm_inspect). */
static void dumpable_decide(struct exec *x)
{
	const struct cred *old = current_cred();

	x->dumpable = old->euid == old->uid && old->egid == old->gid &&
		      !inode_permission(x->file->inode, MAY_READ) &&
		      (!x->interp || !inode_permission(x->interp->inode, MAY_READ)) &&
		      !(x->cred_changes && cred_gains(old, &x->cred));
	if (x->cred_changes || !x->dumpable)
		WRITE_ONCE(current->process->dumpable, 0);
}

static int cred_install(struct exec *x)
{
	struct process *p = current->process;
	struct cred *c;
	int rc;

	WRITE_ONCE(p->execs, p->execs + 1);
	if (x->cred_changes) {
		rc = cred_prepare(&c);
		if (rc)
			return rc;
		c->euid = x->cred.euid;
		c->suid = x->cred.suid;
		c->fsuid = x->cred.fsuid;
		c->egid = x->cred.egid;
		c->sgid = x->cred.sgid;
		c->fsgid = x->cred.fsgid;
		c->cap_permitted = x->cred.cap_permitted;
		c->cap_effective = x->cred.cap_effective;
		c->cap_ambient = x->cred.cap_ambient;
		c->securebits = x->cred.securebits;
		cred_commit(c);
	}
	smp_store_release(&p->dumpable, x->dumpable);
	if (x->secure) {
		current->pdeath_signal = 0;
		current->personality &= ~PER_CLEAR_ON_SETID;
	}
	return 0;
}

/* --- point of no return --- */

static int unshare_sighand(struct task *t)
{
	struct sighand *own, *old = t->sighand;
	int rc;

	if (refcount_read(&old->refs) != 1 || old == &kthread_sighand) {
		rc = sighand_copy(old, false, &own);
		if (rc)
			return rc;
		spin_lock_irq(&t->process->siglock);
		t->sighand = own;
		spin_unlock_irq(&t->process->siglock);
		sighand_put(old);
	}
	sighand_reset_for_exec(t->sighand);
	return 0;
}

static int unshare_files(struct task *t)
{
	struct files *own, *old = t->files;
	int rc;

	if (atomic_read(&old->refs) == 1)
		return 0;
	rc = files_clone(old, &own, ~0u);
	if (rc)
		return rc;
	spin_lock(&t->lock);
	t->files = own;
	spin_unlock(&t->lock);
	files_put(old);
	return 0;
}

static int replace_mm(struct exec *x)
{
	struct task *t = current;
	struct process *p = t->process;
	struct mm *mm = mm_create(), *old = NULL;

	if (!mm)
		return -ENOMEM;
	mm->exe_file = file_get(x->file);
	if (t->mm)
		mm_release(t);
	mm_install(mm, &old);
	if (old) {
		spin_lock_irq(&p->siglock);
		rusage_note_rss(p, old);
		spin_unlock_irq(&p->siglock);
		mm_put(old);
	}
	return 0;
}

/* What belonged to the old program alone. */
static void forget_old_program(struct exec *x)
{
	struct task *t = current;
	struct process *p = t->process;
	const char *base = strrchr(x->filename, '/');

	comm_set(t, x->comm[0] ? x->comm : base ? base + 1 : x->filename);
	t->flags &= ~(TF_FORKNOEXEC | TF_KTHREAD);
	t->sas_sp = t->sas_size = 0;
	t->sas_flags = SS_DISABLE;
	t->restart_block.fn = NULL;
	t->clear_child_tid = USER_NULL;
	t->set_child_tid = USER_NULL;
	process_timers_exec(p);
	spin_lock_irq(&p->siglock);
	p->did_exec = true;
	if (x->secure && p->rlim[RLIMIT_STACK].cur > (8ull << 20))
		p->rlim[RLIMIT_STACK].cur = 8ull << 20;
	spin_unlock_irq(&p->siglock);
	files_close_on_exec(t->files);
}

static int commit(struct exec *x)
{
	int rc;

	rc = exec_dethread();
	if (!rc)
		rc = unshare_files(current);
	if (!rc) {
		dumpable_decide(x);
		rc = replace_mm(x);
	}
	if (!rc)
		rc = unshare_sighand(current);
	if (rc)
		return rc;
	rc = cred_install(x);
	if (!rc)
		forget_old_program(x);
	return rc;
}

static int run(struct exec *x)
{
	u64 sp;
	int rc;

	COUNT(execs);
	rc = elf_load(x);

	if (!rc)
		rc = elf_build_stack(x, &sp);
	if (!rc)
		arch_start_user(task_regs(current), x->entry, sp);
	return rc;
}

/* --- what is it? --- */

static int read_head(struct exec *x)
{
	loff_t pos = 0;
	ssize_t n = kernel_read(x->file, x->head, sizeof(x->head), &pos);

	if (n < 0)
		return (int)n;
	memset(x->head + n, 0, sizeof(x->head) - (size_t)n);
	return 0;
}

/* Follows "#!" lines to the program that will really run. */
static int resolve(struct exec *x)
{
	int rc;

	for (int depth = 0;; depth++) {
		if (depth > INTERPRETER_DEPTH)
			return -ELOOP;
		rc = read_head(x);
		if (!rc)
			rc = script_prepare(x);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return elf_prepare(x);
	}
}

static void exec_free(struct exec *x)
{
	if (x->interp) {
		/* It stays mapped, yet may be written: only the program itself is protected. */
		file_allow_write(x->interp);
		file_put(x->interp);
	}
	if (x->file)
		file_put(x->file);
	kfree(x->phdrs);
	kfree(x->interp_phdrs);
	kfree(x->interp_name);
	kfree(x->script);
	kfree(x->fdpath);
	exec_strings_free(&x->args);
	exec_strings_free(&x->envs);
	kfree(x);
}

/* Arguments are gathered, the file is open. */
static int exec_file(struct exec *x)
{
	struct fs_struct *fs = current->fs;
	int rc = resolve(x);

	if (rc)
		return rc;
	cred_decide(x);
	rc = commit(x);
	if (!rc)
		rc = run(x);
	/* Shared and not alone are out of the question now: nobody else cleared or set it. */
	fs->in_exec = false;
	if (rc && !fatal_signal_pending())
		do_group_exit(SIGSEGV);
	return rc;
}

/* An empty list of arguments becomes one empty string: programs rely on argv[0]. */
static int args_finish(struct exec *x)
{
	int rc = exec_args_check(x);

	if (!rc && !x->args.count)
		rc = strings_append(x, &x->args, "");
	return rc;
}

/* --- entry points --- */

static bool nproc_exceeded(void)
{
	struct task *t = current;

	if (!(t->flags & TF_NPROC_EXCEEDED))
		return false;
	if ((u64)atomic_read(&t->cred->user->processes) > rlimit_cur(t, RLIMIT_NPROC))
		return true;
	t->flags &= ~TF_NPROC_EXCEEDED;
	return false;
}

/* The name a descriptor-relative program is known by. */
static int name_for_fd(struct exec *x, int fd, const char *path)
{
	size_t size = 32 + strlen(path);

	x->fdpath = kmalloc(size, GFP_KERNEL);
	if (!x->fdpath)
		return -ENOMEM;
	snprintf(x->fdpath, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", fd, path);
	x->filename = x->fdpath;
	return 0;
}

static bool fd_closes_on_exec(int fd)
{
	struct files *fs = current->files;
	bool cloexec = false;
	struct fdtable *ft;

	rcu_read_lock();
	ft = rcu_dereference(fs->table);
	if ((unsigned int)fd < ft->max)
		cloexec = READ_ONCE(ft->slots[fd].flags) & FD_CLOEXEC;
	rcu_read_unlock();
	return cloexec;
}

/* A program known only by a descriptor is called as its file is. */
static void name_of_file(struct exec *x)
{
	struct dentry *d = x->file->path.dentry;

	spin_lock(&d->lock);
	memcpy(x->comm, d->name.name, min((size_t)d->name.len, sizeof(x->comm) - 1));
	spin_unlock(&d->lock);
}

static int exec_user(struct exec *x, int fd, const char *path, struct user_ptr argv,
		     struct user_ptr envp, int flags)
{
	int rc = 0;

	if (nproc_exceeded())
		return -EAGAIN;
	x->filename = path;
	if (fd != AT_FDCWD && path[0] != '/') {
		rc = name_for_fd(x, fd, path);
		x->hidden = fd_closes_on_exec(fd);
	}
	if (!rc)
		rc = strings_from_user(x, &x->args, argv);
	if (!rc)
		rc = strings_from_user(x, &x->envs, envp);
	if (!rc)
		rc = args_finish(x);
	if (!rc)
		rc = file_open_exec(fd, path, flags, &x->file);
	if (!rc && x->fdpath && !*path)
		name_of_file(x);
	return rc ? rc : exec_file(x);
}

static long do_execveat(int fd, struct user_ptr upath, struct user_ptr argv, struct user_ptr envp,
			int flags)
{
	struct exec *x;
	char *path;
	ssize_t n;
	long rc = -ENOMEM;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	n = strncpy_from_user(path, upath, PATH_MAX);
	if (n <= 0 && !(n == 0 && (flags & AT_EMPTY_PATH))) {
		rc = n ? n : -ENOENT;
		goto out;
	}
	x = kzalloc(sizeof(*x), GFP_KERNEL);
	if (!x)
		goto out;
	rc = exec_user(x, fd, path, argv, envp, flags);
	exec_free(x);
out:
	kfree(path);
	return rc;
}

SYSCALL(execve, struct user_ptr, path, struct user_ptr, argv, struct user_ptr, envp)
{
	return do_execveat(AT_FDCWD, path, argv, envp, 0);
}

SYSCALL(execveat, int, fd, struct user_ptr, path, struct user_ptr, argv, struct user_ptr, envp, int,
	flags)
{
	return do_execveat(fd, path, argv, envp, flags);
}

int do_execve_kernel(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec *x = kzalloc(sizeof(*x), GFP_KERNEL);
	int rc;

	if (!x)
		return -ENOMEM;
	x->filename = path;
	rc = strings_from_kernel(x, &x->args, argv);
	if (!rc)
		rc = strings_from_kernel(x, &x->envs, envp);
	if (!rc)
		rc = args_finish(x);
	if (!rc)
		rc = file_open_exec(AT_FDCWD, path, 0, &x->file);
	if (!rc)
		rc = exec_file(x);
	exec_free(x);
	return rc;
}
