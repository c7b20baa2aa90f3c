# SPDX-License-Identifier: MIT
obj-y += early.o uart16550.o
