# SPDX-License-Identifier: MIT
obj-y += unpack.o
