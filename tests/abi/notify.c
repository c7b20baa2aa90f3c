/* SPDX-License-Identifier: MIT */
/* inotify: which call makes which events, in which order; watches and their ends. */
#define _GNU_SOURCE
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int fd;

/* Everything queued so far; cookies are numbered in the order they are met. */
static void events(const char *what)
{
	char buf[8192] __attribute__((aligned(8)));
	unsigned int cookies[16], n = 0;
	ssize_t len = read(fd, buf, sizeof(buf));

	SHOW("%s:", what);
	for (ssize_t at = 0; at < len;) {
		struct inotify_event *e = (void *)(buf + at);
		unsigned int c = 0;

		if (e->cookie) {
			for (c = 0; c < n && cookies[c] != e->cookie; c++)
				;
			if (c == n)
				cookies[n++] = e->cookie;
			c++;
		}
		SHOW("  wd %d mask %x cookie %u len %u \"%s\"", e->wd, e->mask, c, e->len,
		     e->len ? e->name : "");
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

static void put_file(const char *path, const char *text)
{
	int f = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (write(f, text, strlen(text)) < 0)
		perror(path);
	close(f);
}

CASE(events_of_a_directory)
{
	char c;
	int f;

	fd = inotify_init1(IN_NONBLOCK);
	mkdir("d", 0755);
	mkdir("e", 0755);
	RET(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	put_file("d/f", "text");
	events("create and write");
	f = open("d/f", O_RDONLY);
	read(f, &c, 1);
	read(f, &c, 1);
	close(f);
	events("read");
	chmod("d/f", 0600);
	events("chmod");
	rename("d/f", "d/g");
	events("rename inside");
	rename("d/g", "e/g");
	rename("e/g", "d/h");
	events("out and in");
	link("d/h", "d/l");
	events("link");
	unlink("d/l");
	events("unlink");
	mkdir("d/sub", 0755);
	rmdir("d/sub");
	symlink("x", "d/s");
	mknod("d/p", S_IFIFO | 0644, 0);
	events("mkdir, rmdir, symlink, mknod");
	truncate("d/h", 1);
	events("truncate");
	unlink("d/h");
	unlink("d/s");
	unlink("d/p");
	events("cleaned");
	rmdir("d");
	events("removed");
}

CASE(events_of_a_file)
{
	int f;

	fd = inotify_init1(IN_NONBLOCK);
	put_file("f", "text");
	RET(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
	f = open("f", O_RDWR);
	write(f, "a", 1);
	write(f, "b", 1);
	ftruncate(f, 0);
	close(f);
	events("write");
	link("f", "g");
	events("link");
	rename("f", "h");
	events("rename");
	unlink("g");
	events("unlink one");
	unlink("h");
	events("unlink last");
}

CASE(watch_rules)
{
	struct pollfd p;
	int n, a, b;

	fd = inotify_init1(0);
	put_file("f", "");
	a = inotify_add_watch(fd, "f", IN_MODIFY);
	b = inotify_add_watch(fd, "f", IN_ATTRIB);
	SHOW("same watch: %d", a == b);
	RET(inotify_add_watch(fd, "f", IN_MASK_CREATE | IN_MODIFY));
	RET(inotify_add_watch(fd, "f", IN_MODIFY | IN_MASK_ADD) == a);
	RET(inotify_add_watch(fd, "f", IN_MODIFY | IN_ONLYDIR));
	RET(inotify_add_watch(fd, "f", 0));
	RET(inotify_add_watch(fd, "f", IN_MASK_ADD | IN_MASK_CREATE | IN_MODIFY));
	RET(inotify_add_watch(0, "f", IN_MODIFY));
	RET(inotify_add_watch(-1, "f", IN_MODIFY));
	RET(inotify_add_watch(fd, (char *)8, IN_MODIFY));
	RET(inotify_init1(0x1234));
	p = (struct pollfd){ fd, POLLIN, 0 };
	RET(poll(&p, 1, 0));
	put_file("f", "x");
	RET(poll(&p, 1, 0));
	RET(ioctl(fd, FIONREAD, &n));
	SHOW("%d", n);
	RET(read(fd, &n, 4));
	events("modify");
	RET(inotify_rm_watch(fd, a));
	events("removed");
	RET(inotify_rm_watch(fd, a));
	RET(inotify_add_watch(fd, "f", IN_OPEN | IN_ONESHOT) != a);
	close(open("f", O_RDONLY));
	close(open("f", O_RDONLY));
	events("one shot");
}

CASE(watch_ends_with_mount)
{
	fd = inotify_init1(IN_NONBLOCK);
	mkdir("m", 0755);
	RET(mount("none", "m", "tmpfs", 0, NULL));
	put_file("m/f", "");
	RET(inotify_add_watch(fd, "m/f", IN_ALL_EVENTS));
	RET(umount("m"));
	events("unmounted");
}
