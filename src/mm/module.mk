# SPDX-License-Identifier: MIT
obj-y += early_mem.o buddy.o page_alloc.o slab.o kmalloc.o vmalloc.o kstack.o mm_init.o reclaim.o uio.o
# Run before the shadow exists, or guard its owners.
KASAN_early_mem.o := n
KASAN_slab.o := n
KASAN_page_alloc.o := n
KASAN_buddy.o := n
