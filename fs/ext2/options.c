/* SPDX-License-Identifier: MIT */
/* Mount options, with Linux's names and Linux's way of printing them in /proc/mounts. */
#include "ext2_internal.h"

#include <kernel/kstrto.h>
#include <kernel/printf.h>

struct flag_option {
	const char *name;
	u32 set, clear;
};

static const struct flag_option flag_options[] = {
	{ "bsddf", 0, OPT_MINIXDF },
	{ "minixdf", OPT_MINIXDF, 0 },
	{ "grpid", OPT_GRPID, 0 },
	{ "bsdgroups", OPT_GRPID, 0 },
	{ "nogrpid", 0, OPT_GRPID },
	{ "sysvgroups", 0, OPT_GRPID },
	{ "debug", OPT_DEBUG, 0 },
	{ "oldalloc", OPT_OLDALLOC, 0 },
	{ "orlov", 0, OPT_OLDALLOC },
	{ "nobh", OPT_NOBH, 0 },
	{ "user_xattr", OPT_XATTR_USER, 0 },
	{ "nouser_xattr", 0, OPT_XATTR_USER },
	{ "acl", OPT_ACL, 0 },
	{ "noacl", 0, OPT_ACL },
	{ "nouid32", OPT_NOUID32, 0 },
	{ "reservation", 0, OPT_NORESERVATION },
	{ "noreservation", OPT_NORESERVATION, 0 },
	{ "nocheck", 0, 0 },
	{ "check=none", 0, 0 },
	{ "noquota", 0, 0 },
};

void ext2_opts_default(struct ext2_opts *o, const struct ext2_super *es)
{
	u32 d = es->s_default_mount_opts;

	o->flags |= d & EXT2_DEFM_DEBUG ? OPT_DEBUG : 0;
	o->flags |= d & EXT2_DEFM_BSDGROUPS ? OPT_GRPID : 0;
	o->flags |= OPT_XATTR_USER | OPT_ACL; /* whatever the super block says, as on Linux 6.1 */
	o->errors = es->s_errors == EXT2_ERRORS_PANIC || es->s_errors == EXT2_ERRORS_RO
			    ? es->s_errors
			    : EXT2_ERRORS_CONTINUE;
	o->resuid = es->s_def_resuid;
	o->resgid = es->s_def_resgid;
}

static int parse_errors(struct ext2_opts *o, const char *v)
{
	if (!strcmp(v, "continue"))
		o->errors = EXT2_ERRORS_CONTINUE;
	else if (!strcmp(v, "remount-ro"))
		o->errors = EXT2_ERRORS_RO;
	else if (!strcmp(v, "panic"))
		o->errors = EXT2_ERRORS_PANIC;
	else
		return -EINVAL;
	return 0;
}

static int parse_one(struct ext2_opts *o, const char *opt)
{
	size_t n;

	for (size_t k = 0; k < ARRAY_SIZE(flag_options); k++) {
		const struct flag_option *f = &flag_options[k];

		if (!strcmp(opt, f->name)) {
			o->flags = (o->flags & ~f->clear) | f->set;
			return 0;
		}
	}
	if ((n = str_has_prefix(opt, "errors=")) != 0)
		return parse_errors(o, opt + n);
	if ((n = str_has_prefix(opt, "resuid=")) != 0)
		return kstrtouint(opt + n, 10, &o->resuid);
	if ((n = str_has_prefix(opt, "resgid=")) != 0)
		return kstrtouint(opt + n, 10, &o->resgid);
	if ((n = str_has_prefix(opt, "sb=")) != 0)
		return kstrtouint(opt + n, 10, &o->sb_block);
	return -EINVAL;
}

int ext2_opts_parse(struct ext2_opts *o, char *data, bool remount)
{
	u32 sb_block = o->sb_block;
	char *opt;
	int rc;

	while (data && (opt = strsep(&data, ",")) != NULL) {
		if (!*opt)
			continue;
		rc = parse_one(o, opt);
		if (rc)
			return -EINVAL;
	}
	if (remount) /* where the super block lies does not change */
		o->sb_block = sb_block;
	return 0;
}

void ext2_show_options(struct super_block *sb, struct strbuf *out)
{
	struct ext2_sb *s = ext2_s(sb);
	const struct ext2_super *es = s->es;
	u32 f = s->opts.flags, d = es->s_default_mount_opts;
	bool strict = es->s_errors == EXT2_ERRORS_PANIC || es->s_errors == EXT2_ERRORS_RO;

	if (s->opts.sb_block != 1)
		sb_printf(out, ",sb=%u", s->opts.sb_block);
	if (f & OPT_MINIXDF)
		sb_puts(out, ",minixdf");
	if (f & OPT_GRPID)
		sb_puts(out, ",grpid");
	else if (d & EXT2_DEFM_BSDGROUPS)
		sb_puts(out, ",nogrpid");
	if (s->opts.resuid != es->s_def_resuid)
		sb_printf(out, ",resuid=%u", s->opts.resuid);
	if (s->opts.resgid != es->s_def_resgid)
		sb_printf(out, ",resgid=%u", s->opts.resgid);
	if (s->opts.errors == EXT2_ERRORS_RO)
		sb_puts(out, ",errors=remount-ro");
	else if (s->opts.errors == EXT2_ERRORS_PANIC)
		sb_puts(out, ",errors=panic");
	else if (strict)
		sb_puts(out, ",errors=continue");
	if (f & OPT_NOUID32)
		sb_puts(out, ",nouid32");
	if (f & OPT_DEBUG)
		sb_puts(out, ",debug");
	if (f & OPT_OLDALLOC)
		sb_puts(out, ",oldalloc");
	if (!(f & OPT_XATTR_USER))
		sb_puts(out, ",nouser_xattr");
	if (!(f & OPT_ACL))
		sb_puts(out, ",noacl");
	if (f & OPT_NOBH)
		sb_puts(out, ",nobh");
	if (f & OPT_NORESERVATION)
		sb_puts(out, ",noreservation");
}
