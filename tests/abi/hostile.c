/* SPDX-License-Identifier: MIT */
/* Programs that try to hurt the kernel: privileged instructions, odd selectors, forged signal
 * frames, non-canonical addresses. Each must end with the signal Linux gives, and nobody else may
 * notice. */
#include "abi.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/ucontext.h>

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	printf("caught %s code %d addr %s\n", abi_signame(sig), si->si_code,
	       si->si_addr == NULL ? "0" : "set");
	fflush(stdout);
	_exit(7);
}

static void catch_all(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
	sigaction(SIGSYS, &sa, NULL);
}

/* Runs fn in a child twice: with default actions and with handlers. */
static void attempt(const char *what, void (*fn)(void))
{
	for (int handlers = 0; handlers < 2; handlers++) {
		pid_t pid;
		int status;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			if (handlers)
				catch_all();
			fn();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		abi_show_status(what, status & ~0x80);
	}
}

#define TRY(id, code)                                                                              \
	static void try_##id(void)                                                                 \
	{                                                                                          \
		__asm__ volatile(code ::: "memory", "rax", "rbx", "rcx", "rdx");                   \
	}                                                                                          \
	CASE(insn_##id)                                                                            \
	{                                                                                          \
		attempt(#id, try_##id);                                                            \
	}

TRY(hlt, "hlt")
TRY(cli, "cli")
TRY(sti, "sti")
TRY(inb, "movw $0x60, %%dx; inb %%dx, %%al")
TRY(outb, "movw $0x80, %%dx; outb %%al, %%dx")
TRY(ud2, "ud2")
TRY(int3, "int3")
TRY(int0, "int $0")
TRY(int1, "int $1")
TRY(int4, "int $4")
TRY(int6, "int $6")
TRY(int8, "int $8")
TRY(int13, "int $13")
TRY(int14, "int $14")
TRY(int32, "int $32")

TRY(int255, "int $255")
TRY(rdmsr, "movl $0x10, %%ecx; rdmsr")
TRY(wrmsr, "movl $0xc0000080, %%ecx; wrmsr")
TRY(mov_cr0, "movq %%cr0, %%rax")
TRY(mov_cr3, "xorl %%eax, %%eax; movq %%rax, %%cr3")
TRY(mov_cr4, "movq %%cr4, %%rax")
TRY(mov_dr7, "movq %%dr7, %%rax")
TRY(lgdt, "subq $16, %%rsp; lgdt (%%rsp)")
TRY(lidt, "subq $16, %%rsp; lidt (%%rsp)")
TRY(ltr, "movw $0x40, %%ax; ltr %%ax")
TRY(invlpg, "invlpg (%%rsp)")
TRY(wbinvd, "wbinvd")
TRY(swapgs, "swapgs")
TRY(sysretq, "xorl %%ecx, %%ecx; sysretq")
TRY(divide, "xorl %%ecx, %%ecx; movl $1, %%eax; cdq; idivl %%ecx")
TRY(noncanonical_read, "movabsq $0x8000000000000000, %%rax; movq (%%rax), %%rax")
TRY(noncanonical_jump, "movabsq $0x8000000000000000, %%rax; jmp *%%rax")
TRY(kernel_read, "movabsq $0xffffffff80100000, %%rax; movq (%%rax), %%rax")
TRY(kernel_write, "movabsq $0xffff800000100000, %%rax; movq %%rax, (%%rax)")
TRY(kernel_jump, "movabsq $0xffffffff80100000, %%rax; jmp *%%rax")
TRY(stack_zero, "xorl %%esp, %%esp; pushq %%rax")
TRY(stack_noncanonical, "movabsq $0x8000000000000000, %%rsp; pushq %%rax")
TRY(stack_kernel, "movabsq $0xffffffff80200000, %%rsp; pushq %%rax")
TRY(null_jump, "xorl %%eax, %%eax; jmp *%%rax")
TRY(load_ds, "movw $0x10, %%ax; movw %%ax, %%ds; xorl %%eax,%%eax; movw %%ax, %%ds")
TRY(load_ss_null, "xorl %%eax, %%eax; movw %%ax, %%ss")
TRY(load_fs_bad, "movw $0xfff8, %%ax; movw %%ax, %%fs")
TRY(iret_kernel_cs, "pushq $0x18; pushq %%rsp; pushfq; pushq $0x10; leaq 1f(%%rip), %%rax; "
		    "pushq %%rax; iretq; 1:")
TRY(retf_bad_cs, "pushq $0xfff8; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:")
TRY(syscall_bad_nr, "movq $-1, %%rax; syscall; cmpq $-38, %%rax; je 1f; ud2; 1:")
TRY(syscall_rsp_zero, "movq %%rsp, %%rbx; xorl %%esp, %%esp; movl $39, %%eax; syscall; "
		      "movq %%rbx, %%rsp")
TRY(popf_iopl, "pushfq; orq $0x3000, (%%rsp); popfq; pushfq; popq %%rax; testq $0x3000, %%rax; "
	       "jz 1f; ud2; 1:")
TRY(trap_flag, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")
TRY(trap_flag_syscall, "pushfq; orq $0x100, (%%rsp); popfq; movl $39, %%eax; syscall")
TRY(nt_flag_syscall, "pushfq; orq $0x4000, (%%rsp); popfq; movl $39, %%eax; syscall; pushfq; "
		     "andq $~0x4000, (%%rsp); popfq")
TRY(sgdt_umip, "subq $16, %%rsp; sgdt (%%rsp); addq $16, %%rsp")
TRY(str_umip, "str %%eax")
TRY(clts, "clts")
TRY(xsetbv, "xorl %%ecx, %%ecx; movl $1, %%eax; xorl %%edx, %%edx; xsetbv")
TRY(monitor, "xorl %%ecx, %%ecx; xorl %%edx, %%edx; movq %%rsp, %%rax; monitor")

static void alignment_check(void)
{
	__asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq; movq %%rsp, %%rax; movl 1(%%rax), "
			 "%%ebx; pushfq; andq $~0x40000, (%%rsp); popfq" ::
				 : "rax", "rbx", "memory");
}

CASE(alignment_check)
{
	attempt("ac", alignment_check);
}

/* A system call instruction at the very end of the user address space would return to a
 * non-canonical address. Linux refuses to map the last page. */
CASE(syscall_at_the_end)
{
	void *p = mmap((void *)0x7ffffffff000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	SHOW("mapped: %s", p == MAP_FAILED ? abi_errname(errno) : "yes");
	p = mmap((void *)0x7fffffffe000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	SHOW("page before: %s", p == MAP_FAILED ? abi_errname(errno) : "yes");
	if (p != MAP_FAILED) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			memcpy((char *)p + 4094, "\x0f\x05", 2);
			__asm__ volatile("movl $39, %%eax; jmp *%0" ::"r"((char *)p + 4094)
					 : "rax", "rcx", "r11");
			_exit(0);
		}
		waitpid(pid, &status, 0);
		abi_show_status("syscall at the last bytes", status & ~0x80);
	}
}

/* --- forged signal frames --- */

static void (*forge)(ucontext_t *uc);

static void forging_handler(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)si;
	forge(uc);
}

static void forged_return(void)
{
	struct sigaction sa = { .sa_sigaction = forging_handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}

#define FORGE(id, code)                                                                            \
	static void forge_##id(ucontext_t *uc)                                                     \
	{                                                                                          \
		greg_t *r = uc->uc_mcontext.gregs;                                                 \
		(void)r;                                                                           \
		code;                                                                              \
	}                                                                                          \
	CASE(forged_##id)                                                                          \
	{                                                                                          \
		forge = forge_##id;                                                                \
		attempt(#id, forged_return);                                                       \
	}

FORGE(kernel_cs, r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffll) | 0x10)
FORGE(bad_cs, r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffll) | 0xfffb)
FORGE(zero_cs, r[REG_CSGSFS] &= ~0xffffll)
FORGE(noncanonical_rip, r[REG_RIP] = (greg_t)0x8000000000000000ull)
FORGE(kernel_rip, r[REG_RIP] = (greg_t)0xffffffff80100000ull)
FORGE(noncanonical_rsp, r[REG_RSP] = (greg_t)0x8000000000000000ull)
FORGE(iopl, r[REG_EFL] |= 0x3000)
FORGE(nt_flag, r[REG_EFL] |= 0x4000)
FORGE(vm_flag, r[REG_EFL] |= 0x20000)
FORGE(if_clear, r[REG_EFL] &= ~0x200ll)
FORGE(fpstate_null, uc->uc_mcontext.fpregs = NULL)
FORGE(fpstate_kernel, uc->uc_mcontext.fpregs = (void *)0xffffffff80100000ull)
FORGE(fpstate_unmapped, uc->uc_mcontext.fpregs = (void *)0x1000)
FORGE(fpstate_misaligned, uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 1))
FORGE(mxcsr_reserved, uc->uc_mcontext.fpregs->mxcsr = 0xffffffff)
FORGE(xstate_garbage, memset((char *)uc->uc_mcontext.fpregs + 512, 0xff, 64))
FORGE(magic_garbage, memset((char *)uc->uc_mcontext.fpregs + 464, 0xff, 48))

static void sigreturn_without_frame(void)
{
	syscall(SYS_rt_sigreturn);
}

static void sigreturn_bad_stack(void)
{
	__asm__ volatile("movq $0x1000, %%rsp; movl $15, %%eax; syscall" ::: "rax", "rcx", "r11");
}

CASE(sigreturn_bare)
{
	attempt("bad stack", sigreturn_bad_stack);
	(void)sigreturn_without_frame;
}

/* --- resources --- */

CASE(fork_bomb_under_nproc)
{
	struct rlimit rl = { 20, 20 };
	int made = 0, refused = 0, status;
	pid_t pid = fork();

	if (pid == 0) {
		NEED(setgid(12345));
		NEED(setuid(12345));
		NEED(setrlimit(RLIMIT_NPROC, &rl));
		for (int k = 0; k < 64; k++) {
			pid_t c = fork();

			if (c == 0) {
				pause();
				_exit(0);
			}
			if (c > 0)
				made++;
			else if (errno == EAGAIN)
				refused++;
		}
		SHOW("made %d refused %d", made, refused);
		kill(0, SIGKILL);
	}
	waitpid(pid, &status, 0);
	abi_show_status("bomb", status);
}

CASE(handler_recursion_overflows_stack)
{
	struct rlimit rl = { 256 << 10, 256 << 10 };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct sigaction sa = { .sa_handler = (void (*)(int))1, .sa_flags = SA_NODEFER };

		setrlimit(RLIMIT_STACK, &rl);
		sa.sa_handler = (void (*)(int))(uintptr_t)0x1000; /* unmapped: faults again */
		sigaction(SIGSEGV, &sa, NULL);
		*(volatile int *)0 = 0;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	abi_show_status("recursion", status & ~0x80);
}

static int deep(int n)
{
	volatile char pad[4096];

	pad[0] = (char)n;
	return n == INT32_MAX ? 0 : deep(n + 1) + pad[0];
}

static char altstack[65536];
static void on_overflow(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	SHOW("overflow %s code %d", abi_signame(sig), si->si_code);
	_exit(3);
}

CASE(stack_overflow_on_altstack)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction sa = { .sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit rl = { 1 << 20, 1 << 20 };

		setrlimit(RLIMIT_STACK, &rl);
		sigaltstack(&ss, NULL);
		sigaction(SIGSEGV, &sa, NULL);
		_exit(deep(0));
	}
	waitpid(pid, &status, 0);
	abi_show_status("overflow", status & ~0x80);
}

/* Bad pointers to calls that take them: the error must be EFAULT for that program. */
static const uintptr_t bad_pointers[] = {
	0, 8, 0x1000, 0x7fffffffffff, 0x800000000000, 0x8000000000000000, 0xffff800000000000,
	0xffffffff80000000, 0xffffffffffffffff, 0xfffffffffffff000,
};

#define BAD(call)                                                                                  \
	do {                                                                                       \
		for (unsigned int bad_k = 0;                                                       \
		     bad_k < sizeof(bad_pointers) / sizeof(bad_pointers[0]); bad_k++) {            \
			void *P = (void *)bad_pointers[bad_k];                                     \
			errno = 0;                                                                 \
			long bad_rc = (call);                                                      \
			SHOW("%s with %#lx: %ld %s", #call, (long)P, bad_rc,                       \
			     bad_rc == -1 ? abi_errname(errno) : "");                              \
		}                                                                                  \
	} while (0)

CASE(bad_pointers_files)
{
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	NEED(write(fd, "0123456789", 10));
	BAD(syscall(SYS_open, P, O_RDONLY, 0));
	BAD(syscall(SYS_stat, "f", P));
	BAD(syscall(SYS_stat, P, P));
	BAD(syscall(SYS_pread64, fd, P, 10, 0));
	BAD(syscall(SYS_pwrite64, fd, P, 10, 0));
	BAD(syscall(SYS_readv, fd, P, 1));
	BAD(syscall(SYS_writev, fd, P, 1));
	BAD(syscall(SYS_getcwd, P, 100));
	BAD(syscall(SYS_readlink, "/proc/self", P, 100));
	BAD(syscall(SYS_rename, P, P));
	BAD(syscall(SYS_mkdir, P, 0755));
	BAD(syscall(SYS_statfs, "/", P));
	BAD(syscall(SYS_chdir, P));
	BAD(syscall(SYS_truncate, P, 0));
	BAD(syscall(SYS_symlink, P, "x"));
	BAD(syscall(SYS_mount, P, P, P, 0, P));
}

CASE(bad_pointers_other)
{
	struct timeval zero = { 0, 0 };

	BAD(syscall(SYS_pipe, P));
	BAD(syscall(SYS_poll, P, 3, 0));
	BAD(syscall(SYS_select, 10, P, NULL, NULL, &zero));
	BAD(syscall(SYS_uname, P));
	BAD(syscall(SYS_gettimeofday, P, NULL));
	BAD(syscall(SYS_clock_gettime, 0, P));
	BAD(syscall(SYS_nanosleep, P, NULL));
	BAD(syscall(SYS_rt_sigaction, SIGUSR1, P, NULL, 8));
	BAD(syscall(SYS_rt_sigaction, SIGUSR1, NULL, P, 8));
	BAD(syscall(SYS_rt_sigprocmask, SIG_BLOCK, P, NULL, 8));
	BAD(syscall(SYS_sigaltstack, P, NULL));
	BAD(syscall(SYS_getrlimit, 0, P));
	BAD(syscall(SYS_getrusage, 0, P));
	BAD(syscall(SYS_sysinfo, P));
	BAD(syscall(SYS_times, P) == -1 ? -1 : 0);
	BAD(syscall(SYS_execve, P, NULL, NULL));
	BAD(syscall(SYS_getgroups, 0, P) < 0 ? -1 : 0);
	BAD(syscall(SYS_setgroups, 1, P));
	BAD(syscall(SYS_futex, P, 1, 1, NULL, NULL, 0));
	BAD(syscall(SYS_getrandom, P, 10, 0));
	BAD(syscall(SYS_capget, P, NULL));
	BAD(syscall(SYS_epoll_ctl, -1, 1, 0, P));
	BAD(syscall(SYS_prlimit64, 0, 0, P, NULL));
	BAD(syscall(SYS_getitimer, 0, P));
	BAD(syscall(SYS_timer_create, 0, NULL, P));
	BAD(syscall(SYS_getresuid, P, P, P));
}
