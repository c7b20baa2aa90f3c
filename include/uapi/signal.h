/* SPDX-License-Identifier: MIT */
/* Signals of the Linux ABI (x86_64): numbers, flags, siginfo. The kernel uses the user layout of
 * siginfo as its own. */
#ifndef UAPI_SIGNAL_H
#define UAPI_SIGNAL_H

#include <kernel/types.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPOLL SIGIO
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 32
#define SIGRTMAX 64
#define NSIG 64 /* highest signal number */

#define SIG_DFL 0ull
#define SIG_IGN 1ull
#define SIG_ERR (~0ull)

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO 0x00000004u
#define SA_UNSUPPORTED 0x00000400u
#define SA_EXPOSE_TAGBITS 0x00000800u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u
#define SA_ALL                                                                                     \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER | SA_ONSTACK | \
	 SA_RESTART | SA_NODEFER | SA_RESETHAND)

#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ 2048

/* si_code: greater than 0 from the kernel (or SI_KERNEL), 0 and below from users. */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE -1
#define SI_TIMER -2
#define SI_MESGQ -3
#define SI_ASYNCIO -4
#define SI_SIGIO -5
#define SI_TKILL -6

#define ILL_ILLOPC 1
#define ILL_ILLOPN 2
#define ILL_ILLADR 3
#define ILL_ILLTRP 4
#define ILL_PRVOPC 5
#define ILL_PRVREG 6
#define ILL_COPROC 7
#define ILL_BADSTK 8
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define FPE_FLTSUB 8
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define SEGV_BNDERR 3
#define SEGV_PKUERR 4
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define TRAP_BRANCH 3
#define TRAP_HWBKPT 4
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#define POLL_IN 1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_ERR 4
#define POLL_PRI 5
#define POLL_HUP 6
#define SYS_SECCOMP 1

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2
#define SIGEV_THREAD_ID 4

union sigval {
	s32 sival_int;
	u64 sival_ptr;
};

/* Field names carry no si_ union tricks: say info.kill.pid, info.fault.addr and so on. */
struct siginfo {
	s32 si_signo;
	s32 si_errno;
	s32 si_code;
	s32 pad0;
	union {
		struct {
			s32 pid;
			u32 uid;
		} kill; /* SI_USER, SI_TKILL */
		struct {
			s32 tid;
			s32 overrun;
			union sigval value;
			s32 sys_private;
		} timer; /* SI_TIMER */
		struct {
			s32 pid;
			u32 uid;
			union sigval value;
		} rt; /* SI_QUEUE, SI_MESGQ, SI_ASYNCIO */
		struct {
			s32 pid;
			u32 uid;
			s32 status;
			s32 pad;
			s64 utime; /* clock ticks of 10 ms */
			s64 stime;
		} chld; /* SIGCHLD */
		struct {
			u64 addr;
			s16 addr_lsb;
		} fault; /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
		struct {
			s64 band;
			s32 fd;
		} poll; /* SIGIO */
		struct {
			u64 call_addr;
			s32 syscall;
			u32 arch;
		} sys; /* SIGSYS */
		u8 bytes[112];
	};
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t is 128 bytes");
_Static_assert(offsetof(struct siginfo, kill.pid) == 16, "si_pid");
_Static_assert(offsetof(struct siginfo, kill.uid) == 20, "si_uid");
_Static_assert(offsetof(struct siginfo, rt.value) == 24, "si_value");
_Static_assert(offsetof(struct siginfo, timer.overrun) == 20, "si_overrun");
_Static_assert(offsetof(struct siginfo, timer.value) == 24, "si_value of a timer");
_Static_assert(offsetof(struct siginfo, chld.status) == 24, "si_status");
_Static_assert(offsetof(struct siginfo, chld.utime) == 32, "si_utime");
_Static_assert(offsetof(struct siginfo, chld.stime) == 40, "si_stime");
_Static_assert(offsetof(struct siginfo, fault.addr) == 16, "si_addr");
_Static_assert(offsetof(struct siginfo, fault.addr_lsb) == 24, "si_addr_lsb");
_Static_assert(offsetof(struct siginfo, poll.fd) == 24, "si_fd");
_Static_assert(offsetof(struct siginfo, sys.syscall) == 24, "si_syscall");

/* rt_sigaction(2) on x86_64. */
struct user_sigaction {
	u64 handler;
	u64 flags;
	u64 restorer;
	u64 mask;
};
_Static_assert(sizeof(struct user_sigaction) == 32, "struct sigaction of rt_sigaction");

/* stack_t */
struct user_sigstack {
	u64 sp;
	u32 flags;
	u32 pad;
	u64 size;
};
_Static_assert(sizeof(struct user_sigstack) == 24, "stack_t");

struct user_sigevent {
	union sigval value;
	s32 signo;
	s32 notify;
	union {
		s32 tid;
		u8 pad[48];
	};
};
_Static_assert(sizeof(struct user_sigevent) == 64, "sigevent_t");

#define SFD_CLOEXEC 02000000
#define SFD_NONBLOCK 04000

/* What read(2) on a signalfd returns. */
struct signalfd_siginfo {
	u32 ssi_signo;
	s32 ssi_errno;
	s32 ssi_code;
	u32 ssi_pid;
	u32 ssi_uid;
	s32 ssi_fd;
	u32 ssi_tid;
	u32 ssi_band;
	u32 ssi_overrun;
	u32 ssi_trapno;
	s32 ssi_status;
	s32 ssi_int;
	u64 ssi_ptr;
	u64 ssi_utime;
	u64 ssi_stime;
	u64 ssi_addr;
	u16 ssi_addr_lsb;
	u16 pad2;
	s32 ssi_syscall;
	u64 ssi_call_addr;
	u32 ssi_arch;
	u8 pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd_siginfo is 128 bytes");

#endif
