# SPDX-License-Identifier: MIT
obj-y += string.o printf.o kstrto.o
obj-y += rbtree.o xarray.o xarray_node.o idr.o bitmap.o ringbuf.o sort.o
obj-y += hash.o siphash.o crc.o sha256.o chacha20.o utf8.o inflate.o cpio.o

# The word-wise string functions read to the end of an aligned word on purpose.
KASAN_string.o := n
