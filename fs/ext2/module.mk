# SPDX-License-Identifier: MIT
obj-y += super.o options.o inode.o map.o balloc.o ialloc.o dirblock.o dir.o namei.o file.o symlink.o \
	xattr.o xattr_block.o acl.o acl_disk.o txn.o commit.o
