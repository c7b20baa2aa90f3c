# SPDX-License-Identifier: MIT
obj-y += core.o io.o ioctl.o jobctl.o ldisc.o pty.o
