/* SPDX-License-Identifier: MIT */
/* Touching memory that may not be there: the signal in words instead of the end of the case. */
#ifndef TESTS_ABI_FAULT_H
#define TESTS_ABI_FAULT_H

#include <setjmp.h>
#include <sys/mman.h>

#define PAGE 4096L

static sigjmp_buf fault_back;
static volatile int fault_sig, fault_code;
static void *volatile fault_addr;

static void fault_caught(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	fault_sig = sig;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(fault_back, 1);
}

/* Reads, writes or jumps to p: "ok", or the signal and its code; a wrong si_addr is told. */
ABI_FN const char *fault_touch(void *p, char how)
{
	static char text[64];
	struct sigaction sa = { .sa_sigaction = fault_caught, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	if (!sigsetjmp(fault_back, 1)) {
		if (how == 'r')
			(void)*(volatile char *)p;
		else if (how == 'w')
			*(volatile char *)p = *(volatile char *)p;
		else if (how == 'W')
			*(volatile char *)p = 'W';
		else
			((void (*)(void))p)();
		strcpy(text, "ok");
	} else {
		snprintf(text, sizeof(text), "%s code %d%s", abi_signame(fault_sig), fault_code,
			 fault_addr == p ? "" : " at another address");
	}
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return text;
}

#define READ(p)	 SHOW("read %s: %s", #p, fault_touch((void *)(p), 'r'))
#define WRITE(p) SHOW("write %s: %s", #p, fault_touch((void *)(p), 'W'))
#define JUMP(p)	 SHOW("jump %s: %s", #p, fault_touch((void *)(p), 'x'))

ABI_FN char *fault_map(long pages, int prot, int flags)
{
	return (char *)NEED(mmap(NULL, (size_t)(pages * PAGE), prot, flags | MAP_ANONYMOUS, -1, 0));
}

#define RW (PROT_READ | PROT_WRITE)

#endif
