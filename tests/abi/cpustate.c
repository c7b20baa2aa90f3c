/* SPDX-License-Identifier: MIT */
/* Processor state that belongs to a program: vector registers, FS and GS bases, flags, and how
 * signal frames show and restore them. */
#include "abi.h"

#include <asm/prctl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/time.h>
#include <ucontext.h>

#define YMM_PARTS 3 /* ymm0, ymm7, ymm15 */

struct ymm {
	unsigned char b[32];
};

static void fill(struct ymm *y, int seed)
{
	for (int i = 0; i < 32; i++)
		y->b[i] = (unsigned char)(seed + i);
}

/* Loads the registers, runs `between` instructions, stores them: all in one piece of assembly, so
 * that no library function touches them in between. */
#define YMM_ROUND(in, out, between, ...)                                                           \
	__asm__ volatile("vmovdqu %[i], %%ymm0\n\tvmovdqu %[i], %%ymm7\n\t"                      \
			 "vmovdqu %[i], %%ymm15\n\t" between \
			 "\n\tvmovdqu %%ymm0, %[o0]\n\tvmovdqu %%ymm7, %[o1]\n\t"                \
			 "vmovdqu %%ymm15, %[o2]"                                                  \
			 : [o0] "=m"((out)[0]), [o1] "=m"((out)[1]), [o2] "=m"((out)[2])           \
			 : [i] "m"(in), ##__VA_ARGS__                                              \
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory", "xmm0", "xmm7",     \
			   "xmm15")

static int kept(const struct ymm *in, const struct ymm *out)
{
	int n = 0;

	for (int i = 0; i < YMM_PARTS; i++)
		n += memcmp(in, &out[i], sizeof(*in)) == 0;
	return n;
}

static volatile int handled;

static void clobber(int sig)
{
	static const unsigned char junk[32] = { 0xee, 0xdd };

	(void)sig;
	handled++;
	__asm__ volatile("vmovdqu %0, %%ymm0; vmovdqu %0, %%ymm7; vmovdqu %0, %%ymm15" ::"m"(junk));
}

CASE(vectors_survive_a_handler)
{
	struct ymm in, out[YMM_PARTS];

	signal(SIGUSR1, clobber);
	fill(&in, 1);
	YMM_ROUND(in, out, "mov $39, %%eax\n\tsyscall\n\tmov %%eax, %%edi\n\tmov $10, %%esi\n\t"
			   "mov $62, %%eax\n\tsyscall");
	SHOW("handled %d, kept %d", handled, kept(&in, out));
}

CASE(vectors_survive_switches)
{
	int bad = 0, status;

	for (int p = 0; p < 4; p++) {
		if (fork())
			continue;
		signal(SIGALRM, clobber);
		setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 2000 }, { 0, 2000 } }, NULL);
		for (int n = 0; n < 500; n++) {
			struct ymm in, out[YMM_PARTS];

			fill(&in, p * 50 + n);
			YMM_ROUND(in, out, "mov $24, %%eax\n\tsyscall");
			if (kept(&in, out) != YMM_PARTS)
				_exit(1);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		bad += status != 0;
	SHOW("processes that lost something: %d", bad);
}

CASE(child_has_the_vectors)
{
	struct ymm in, out[YMM_PARTS];
	int status;

	fill(&in, 77);
	/* fork without a library in between: both come out of the same instruction. */
	YMM_ROUND(in, out, "mov $57, %%eax\n\tsyscall\n\tmov %%eax, %[pid]", [pid] "m"(handled));
	if (handled == 0)
		_exit(kept(&in, out));
	waitpid(handled, &status, 0);
	SHOW("parent kept %d, child kept %d", kept(&in, out), WEXITSTATUS(status));
}

/* --- frames --- */

static void look(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	unsigned char *fp = (unsigned char *)uc->uc_mcontext.fpregs;
	uint32_t magic1, extended, xsize, magic2;

	(void)sig;
	(void)si;
	memcpy(&magic1, fp + 464, 4);
	memcpy(&extended, fp + 468, 4);
	memcpy(&xsize, fp + 480, 4);
	memcpy(&magic2, fp + xsize, 4);
	SHOW("flags %lx", (long)uc->uc_flags);
	SHOW("fpstate aligned %d, at or above the frame %d", ((uintptr_t)fp & 63) == 0,
	     (char *)fp > (char *)uc);
	SHOW("magic %x %x, sizes agree %d", magic1, magic2, extended == xsize + 4);
	SHOW("frame offsets %zu %zu", offsetof(ucontext_t, uc_mcontext),
	     offsetof(ucontext_t, uc_sigmask));
	SHOW("cs %llx ss %llx", uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff,
	     (uc->uc_mcontext.gregs[REG_CSGSFS] >> 48) & 0xffff);
	SHOW("stack pointer 8 beyond 16: %d", ((uintptr_t)uc - 8) % 16 == 8);
	SHOW("mxcsr %x fcw %x", *(uint32_t *)(fp + 24), *(uint16_t *)fp);
}

CASE(frame_layout)
{
	sigaction(SIGUSR1, &(struct sigaction){ .sa_sigaction = look, .sa_flags = SA_SIGINFO },
		  NULL);
	raise(SIGUSR1);
}

static void change_xmm0(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	memset((unsigned char *)uc->uc_mcontext.fpregs + 160, 0x5a, 16); /* xmm0 */
}

CASE(handler_changes_vectors)
{
	struct ymm in, out[YMM_PARTS];

	sigaction(SIGUSR1,
		  &(struct sigaction){ .sa_sigaction = change_xmm0, .sa_flags = SA_SIGINFO }, NULL);
	fill(&in, 3);
	YMM_ROUND(in, out, "mov $39, %%eax\n\tsyscall\n\tmov %%eax, %%edi\n\tmov $10, %%esi\n\t"
			   "mov $62, %%eax\n\tsyscall");
	SHOW("low byte %x, high byte kept %d, others kept %d", out[0].b[0],
	     out[0].b[31] == in.b[31], kept(&in, out));
}

static void change_regs(int sig, siginfo_t *si, void *ctx)
{
	greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	(void)sig;
	(void)si;
	r[REG_RBX] = 0x1111;
	r[REG_R12] = 0x2222;
	r[REG_RCX] = 0x3333;
	r[REG_R11] = 0x4444;
	r[REG_EFL] |= 0x400; /* direction */
}

CASE(handler_changes_registers)
{
	long rbx, rcx, flags;

	sigaction(SIGUSR1,
		  &(struct sigaction){ .sa_sigaction = change_regs, .sa_flags = SA_SIGINFO }, NULL);
	__asm__ volatile("mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi; "
			 "mov $62, %%eax; syscall; pushfq; popq %%rdx; cld"
			 : "=b"(rbx), "=c"(rcx), "=d"(flags)
			 :
			 : "rax", "rsi", "rdi", "r11", "r12", "memory");
	SHOW("rbx %lx rcx %lx direction flag %d", rbx, rcx, (flags & 0x400) != 0);
}

/* --- bases --- */

CASE(arch_prctl_rules)
{
	unsigned long v = 0;

	RET(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456));
	RET(syscall(SYS_arch_prctl, ARCH_GET_GS, &v));
	SHOW("gs %lx", v);
	RET(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x800000000000));
	RET(syscall(SYS_arch_prctl, ARCH_SET_GS, -1L));
	RET(syscall(SYS_arch_prctl, ARCH_GET_GS, 8));
	RET(syscall(SYS_arch_prctl, ARCH_GET_FS, &v));
	SHOW("fs set %d", v != 0);
	RET(syscall(SYS_arch_prctl, 0x9999, 0));
	RET(syscall(SYS_arch_prctl, 0x1011, 0)); /* ARCH_GET_CPUID */
	RET(syscall(SYS_arch_prctl, 0x1012, 1)); /* ARCH_SET_CPUID */
}

CASE(gs_base_follows_the_thread)
{
	unsigned long v;
	int status, bad = 0;

	for (long p = 1; p <= 3; p++) {
		if (fork())
			continue;
		NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, p << 20));
		for (int i = 0; i < 200; i++) {
			sched_yield();
			NEED(syscall(SYS_arch_prctl, ARCH_GET_GS, &v));
			if (v != (unsigned long)p << 20)
				_exit(1);
		}
		if (fork() == 0) { /* a child inherits it */
			NEED(syscall(SYS_arch_prctl, ARCH_GET_GS, &v));
			_exit(v != (unsigned long)p << 20);
		}
		wait(&status);
		_exit(status != 0);
	}
	while (wait(&status) > 0)
		bad += status != 0;
	SHOW("processes that lost it: %d", bad);
}

CASE(selector_loads)
{
	unsigned short fs, gs;

	/* Null and the user data segment may be loaded anywhere but into SS and CS. */
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"((unsigned short)0x2b));
	__asm__ volatile("mov %0, %%gs" ::"r"((unsigned short)0x2b));
	sched_yield();
	__asm__ volatile("mov %%gs, %0; mov %%fs, %1" : "=r"(gs), "=r"(fs));
	SHOW("gs %x fs %x", gs, fs);
	__asm__ volatile("mov %0, %%gs" ::"r"((unsigned short)3));
	sched_yield();
	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	SHOW("gs %x", gs);
}

CASE(syscall_keeps_registers)
{
	register long r12 __asm__("r12") = 12, r13 __asm__("r13") = 13, r14 __asm__("r14") = 14,
			  r15 __asm__("r15") = 15, r8 __asm__("r8") = 8, r9 __asm__("r9") = 9,
			  r10 __asm__("r10") = 10;
	long rdi = 100, rsi = 101, rdx = 102, rbx = 103, rax = 110;

	__asm__ volatile("syscall"
			 : "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15), "+r"(r8), "+r"(r9),
			   "+r"(r10), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+a"(rax)
			 :
			 : "rcx", "r11", "memory");
	SHOW("%ld %ld %ld %ld %ld %ld %ld", r8, r9, r10, r12, r13, r14, r15);
	SHOW("%ld %ld %ld %ld", rdi, rsi, rdx, rbx);
}
