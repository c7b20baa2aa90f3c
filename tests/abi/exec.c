/* SPDX-License-Identifier: MIT */
/* execve and execveat: errors, scripts, arguments, what survives, what the new program is given.
 * The program runs itself in roles: with ABI_ROLE in the environment it reports and ends before
 * main. */
#define ABI_LIMIT 60
#include "abi.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

extern char **environ;

/* ---- roles ---- */

static char **role_argv(long *argc)
{
	char **p = environ - 2;
	long n = 0;

	while (*(long *)(void *)p != n) {
		p--;
		n++;
	}
	*argc = n;
	return p + 1;
}

static void role_args(void)
{
	long argc;
	char **argv = role_argv(&argc);

	SHOW("argc %ld", argc);
	for (long i = 0; i < argc; i++)
		SHOW("argv[%ld] '%s'", i, argv[i]);
	for (char **e = environ; *e; e++)
		SHOW("env '%s'", *e);
}

static void role_auxv(void)
{
	long argc;
	char **argv = role_argv(&argc);
	const char *fn = (const char *)getauxval(AT_EXECFN);

	SHOW("stack aligned %d", ((unsigned long)argv & 15) == 8);
	SHOW("pagesz %lu clktck %lu flags %lu", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
	     getauxval(AT_FLAGS));
	SHOW("secure %lu uid %lu %lu gid %lu %lu", getauxval(AT_SECURE), getauxval(AT_UID),
	     getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID));
	SHOW("phent %lu phnum %d phdr %d base %lu", getauxval(AT_PHENT), getauxval(AT_PHNUM) > 0,
	     getauxval(AT_PHDR) != 0, getauxval(AT_BASE));
	SHOW("entry %d random %d vdso %d hwcap %d", getauxval(AT_ENTRY) != 0,
	     getauxval(AT_RANDOM) != 0, getauxval(AT_SYSINFO_EHDR) != 0, getauxval(AT_HWCAP) != 0);
	SHOW("platform %s execfn %s minsigstksz %d", (char *)getauxval(AT_PLATFORM), fn,
	     getauxval(51) >= 1024);
}

static void role_fds(void)
{
	for (int i = 0; i < 20; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			printf(" %d", i);
	}
	SHOW(" open");
}

static void role_name(void)
{
	char name[16], exe[256] = "";

	prctl(PR_GET_NAME, name, 0, 0, 0);
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		strcpy(exe, abi_errname(errno));
	SHOW("comm '%s' exe '%s'", name, strstr(exe, "/tmp/abi") ? exe : "the program");
}

static void role_kept(void)
{
	struct itimerval it;
	struct rlimit rl;
	sigset_t set, pend;
	struct sigaction a, b;
	stack_t ss;
	char cwd[64] = "";

	sigprocmask(SIG_SETMASK, NULL, &set);
	sigpending(&pend);
	sigaction(SIGUSR1, NULL, &a);
	sigaction(SIGUSR2, NULL, &b);
	sigaltstack(NULL, &ss);
	getitimer(ITIMER_REAL, &it);
	getrlimit(RLIMIT_CORE, &rl);
	SHOW("blocked %d pending %d usr1 default %d usr2 ignored %d altstack off %d",
	     sigismember(&set, SIGHUP), sigismember(&pend, SIGHUP), a.sa_handler == SIG_DFL,
	     b.sa_handler == SIG_IGN, ss.ss_flags == SS_DISABLE);
	SHOW("timer runs %d core limit %ld umask %o cwd %s nice %d", it.it_value.tv_sec > 0,
	     (long)rl.rlim_max, umask(0), getcwd(cwd, sizeof(cwd)), getpriority(PRIO_PROCESS, 0));
	SHOW("posix timer %s", timer_delete((timer_t)0) ? abi_errname(errno) : "kept");
	SHOW("keepcaps %d dumpable %d", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0),
	     prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void role_ids(void)
{
	uid_t r, e, s;

	getresuid(&r, &e, &s);
	SHOW("uid %d %d %d secure %lu dumpable %d", (int)r, (int)e, (int)s, getauxval(AT_SECURE),
	     prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void role_threads(void)
{
	SHOW("pid %s tid %s", getpid() == atoi(getenv("PID")) ? "same" : "other",
	     (pid_t)syscall(SYS_gettid) == getpid() ? "leader" : "other");
}

static void role_size(void)
{
	long argc, sum = 0;
	char **argv = role_argv(&argc);

	for (long i = 0; i < argc; i++)
		sum += (long)strlen(argv[i]);
	SHOW("argc %ld bytes %ld", argc, sum);
}

static void role_sleep(void)
{
	SHOW("running");
	pause();
}

/* What the end of a child that the program before made brings. */
static void role_child(void)
{
	siginfo_t info;
	sigset_t pend;

	NEED(write(4, "!", 1));
	RET(waitid(P_ALL, 0, &info, WEXITED | __WCLONE));
	sigpending(&pend);
	SHOW("SIGUSR1 %d SIGCHLD %d", sigismember(&pend, SIGUSR1), sigismember(&pend, SIGCHLD));
}

static long secret = 0x5ec4e7;

/* Says what it finds in `secret` once its parent had time to change it. */
static void role_secret(void)
{
	char c;

	NEED(write(3, "!", 1));
	NEED(read(4, &c, 1));
	SHOW("the secret is %s", secret == 0x5ec4e7 ? "untouched" : "changed");
}

__attribute__((constructor(101))) static void play_role(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} roles[] = { { "args", role_args }, { "auxv", role_auxv }, { "fds", role_fds },
		      { "name", role_name }, { "kept", role_kept }, { "ids", role_ids },
		      { "threads", role_threads }, { "size", role_size }, { "sleep", role_sleep },
		      { "secret", role_secret }, { "child", role_child } };
	const char *role = getenv("ABI_ROLE");

	for (size_t i = 0; role && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (!strcmp(role, roles[i].name)) {
			roles[i].fn();
			fflush(stdout);
			_exit(0);
		}
	}
}

/* ---- running ---- */

#define SELF "/proc/self/exe"

/* Executes in a child; shows the error, or how the program ended when not by exit 0. */
static void run_env(const char *path, char *const argv[], char *const envp[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, envp);
		SHOW("%s: %s", path, abi_errname(errno));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		abi_show_status(path, status);
}

static void run_role(const char *path, const char *role)
{
	char env[32], *argv[] = { (char *)"arg0", NULL }, *envp[] = { env, NULL };

	snprintf(env, sizeof(env), "ABI_ROLE=%s", role);
	run_env(path, argv, envp);
}

static void run(const char *path)
{
	run_role(path, "args");
}

static void copy_self(const char *name, mode_t mode)
{
	static char buf[65536];
	int in = (int)NEED(open(SELF, O_RDONLY)), out;
	ssize_t n;

	out = (int)NEED(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, (size_t)n));
	NEED(fchmod(out, mode));
	close(in);
	close(out);
}

/* ---- cases ---- */

CASE(errors)
{
	char name[300];

	abi_file("text", "echo no\n", 0755);
	abi_file("empty", "", 0755);
	abi_file("plain", "#!/bin/true\n", 0644);
	abi_file("garbage", "\177ELF garbage", 0755);
	NEED(mkdir("dir", 0755));
	NEED(symlink("loop", "loop"));
	NEED(symlink("nothing", "dangling"));
	NEED(mkfifo("fifo", 0755));
	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	run("missing");
	run("");
	run("dir");
	run("text");
	run("empty");
	run("plain");
	run("garbage");
	run("loop");
	run("dangling");
	run("fifo");
	run("text/x");
	run("/dev/null");
	RET(execve(name, NULL, NULL));
	RET(syscall(SYS_execve, 8, NULL, NULL));
	RET(syscall(SYS_execve, NULL, NULL, NULL));
	RET(syscall(SYS_execve, SELF, 8, NULL));
	RET(syscall(SYS_execve, SELF, NULL, 8));
	RET(syscall(SYS_execve, SELF, (char *[]){ (char *)8, NULL }, NULL));
	RET(syscall(SYS_execve, SELF, (char *[]){ (char *)"a", NULL },
		    (char *[]){ (char *)8, NULL }));
}

CASE(permissions)
{
	abi_file("f", "#!/bin/true\n", 0);
	run("f");
	NEED(chmod("f", 0001));
	run("f");
	NEED(chmod("f", 0100));
	NEED(setresuid(1000, 1000, 1000));
	run("f");
}

CASE(permission_needs_no_read)
{
	copy_self("prog", 0711);
	NEED(setresuid(1000, 1000, 1000));
	run_role("./prog", "ids");
	OK(open("prog", O_RDONLY));
}

CASE(text_busy)
{
	int fd;

	copy_self("prog", 0755);
	fd = (int)NEED(open("prog", O_RDWR));
	run("./prog");
	close(fd);
	run("./prog");
	fd = (int)NEED(open("prog", O_RDONLY));
	run("./prog");
}

CASE(text_busy_for_writers)
{
	int p[2], status;
	char c;
	pid_t pid;

	NEED(pipe(p));
	copy_self("prog", 0755);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)"prog", NULL };

		dup2(p[1], 1);
		execve("./prog", argv, (char *[]){ (char *)"ABI_ROLE=sleep", NULL });
		_exit(127);
	}
	NEED(read(p[0], &c, 1));
	OK(open("prog", O_WRONLY));
	OK(open("prog", O_RDWR));
	OK(open("prog", O_RDONLY | O_TRUNC));
	RET(truncate("prog", 0));
	OK(open("prog", O_RDONLY));
	RET(unlink("prog"));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

CASE(too_big)
{
	size_t big = 128 * 1024;
	char *s = malloc(big + 1), *argv[40], *envp[] = { (char *)"ABI_ROLE=size", NULL };
	int i;

	memset(s, 'a', big);
	s[big] = '\0';
	argv[0] = s;
	argv[1] = NULL;
	run_env(SELF, argv, envp);
	s[big - 1] = '\0';
	run_env(SELF, argv, envp);
	for (i = 0; i < 15; i++)
		argv[i] = s;
	argv[i] = NULL;
	run_env(SELF, argv, envp);
	for (; i < 17; i++)
		argv[i] = s;
	argv[i] = NULL;
	run_env(SELF, argv, envp);
	free(s);
}

CASE(too_many)
{
	long n = 300000;
	char **argv = calloc((size_t)n + 1, sizeof(char *)),
	     *envp[] = { (char *)"ABI_ROLE=size", NULL };

	for (long i = 0; i < n; i++)
		argv[i] = (char *)"";
	run_env(SELF, argv, envp);
	argv[50000] = NULL;
	run_env(SELF, argv, envp);
	free(argv);
}

CASE(argument_limit_follows_stack_limit)
{
	struct rlimit rl = { 256 * 1024, RLIM_INFINITY };
	char *s = malloc(60000), *argv[4] = { s, s, s, NULL };
	char *envp[] = { (char *)"ABI_ROLE=size", NULL };

	memset(s, 'a', 59999);
	s[59999] = '\0';
	run_env(SELF, argv, envp);
	setrlimit(RLIMIT_STACK, &rl);
	run_env(SELF, argv, envp);
	free(s);
}

CASE(arguments)
{
	char *argv[] = { (char *)"zero", (char *)"", (char *)"two words", (char *)"\xff\n", NULL };
	char *envp[] = { (char *)"ABI_ROLE=args", (char *)"", (char *)"A=", (char *)"=B",
			 (char *)"A=2",		  NULL };

	run_env(SELF, argv, envp);
}

CASE(no_arguments)
{
	char *none[] = { NULL }, *envp[] = { (char *)"ABI_ROLE=args", NULL };

	run_env(SELF, none, envp);
	run_env(SELF, NULL, envp);
}

CASE(auxiliary_vector)
{
	run_role(SELF, "auxv");
	copy_self("prog", 0755);
	run_role("./prog", "auxv");
	run_role("/tmp/abi/prog", "auxv");
}

/* ---- scripts ---- */

static void script(const char *text)
{
	unlink("s");
	abi_file("s", text, 0755);
	run("./s");
}

CASE(script_arguments)
{
	copy_self("p", 0755);
	script("#!/tmp/abi/p\n");
	script("#! /tmp/abi/p\n");
	script("#!\t/tmp/abi/p \t \n");
	script("#!/tmp/abi/p one\n");
	script("#!/tmp/abi/p one two  three \t\n");
	script("#!/tmp/abi/p\r\n");
	script("#!/tmp/abi/p");
	script("#!/tmp/abi/p one");
	script("#!p\n");
	script("#!./p x\n");
}

CASE(script_errors)
{
	script("#!\n");
	script("#!");
	script("#");
	script("#! \t \n");
	script("#!/nonexistent\n");
	script("#!/tmp\n");
	script("#!/etc/passwd\n");
	script("#!/etc/passwd/x\n");
	script(" #!/bin/sh\n");
	script("#!/tmp/abi/s\n");
}

CASE(script_long_lines)
{
	char text[400];

	copy_self("p", 0755);
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/tmp/abi/p ", 13);
	text[254] = '\n';
	text[255] = '\0';
	script(text);
	text[254] = 'x';
	text[255] = '\n';
	text[256] = '\0';
	script(text);
	text[255] = 'x';
	text[256] = '\n';
	text[257] = '\0';
	script(text);
	memset(text, 'x', sizeof(text) - 1);
	text[399] = '\0';
	memcpy(text, "#!/tmp/abi/p", 12);
	script(text);
	memset(text, ' ', 300);
	memcpy(text, "#!", 2);
	script(text);
}

CASE(script_of_scripts)
{
	char name[16], text[64];

	copy_self("p0", 0755);
	for (int i = 1; i <= 6; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(text, sizeof(text), "#!/tmp/abi/p%d a%d\n", i - 1, i);
		abi_file(name, text, 0755);
		run(name);
	}
}

CASE(script_permissions)
{
	copy_self("p", 0644);
	script("#!/tmp/abi/p\n");
	NEED(chmod("p", 0111));
	script("#!/tmp/abi/p\n");
	NEED(chmod("s", 0111));
	NEED(setresuid(1000, 1000, 1000));
	run("./s");
}

/* ---- what survives ---- */

CASE(close_on_exec)
{
	int a = (int)NEED(open("/dev/null", O_RDONLY)), b, c;

	b = (int)NEED(open("/dev/null", O_RDONLY | O_CLOEXEC));
	c = dup(b);
	NEED(dup3(a, 10, O_CLOEXEC));
	NEED(dup2(10, 11));
	NEED(fcntl(a, F_DUPFD, 12));
	NEED(fcntl(a, F_DUPFD_CLOEXEC, 14));
	SHOW("%d %d %d", b - a, c - b, fcntl(14, F_GETFD));
	NEED(dup2(a, 15));
	NEED(fcntl(15, F_SETFD, FD_CLOEXEC));
	run_role(SELF, "fds");
}

CASE(kept_and_reset)
{
	struct itimerval it = { .it_value = { 100, 0 } };
	struct rlimit rl = { 7, 7 };
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	static char alt[16384];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	char *argv[] = { (char *)"x", NULL }, *envp[] = { (char *)"ABI_ROLE=kept", NULL };
	sigset_t set;
	timer_t t;

	signal(SIGUSR1, abi_late);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGHUP);
	sigaltstack(&ss, NULL);
	setrlimit(RLIMIT_CORE, &rl);
	NEED(timer_create(CLOCK_MONOTONIC, &ev, &t));
	umask(027);
	setpriority(PRIO_PROCESS, 0, 3);
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	execve(SELF, argv, envp);
}

CASE(names_of_programs)
{
	char *argv[] = { (char *)"other", NULL }, *envp[] = { (char *)"ABI_ROLE=name", NULL };

	copy_self("a_rather_long_program_name", 0755);
	NEED(symlink("a_rather_long_program_name", "ln"));
	abi_file("script.sh", "#!/tmp/abi/ln\n", 0755);
	run_env("./a_rather_long_program_name", argv, envp);
	run_env("/tmp/abi/ln", argv, envp);
	run_env("./script.sh", argv, envp);
	NEED(rename("a_rather_long_program_name", "b"));
	run_env("b", argv, envp);
	run_role(SELF, "name");
}

/* The directory of the case may be on a file system mounted nosuid. */
static void suid_place(void)
{
	NEED(mkdir("m", 0755));
	NEED(mount("t", "m", "tmpfs", 0, "mode=755"));
	NEED(chdir("m"));
}

static void leave_place(void)
{
	NEED(chdir(ABI_DIR));
	NEED(umount2("m", MNT_DETACH));
}

CASE(set_user_id)
{
	suid_place();
	copy_self("p", 0755);
	NEED(chown("p", 1234, 1234));
	run_role("./p", "ids");
	NEED(chmod("p", 04755));
	run_role("./p", "ids");
	NEED(chmod("p", 06711));
	run_role("./p", "ids");
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	run_role("./p", "ids");
	leave_place();
}

CASE(set_user_id_root)
{
	char *argv[] = { (char *)"x", NULL }, *envp[] = { (char *)"ABI_ROLE=auxv", NULL };
	pid_t pid;

	suid_place();
	copy_self("p", 04755);
	abi_file("s", "#!/tmp/abi/m/p\n", 04755);
	copy_self("q", 0755);
	abi_file("r", "#!/tmp/abi/m/q\n", 04755);
	pid = fork();
	if (pid == 0) {
		NEED(setresgid(1000, 1000, 1000));
		NEED(setresuid(1000, 1000, 1000));
		run_role("./p", "ids");
		run_role("./s", "ids");
		run_role("./r", "ids");
		run_env("./p", argv, envp);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	NEED(mount(NULL, ABI_DIR "/m", NULL, MS_REMOUNT | MS_NOSUID, NULL));
	pid = fork();
	if (pid == 0) {
		NEED(setresuid(1000, 1000, 1000));
		run_role("./p", "ids");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	leave_place();
}

/* A descriptor on a process's memory, from before it ran a program with other rights. */
static void old_mem_fd(const char *program)
{
	char *argv[] = { (char *)"x", NULL }, *envp[] = { (char *)"ABI_ROLE=secret", NULL };
	int up[2], down[2], fd;
	long wrong = 1, got = 0;
	char name[64], c;
	pid_t pid;

	NEED(pipe(up));
	NEED(pipe(down));
	pid = fork();
	if (pid == 0) {
		dup2(up[1], 13);
		dup2(down[0], 14);
		dup2(13, 3);
		dup2(14, 4);
		read(4, &c, 1);
		execve(program, argv, envp);
	}
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)pid);
	fd = NEED(open(name, O_RDWR));
	RET(pread(fd, &got, sizeof(got), (off_t)(uintptr_t)&secret));
	write(down[1], "!", 1);
	read(up[0], &c, 1);
	SHOW("exec done");
	RET(pread(fd, &got, sizeof(got), (off_t)(uintptr_t)&secret));
	RET(pwrite(fd, &wrong, sizeof(wrong), (off_t)(uintptr_t)&secret));
	write(down[1], "!", 1);
	waitpid(pid, NULL, 0);
	close(fd);
}

CASE(memory_descriptor_ends_with_exec)
{
	pid_t pid;

	NEED(personality(ADDR_NO_RANDOMIZE));
	suid_place();
	copy_self("p", 0755);
	copy_self("q", 04755);
	pid = fork();
	if (pid == 0) {
		NEED(setresgid(1000, 1000, 1000));
		NEED(setresuid(1000, 1000, 1000));
		NEED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		old_mem_fd("./p");
		old_mem_fd("./q");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	leave_place();
}

CASE(exit_signal_of_the_program_before)
{
	char env[] = "ABI_ROLE=child", *argv[] = { (char *)"x", NULL }, *envp[] = { env, NULL }, c;
	sigset_t set;
	int go[2];

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	NEED(pipe(go));
	dup2(go[1], 14);
	if (NEED(syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0)) == 0) {
		read(go[0], &c, 1);
		_exit(0);
	}
	dup2(14, 4);
	execve(SELF, argv, envp);
}

/* Who may look after exec: the right to read the program counts, and what it gained. */
CASE(dumpable_after_exec)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 }, { 0 } };
	pid_t pid;

	suid_place();
	copy_self("p", 0755);
	copy_self("q", 0711);
	for (int i = 0; i < 4; i++) {
		pid = fork();
		if (pid == 0) {
			if (i == 1)
				NEED(setresuid(1000, 1000, 1000));
			if (i == 2)
				NEED(syscall(SYS_capset, &h, d));
			if (i == 3)
				NEED(syscall(SYS_setfsuid, 1000) + 1);
			run_role("./p", "ids");
			run_role("./q", "ids");
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	leave_place();
}

CASE(mounted_noexec)
{
	suid_place();
	copy_self("p", 0755);
	abi_file("s", "#!/bin/true\n", 0755);
	NEED(mount(NULL, ABI_DIR "/m", NULL, MS_REMOUNT | MS_NOEXEC, NULL));
	run("./p");
	run("./s");
	leave_place();
}

CASE(saved_ids_follow_effective)
{
	NEED(setresuid(0, 1000, 1001));
	run_role(SELF, "ids");
	NEED(setresuid(-1, 0, -1));
	NEED(setresuid(1000, 0, 1001));
	run_role(SELF, "ids");
}

/* ---- threads ---- */

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *exec_here(void *arg)
{
	char pid[32], *argv[] = { (char *)"x", NULL };
	char *envp[] = { (char *)"ABI_ROLE=threads", pid, NULL };

	(void)arg;
	snprintf(pid, sizeof(pid), "PID=%d", getpid());
	execve(SELF, argv, envp);
	SHOW("exec: %s", abi_errname(errno));
	return NULL;
}

CASE(exec_from_a_thread)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, idle, NULL);
	pthread_create(&t, NULL, exec_here, NULL);
	pthread_join(t, NULL);
	pause();
}

CASE(exec_from_leader_with_threads)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, idle, NULL);
	exec_here(NULL);
}

CASE(exec_races_of_threads)
{
	pthread_t t;

	for (int i = 0; i < 8; i++)
		pthread_create(&t, NULL, exec_here, NULL);
	for (;;)
		pause();
}

static void *exec_when_alone(void *arg)
{
	char stat[64] = "", *argv[] = { (char *)"x", NULL }, pid[32];
	char *envp[] = { (char *)"ABI_ROLE=threads", pid, NULL };

	(void)arg;
	/* Until the leader is a zombie. */
	while (!strstr(stat, ") Z")) {
		int fd = open("/proc/self/stat", O_RDONLY);

		if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
			break;
		close(fd);
	}
	snprintf(pid, sizeof(pid), "PID=%d", getpid());
	execve("/tmp/abi/p", argv, envp);
	SHOW("exec: %s", abi_errname(errno));
	return NULL;
}

CASE(exec_after_end_of_leader)
{
	pthread_t t;

	copy_self("p", 0755);
	pthread_create(&t, NULL, exec_when_alone, NULL);
	pthread_exit(NULL);
}

static void *exec_missing(void *arg)
{
	RET(execve("/missing", NULL, NULL));
	return arg;
}

CASE(failed_exec_keeps_threads)
{
	pthread_t t;
	void *result;

	pthread_create(&t, NULL, exec_missing, (void *)77);
	pthread_join(t, &result);
	SHOW("%ld", (long)result);
}

/* ---- execveat ---- */

CASE(execveat_errors)
{
	int fd, dir = (int)NEED(open(".", O_RDONLY | O_DIRECTORY));

	copy_self("p", 0755);
	NEED(symlink("p", "ln"));
	fd = (int)NEED(open("p", O_RDONLY));
	RET(syscall(SYS_execveat, -1, "p", NULL, NULL, 0));
	RET(syscall(SYS_execveat, fd, "", NULL, NULL, 0));
	RET(syscall(SYS_execveat, fd, "p", NULL, NULL, 0));
	RET(syscall(SYS_execveat, dir, "", NULL, NULL, AT_EMPTY_PATH));
	RET(syscall(SYS_execveat, dir, "missing", NULL, NULL, 0));
	RET(syscall(SYS_execveat, dir, "ln", NULL, NULL, AT_SYMLINK_NOFOLLOW));
	RET(syscall(SYS_execveat, dir, "p", NULL, NULL, 0x4000));
	RET(syscall(SYS_execveat, dir, NULL, NULL, NULL, 0));
	RET(syscall(SYS_execveat, 99, "", NULL, NULL, AT_EMPTY_PATH));
}

static void run_at(int fd, const char *path, int flags, const char *role)
{
	char env[32], *argv[] = { (char *)"arg0", NULL }, *envp[] = { env, NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(env, sizeof(env), "ABI_ROLE=%s", role);
		syscall(SYS_execveat, fd, path, argv, envp, flags);
		SHOW("execveat: %s", abi_errname(errno));
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

CASE(execveat_works)
{
	int dir = (int)NEED(open(".", O_PATH)), fd, s;

	copy_self("p", 0755);
	abi_file("s", "#!/tmp/abi/p\n", 0755);
	fd = (int)NEED(open("p", O_RDONLY | O_CLOEXEC));
	NEED(dup3(fd, 20, O_CLOEXEC));
	NEED(dup2(fd, 21));
	run_at(dir, "p", 0, "args");
	run_at(-1, "/tmp/abi/p", 0, "args");
	run_at(20, "", AT_EMPTY_PATH, "name");
	run_at(21, "", AT_EMPTY_PATH, "name");
	s = (int)NEED(open("s", O_RDONLY | O_CLOEXEC));
	NEED(dup3(s, 22, O_CLOEXEC));
	run_at(22, "", AT_EMPTY_PATH, "args");
	NEED(dup2(s, 23));
	run_at(23, "", AT_EMPTY_PATH, "args");
	run_at(dir, "s", 0, "args");
}

CASE(exec_of_memfd)
{
	int fd = (int)NEED(memfd_create("prog", 0)), in = (int)NEED(open(SELF, O_RDONLY));
	static char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(fd, buf, (size_t)n));
	NEED(dup3(fd, 20, 0));
	close(fd);
	close(in);
	run_at(20, "", AT_EMPTY_PATH, "args");
	NEED(fcntl(20, F_SETFD, FD_CLOEXEC));
	run_at(20, "", AT_EMPTY_PATH, "args");
}

CASE(exec_of_deleted_file)
{
	int fd;

	copy_self("p", 0755);
	fd = (int)NEED(open("p", O_RDONLY));
	NEED(unlink("p"));
	run_at(fd, "", AT_EMPTY_PATH, "name");
}

CASE(many_execs)
{
	volatile int bad = 0;

	for (volatile int i = 0; i < 100; i++) {
		int status;
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(99);
		}
		waitpid(pid, &status, 0);
		bad += status != 0;
	}
	SHOW("bad %d", bad);
}
