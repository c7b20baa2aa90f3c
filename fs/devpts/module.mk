# SPDX-License-Identifier: MIT
obj-y += devpts.o
