/* SPDX-License-Identifier: MIT */
/* What the system calls itself. sysname is "Linux" and release looks like one of its versions,
 * because that is what programs test before they run; the version says who it really is. */
#include "proc_internal.h"

#include <fs/procfs.h>
#include <kernel/printf.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/personality.h>
#include <uapi/utsname.h>

#define UTS_RELEASE "6.1.0-keelson"
#define UTS_VERSION "#1 SMP Keelson 0.1"

static DEFINE_SPINLOCK(uts_lock, LOCK_LEAF);
static struct user_utsname uts = { /* uts_lock */
	.sysname = "Linux",
	.nodename = "keelson",
	.release = UTS_RELEASE,
	.version = UTS_VERSION,
	.machine = "x86_64",
	.domainname = "(none)",
};

void uts_get(struct user_utsname *out)
{
	spin_lock(&uts_lock);
	*out = uts;
	spin_unlock(&uts_lock);
}

static int set_field(char *field, const char *name, size_t n)
{
	if (n > UTS_LEN)
		return -EINVAL;
	spin_lock(&uts_lock);
	memset(field, 0, UTS_LEN + 1);
	memcpy(field, name, n);
	spin_unlock(&uts_lock);
	return 0;
}

int uts_set_nodename(const char *name, size_t n)
{
	return set_field(uts.nodename, name, n);
}

int uts_set_domainname(const char *name, size_t n)
{
	return set_field(uts.domainname, name, n);
}

SYSCALL(uname, struct user_ptr, uname)
{
	struct user_utsname u;

	uts_get(&u);
	/* Programs that take the first digit for the age of the system ask to be told 2.6. */
	if (current->personality & UNAME26)
		memcpy(u.release, "2.6.61", sizeof("2.6.61"));
	if ((current->personality & PER_MASK) == PER_LINUX32)
		memcpy(u.machine, "i686", sizeof("i686"));
	return copy_to_user(uname, &u, sizeof(u));
}

static long set_from_user(struct user_ptr uname, int len, int (*set)(const char *name, size_t n))
{
	char name[UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_from_user(name, uname, (size_t)len))
		return -EFAULT;
	return set(name, (size_t)len);
}

SYSCALL(sethostname, struct user_ptr, name, int, len)
{
	return set_from_user(name, len, uts_set_nodename);
}

SYSCALL(setdomainname, struct user_ptr, name, int, len)
{
	return set_from_user(name, len, uts_set_domainname);
}

/* --- /proc/sys/kernel, /proc/version --- */

static int ostype_show(struct strbuf *sb)
{
	sb_printf(sb, "%s\n", uts.sysname);
	return 0;
}
PROC_FILE(ostype, "sys/kernel/ostype", 0444, ostype_show);

static int osrelease_show(struct strbuf *sb)
{
	sb_printf(sb, "%s\n", uts.release);
	return 0;
}
PROC_FILE(osrelease, "sys/kernel/osrelease", 0444, osrelease_show);

static int uts_version_show(struct strbuf *sb)
{
	sb_printf(sb, "%s\n", uts.version);
	return 0;
}
PROC_FILE(uts_version, "sys/kernel/version", 0444, uts_version_show);

static int version_show(struct strbuf *sb)
{
	sb_printf(sb, "%s version %s (gcc %s) %s\n", uts.sysname, uts.release, __VERSION__,
		  uts.version);
	return 0;
}
PROC_FILE(version, "version", 0444, version_show);

static size_t line_length(const char *text, size_t n)
{
	const char *nl = memchr(text, '\n', n);

	return min(nl ? (size_t)(nl - text) : strnlen(text, n), (size_t)UTS_LEN);
}

static int hostname_show(struct strbuf *sb)
{
	struct user_utsname u;

	uts_get(&u);
	sb_printf(sb, "%s\n", u.nodename);
	return 0;
}

static int hostname_store(const char *text, size_t n)
{
	return uts_set_nodename(text, line_length(text, n));
}
PROC_FILE_RW(hostname, "sys/kernel/hostname", 0644, hostname_show, hostname_store);

static int domainname_show(struct strbuf *sb)
{
	struct user_utsname u;

	uts_get(&u);
	sb_printf(sb, "%s\n", u.domainname);
	return 0;
}

static int domainname_store(const char *text, size_t n)
{
	return uts_set_domainname(text, line_length(text, n));
}
PROC_FILE_RW(domainname, "sys/kernel/domainname", 0644, domainname_show, domainname_store);
