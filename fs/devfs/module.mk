# SPDX-License-Identifier: MIT
obj-y += devfs.o
