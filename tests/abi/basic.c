/* SPDX-License-Identifier: MIT */
/* The frame itself: errors by name, children that crash, files of a case. */
#include "abi.h"

CASE(errors_by_name)
{
	char c;

	RET(read(-1, &c, 1));
	RET(open("/nonexistent/file", O_RDONLY));
	RET(chdir("/etc/passwd"));
	RET(syscall(9999));
}

CASE(identity)
{
	RET(getuid());
	RET(geteuid());
	RET(getgid());
	RET(getpgrp() == getpid());
}

CASE(child_ends)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(42);
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("child", status);
	pid = fork();
	if (pid == 0) {
		raise(SIGTERM);
		_exit(0);
	}
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("child", status);
	RET(waitpid(-1, &status, 0));
}

CASE(null_pointer)
{
	*(volatile int *)8 = 1;
}

CASE(file_of_a_case)
{
	struct stat st;
	char buf[16] = "";
	int fd;

	abi_file("f", "hello", 0640);
	RET(stat("f", &st));
	SHOW("mode %o size %ld links %ld", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	fd = (int)OK(open("f", O_RDONLY));
	RET(read(fd, buf, sizeof(buf)));
	SHOW("%s", buf);
}
