# SPDX-License-Identifier: MIT
obj-y += trampoline.o smp.o ipi.o
