# SPDX-License-Identifier: MIT
obj-y += early.o
