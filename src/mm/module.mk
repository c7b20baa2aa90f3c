# SPDX-License-Identifier: MIT
obj-y += early_mem.o buddy.o page_alloc.o slab.o kmalloc.o vmalloc.o kstack.o mm_init.o reclaim.o uio.o
obj-y += vma_tree.o vma.o mmap.o zap.o fault.o mm.o access.o oom.o memstat.o sys_mmap.o sys_mprotect.o
obj-y += sys_mremap.o sys_madvise.o sys_mlock.o sys_process_vm.o sys_membarrier.o page_lock.o shm.o
# Run before the shadow exists, or guard its owners.
KASAN_early_mem.o := n
KASAN_slab.o := n
KASAN_page_alloc.o := n
KASAN_buddy.o := n
obj-$(CONFIG_KTEST) += ktest_mm.o
