# SPDX-License-Identifier: MIT
obj-y += entry.o sigframe.o
