# SPDX-License-Identifier: MIT
obj-y += tables.o power.o
KASAN_tables.o := n
