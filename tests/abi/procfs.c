/* SPDX-License-Identifier: MIT */
/* /proc: the form of its files, and the values that do not depend on the machine. Digits are shown
 * as one 9, so that lines of numbers compare by their shape. */
#include "abi.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The whole file; NULL when it cannot be read. */
static char *slurp(const char *path)
{
	static char text[65536];
	size_t n = 0;
	ssize_t k;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	while ((k = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)k;
	close(fd);
	text[n] = '\0';
	return text;
}

/* Numbers become 9, runs of blanks one blank. */
static void show_shape(const char *line)
{
	char out[512];
	size_t n = 0;

	for (const char *c = line; *c && *c != '\n' && n < sizeof(out) - 1; c++) {
		int digit = *c >= '0' && *c <= '9', blank = *c == ' ' || *c == '\t';

		if (digit && n && out[n - 1] == '9')
			continue;
		if (blank && n && out[n - 1] == ' ')
			continue;
		out[n++] = digit ? '9' : blank ? ' ' : *c;
	}
	out[n] = '\0';
	SHOW("%s", out);
}

static void show_line(const char *path, const char *start)
{
	char *text = slurp(path), *at = text;

	while (at && strncmp(at, start, strlen(start))) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (at)
		show_shape(at);
	else
		SHOW("%s: no %s", path, start);
}

static void show_fields(const char *path)
{
	char *text = slurp(path), *at;
	int fields = 0, lines = 0;

	if (!text) {
		SHOW("%s: %s", path, abi_errname(errno));
		return;
	}
	at = strrchr(text, ')') ? strrchr(text, ')') + 1 : text;
	for (char *t = strtok(at, " \n"); t; t = strtok(NULL, " \n"))
		fields++;
	lines += text[0] != 0;
	SHOW("%s: %d fields, something %d", path, fields, lines);
}

CASE(stat_of_self)
{
	char *text, comm[64] = "", state = 0;
	int pid = 0, ppid = 0, pgrp = 0, session = 0;

	prctl(PR_SET_NAME, "a) (b", 0, 0, 0);
	text = slurp("/proc/self/stat");
	sscanf(text, "%d (%5c) %c %d %d %d", &pid, comm, &state, &ppid, &pgrp, &session);
	SHOW("pid %d comm %s state %c ppid %d pgrp %d session %d", pid == getpid(), comm, state,
	     ppid == getppid(), pgrp == getpgrp(), session == getsid(0));
	show_fields("/proc/self/stat");
	show_fields("/proc/self/statm");
}

CASE(status_of_self)
{
	static const char *const keys[] = { "Name:",
					    "Umask:",
					    "State:",
					    "Tgid:",
					    "PPid:",
					    "Uid:",
					    "Gid:",
					    "FDSize:",
					    "Groups:",
					    "VmPeak:",
					    "VmSize:",
					    "VmLck:",
					    "VmRSS:",
					    "VmData:",
					    "VmStk:",
					    "VmExe:",
					    "Threads:",
					    "SigQ:",
					    "voluntary_ctxt_switches:",
					    "nonvoluntary_ctxt_switches:" };

	prctl(PR_SET_NAME, "me", 0, 0, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		show_line("/proc/self/status", keys[i]);
}

static void exact(const char *path, const char *start)
{
	char *text = slurp(path), *at = text ? strstr(text, start) : NULL;

	if (at)
		SHOW("%.*s", (int)strcspn(at, "\n"), at);
	else
		SHOW("%s: no %s", path, start);
}

CASE(status_signals)
{
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, abi_late);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGHUP);
	exact("/proc/self/status", "SigPnd:");
	exact("/proc/self/status", "ShdPnd:");
	exact("/proc/self/status", "SigBlk:");
	exact("/proc/self/status", "SigIgn:");
	exact("/proc/self/status", "SigCgt:");
	exact("/proc/self/status", "NoNewPrivs:");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	exact("/proc/self/status", "NoNewPrivs:");
}

CASE(status_ids)
{
	NEED(setresgid(1, 2, 3));
	NEED(setresuid(5, 6, 7));
	exact("/proc/self/status", "Uid:");
	exact("/proc/self/status", "Gid:");
	exact("/proc/self/status", "CapEff:");
	exact("/proc/self/status", "CapPrm:");
	exact("/proc/self/status", "CapInh:");
}

CASE(comm_file)
{
	char *text;
	int fd;

	prctl(PR_SET_NAME, "name", 0, 0, 0);
	text = slurp("/proc/self/comm");
	SHOW("%zu '%s'", strlen(text), text);
	fd = (int)NEED(open("/proc/self/comm", O_RDWR));
	RET(write(fd, "a_name_that_is_too_long", 23));
	text = slurp("/proc/self/comm");
	SHOW("'%s'", text);
}

CASE(limits_file)
{
	struct rlimit rl = { 7, 77 };

	setrlimit(RLIMIT_CORE, &rl);
	exact("/proc/self/limits", "Limit ");
	exact("/proc/self/limits", "Max core file size");
	exact("/proc/self/limits", "Max stack size");
	exact("/proc/self/limits", "Max open files");
	exact("/proc/self/limits", "Max cpu time");
}

CASE(maps_file)
{
	int fd = (int)NEED(open("mapped", O_RDWR | O_CREAT, 0644));
	char *text, *p, key[32];

	NEED(ftruncate(fd, 8192));
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
	snprintf(key, sizeof(key), "%lx-", (unsigned long)p);
	text = slurp("/proc/self/maps");
	text = strstr(text, key);
	SHOW("%.14s", text ? strchr(text, ' ') : "?");
	text = text ? strstr(text, "/tmp") : NULL;
	SHOW("%.*s", text ? (int)strcspn(text, "\n") : 1, text ? text : "?");
	unlink("mapped");
	text = strstr(slurp("/proc/self/maps"), "/tmp/abi/mapped");
	SHOW("%.*s", text ? (int)strcspn(text, "\n") : 1, text ? text : "?");
	text = slurp("/proc/self/maps");
	SHOW("stack %d vdso %d", strstr(text, "[stack]") != NULL, strstr(text, "[vdso]") != NULL);
}

static void show_dir(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	if (d)
		closedir(d);
	SHOW("%s: %d", path, n);
}

CASE(descriptors)
{
	char buf[64] = "";
	int p[2];

	for (int fd = 3; fd < 64; fd++)
		close(fd);
	NEED(open("/dev/null", O_RDWR));
	show_dir("/proc/self/fd");
	show_dir("/proc/self/fdinfo");
	RET(readlink("/proc/self/fd/3", buf, sizeof(buf)));
	SHOW("%s", buf);
	NEED(pipe(p));
	memset(buf, 0, sizeof(buf));
	NEED(readlink("/proc/self/fd/4", buf, sizeof(buf)));
	show_shape(buf);
	RET(readlink("/proc/self/fd/55", buf, sizeof(buf)));
	show_line("/proc/self/fdinfo/3", "pos:");
	show_line("/proc/self/fdinfo/3", "flags:");
	exact("/proc/self/fdinfo/3", "flags:");
}

CASE(task_directory)
{
	char path[64], *text;

	show_dir("/proc/self/task");
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", getpid(), getpid());
	prctl(PR_SET_NAME, "thread", 0, 0, 0);
	text = slurp(path);
	SHOW("%s", text ? text : abi_errname(errno));
	RET(access("/proc/self/task/999999", F_OK));
	RET(access("/proc/999999", F_OK));
}

CASE(machine_files)
{
	show_shape(slurp("/proc/uptime"));
	show_shape(slurp("/proc/loadavg"));
	show_line("/proc/meminfo", "MemTotal:");
	show_line("/proc/meminfo", "MemFree:");
	show_line("/proc/meminfo", "MemAvailable:");
	show_line("/proc/meminfo", "Buffers:");
	show_line("/proc/meminfo", "Cached:");
	show_line("/proc/meminfo", "SwapTotal:");
	show_line("/proc/stat", "cpu ");
	show_line("/proc/stat", "cpu0");
	show_line("/proc/stat", "ctxt");
	show_line("/proc/stat", "btime");
	show_line("/proc/stat", "processes");
	show_line("/proc/stat", "procs_running");
	show_line("/proc/cpuinfo", "processor");
	show_line("/proc/cpuinfo", "cpu MHz");
	show_line("/proc/filesystems", "nodev\ttmpfs");
	show_line("/proc/filesystems", "nodev\tproc");
	SHOW("%.13s", slurp("/proc/version"));
}

CASE(mounts_files)
{
	char *text;

	NEED(mkdir("m", 0755));
	NEED(syscall(SYS_mount, "thing", "m", "tmpfs", 1, "size=64k"));
	text = strstr(slurp("/proc/mounts"), "thing ");
	SHOW("%.30s", text ? text : "?");
	text = strstr(slurp("/proc/self/mountinfo"), "/tmp/abi/m ");
	SHOW("%.14s", text ? text : "?");
	NEED(syscall(SYS_umount2, "m", 0));
	SHOW("%d", strstr(slurp("/proc/mounts"), "thing ") == NULL);
}

CASE(sysctl_files)
{
	static const char *const files[] = { "kernel/ostype",	    "kernel/pid_max",
					     "kernel/hostname",	    "kernel/random/boot_id",
					     "kernel/random/uuid",  "vm/overcommit_memory",
					     "fs/file-max",	    "fs/pipe-max-size",
					     "kernel/cap_last_cap", "kernel/ngroups_max" };
	char path[64], *text;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", files[i]);
		text = slurp(path);
		SHOW("%s: %s", files[i], text && text[0] ? "there" : "missing");
	}
	exact("/proc/sys/kernel/ostype", "Linux");
	exact("/proc/sys/kernel/cap_last_cap", "");
	exact("/proc/sys/kernel/ngroups_max", "");
}

/* Below /proc/sys the mode binds root, too. */
CASE(sysctl_permissions)
{
	OK(open("/proc/sys/kernel/ostype", O_WRONLY));
	OK(open("/proc/sys/kernel/ostype", O_RDWR));
	RET(access("/proc/sys/kernel/ostype", W_OK));
	RET(access("/proc/sys/kernel/hostname", W_OK));
	RET(access("/proc/sys/kernel/hostname", X_OK));
	RET(access("/proc/sys/kernel", X_OK));
	RET(access("/proc/sys/kernel", W_OK));
	NEED(setresuid(1000, 1000, 1000));
	OK(open("/proc/sys/kernel/hostname", O_WRONLY));
	OK(open("/proc/sys/kernel/hostname", O_RDONLY));
}

CASE(errors)
{
	char c;
	int fd;

	OK(open("/proc/self/status", O_RDONLY));
	OK(open("/proc/missing", O_RDONLY));
	RET(mkdir("/proc/x", 0755));
	RET(unlink("/proc/uptime"));
	RET(rename("/proc/uptime", "/proc/x"));
	RET(chdir("/proc/self/fd"));
	RET(rmdir("/proc/self"));
	fd = (int)NEED(open("/proc/self/stat", O_RDONLY));
	RET(lseek(fd, 5, SEEK_SET));
	RET(read(fd, &c, 1));
	RET(lseek(fd, 1 << 20, SEEK_SET));
	RET(read(fd, &c, 1));
	RET(lseek(fd, 0, SEEK_END));
}

CASE(permissions_of_others)
{
	pid_t pid = fork();
	char path[64], buf[64];

	if (pid == 0) {
		pause();
		_exit(0);
	}
	NEED(setresuid(1000, 1000, 1000));
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	OK(open(path, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	RET(readlink(path, buf, sizeof(buf)));
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	OK(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	OK(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	OK(open(path, O_RDONLY));
}

CASE(file_of_an_ended_process)
{
	char path[64], buf[64];
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = (int)NEED(open(path, O_RDONLY));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	RET(read(fd, buf, sizeof(buf)));
	OK(open(path, O_RDONLY));
}

CASE(zombie_entries)
{
	char path[64], buf[64], *text;
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	text = slurp(path);
	SHOW("cmdline %zu", text ? strlen(text) : 99);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	RET(readlink(path, buf, sizeof(buf)));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	show_line(path, "State:");
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	text = slurp(path);
	SHOW("maps %zu", text ? strlen(text) : 99);
}
