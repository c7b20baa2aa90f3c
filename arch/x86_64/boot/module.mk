# SPDX-License-Identifier: MIT
obj-y += header.o entry64.o bootinfo.o memmap.o
KASAN := n
UBSAN := n
