# SPDX-License-Identifier: MIT
obj-y += fdtable.o file.o inode.o inode_sync.o itime.o dcache.o super.o mount_table.o propagate.o walk.o perm.o fs_struct.o names.o \
	open.o attr.o generic.o dpath.o lock.o fasync.o xattr.o acl.o posix_acl.o proc_mounts.o \
	sys_open.o sys_rw.o sys_stat.o sys_dir.o sys_link.o sys_attr.o sys_fd.o sys_mount.o sys_copy.o inotify.o
obj-$(CONFIG_KTEST) += ktest_vfs.o
