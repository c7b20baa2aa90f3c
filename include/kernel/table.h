/* SPDX-License-Identifier: MIT */
/* Linker tables: const rows collected from all object files, no central list to edit.
 *   TABLE_ENTRY(fs_types, struct fs_type, tmpfs) = { .name = "tmpfs", ... };
 *   TABLE_FOREACH(fs_types, struct fs_type, t) { ... }
 * The rows live in a section of their own, tbl_<name>, whose bounds GNU ld names. Order within a
 * table is undefined. The bounds are weak so that an empty table links. */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#define TABLE_ENTRY(table, type, id)                                                               \
	static const type tblrow_##table##_##id                                                    \
		__attribute__((used, section("tbl_" #table), aligned(__alignof__(type))))

#define TABLE_FOREACH(table, type, var)                                                            \
	extern const type __start_tbl_##table[] __attribute__((weak));                             \
	extern const type __stop_tbl_##table[] __attribute__((weak));                              \
	for (const type *var = __start_tbl_##table; var < __stop_tbl_##table; var++)

#endif
