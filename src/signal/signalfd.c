/* SPDX-License-Identifier: MIT */
/* signalfd(2): signals of the reader (not of the creator) as records of 128 bytes. */
#include "signal_internal.h"

#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

/* A process that polls: its wait queue must live as long as the file, whose poll entries are in
 * it. */
struct poller {
	struct poller *next; /* C */
	struct process *p;   /* C: referenced */
};

struct signalfd {
	u64 set; /* A: one word; changed by signalfd4 on the existing descriptor */
	struct poller *pollers; /* A: only ever grows */
};

/* Remembers current's process: false when there is no memory. */
static bool poller_add(struct signalfd *sfd)
{
	struct poller *head = READ_ONCE(sfd->pollers), *po;

	for (po = head; po; po = po->next) {
		if (po->p == current->process)
			return true;
	}
	po = kmalloc(sizeof(*po), GFP_KERNEL);
	if (!po)
		return false;
	po->p = current->process;
	process_get(po->p);
	do {
		po->next = head;
	} while (!try_cmpxchg(&sfd->pollers, &head, po));
	return true;
}

static u64 ready_set(const struct signalfd *sfd)
{
	return (READ_ONCE(current->pending.set) |
		READ_ONCE(current->process->shared_pending.set)) & READ_ONCE(sfd->set);
}

static unsigned int signalfd_poll(struct file *f, struct poll_table *pt)
{
	if (pt && pt->queue && !poller_add(f->private))
		return POLLERR;
	poll_wait(f, &current->process->signalfd_wq, pt);
	return ready_set(f->private) ? POLLIN : 0;
}

static void record_fill(struct signalfd_siginfo *r, const struct siginfo *info)
{
	memset(r, 0, sizeof(*r));
	r->ssi_signo = (u32)info->si_signo;
	r->ssi_errno = info->si_errno;
	r->ssi_code = info->si_code;
	if (info->si_code == SI_TIMER) {
		r->ssi_tid = (u32)info->timer.tid;
		r->ssi_overrun = (u32)info->timer.overrun;
		r->ssi_ptr = info->timer.value.sival_ptr;
		r->ssi_int = info->timer.value.sival_int;
		return;
	}
	if (info->si_code > SI_USER && info->si_code != SI_KERNEL) {
		switch (info->si_signo) {
		case SIGCHLD:
			r->ssi_pid = (u32)info->chld.pid;
			r->ssi_uid = info->chld.uid;
			r->ssi_status = info->chld.status;
			r->ssi_utime = (u64)info->chld.utime;
			r->ssi_stime = (u64)info->chld.stime;
			return;
		case SIGIO:
			r->ssi_band = (u32)info->poll.band;
			r->ssi_fd = info->poll.fd;
			return;
		case SIGSEGV:
		case SIGBUS:
		case SIGILL:
		case SIGFPE:
		case SIGTRAP:
			r->ssi_addr = info->fault.addr;
			r->ssi_addr_lsb = (u16)info->fault.addr_lsb;
			return;
		case SIGSYS:
			r->ssi_call_addr = info->sys.call_addr;
			r->ssi_syscall = info->sys.syscall;
			r->ssi_arch = info->sys.arch;
			return;
		default:
			break;
		}
	}
	r->ssi_pid = (u32)info->kill.pid;
	r->ssi_uid = info->kill.uid;
	if (info->si_code < 0 && info->si_code != SI_TKILL) {
		r->ssi_ptr = info->rt.value.sival_ptr;
		r->ssi_int = info->rt.value.sival_int;
	}
}

static ssize_t signalfd_read(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct signalfd *sfd = f->private;
	struct signalfd_siginfo record;
	struct siginfo info;
	bool wait = !(f->flags & O_NONBLOCK);
	ssize_t done = 0;
	int rc;

	if (u->count < sizeof(record))
		return -EINVAL;
	while (u->count >= sizeof(record)) {
		if (!signal_dequeue(READ_ONCE(sfd->set), &info)) {
			if (done)
				break;
			if (!wait)
				return -EAGAIN;
			rc = wait_event_interruptible(&current->process->signalfd_wq,
						      ready_set(sfd));
			if (rc)
				return rc;
			continue;
		}
		record_fill(&record, &info);
		if (uio_write_to(u, &record, sizeof(record)) != sizeof(record))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(record);
	}
	return done;
}

static void signalfd_release(struct inode *inode __maybe_unused, struct file *f)
{
	struct signalfd *sfd = f->private;
	struct poller *po;

	while ((po = sfd->pollers) != NULL) {
		sfd->pollers = po->next;
		process_put(po->p);
		kfree(po);
	}
	kfree(sfd);
}

static void signalfd_show(struct file *f, struct strbuf *sb)
{
	const struct signalfd *sfd = f->private;

	sb_printf(sb, "sigmask:\t%016lx\n", (unsigned long)sfd->set);
}

static const struct file_ops signalfd_fops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.llseek = noop_llseek,
	.show_fdinfo = signalfd_show,
};

static long signalfd_create(u64 set, int flags)
{
	struct signalfd *sfd = kmalloc(sizeof(*sfd), GFP_KERNEL);
	struct file *f;
	int rc;

	if (!sfd)
		return -ENOMEM;
	sfd->set = set;
	sfd->pollers = NULL;
	rc = anon_file_create("signalfd", &signalfd_fops, sfd, O_RDWR | (flags & SFD_NONBLOCK), &f);
	if (rc) {
		kfree(sfd);
		return rc;
	}
	return fd_install_new(f, flags & SFD_CLOEXEC ? FD_CLOEXEC : 0);
}

static long do_signalfd(int fd, struct user_ptr umask, size_t size, int flags)
{
	struct signalfd *sfd;
	struct fdref r;
	u64 set;
	int rc;

	if (size != sizeof(u64))
		return -EINVAL;
	if (get_user_u64(&set, umask))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	set &= ~SIG_KERNEL_ONLY;
	if (fd == -1)
		return signalfd_create(set, flags);
	rc = fd_get(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	if (r.file->ops != &signalfd_fops) {
		rc = -EINVAL;
		goto out;
	}
	sfd = r.file->private;
	WRITE_ONCE(sfd->set, set);
	wake_up_all(&current->process->signalfd_wq);
	rc = fd;
out:
	fd_put(r);
	return rc;
}

SYSCALL(signalfd4, int, fd, struct user_ptr, mask, size_t, size, int, flags)
{
	return do_signalfd(fd, mask, size, flags);
}

SYSCALL(signalfd, int, fd, struct user_ptr, mask, size_t, size)
{
	return do_signalfd(fd, mask, size, 0);
}
