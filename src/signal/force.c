/* SPDX-License-Identifier: MIT */
/* Signals that current cannot escape: faults of its own instructions. */
#include "signal_internal.h"

/* Blocked or ignored, the signal would make the faulting instruction run again for ever: its action
 * becomes the default one, which kills. Process 1 is killable by this alone. */
void force_signal_info(int sig, const struct siginfo *info)
{
	struct task *t = current;
	struct process *p = t->process;
	struct ksigaction *ka;
	bool blocked;

	spin_lock_irq(&p->siglock);
	ka = &t->sighand->action[sig - 1];
	blocked = t->blocked & SIGMASK(sig);
	if (blocked || ka->handler == SIG_IGN) {
		spin_lock(&t->sighand->lock);
		ka->handler = SIG_DFL;
		spin_unlock(&t->sighand->lock);
		if (blocked) {
			t->blocked &= ~SIGMASK(sig);
			recalc_sigpending();
		}
	}
	if (ka->handler == SIG_DFL)
		p->group_flags &= ~GROUP_UNKILLABLE;
	send_signal_locked(t, sig, info, false);
	spin_unlock_irq(&p->siglock);
}

void force_signal(int sig, int code, u64 addr)
{
	struct siginfo info;

	kernel_siginfo(&info, sig, code);
	info.fault.addr = addr;
	force_signal_info(sig, &info);
}
