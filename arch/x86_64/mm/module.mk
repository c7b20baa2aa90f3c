# SPDX-License-Identifier: MIT
obj-y += paging.o pgtable.o tlb.o uaccess.o uaccess_fast.o extable.o
KASAN_paging.o := n
KASAN_extable.o := n
