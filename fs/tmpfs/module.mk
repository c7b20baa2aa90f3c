# SPDX-License-Identifier: MIT
obj-y += super.o inode.o dir.o file.o xattr.o
