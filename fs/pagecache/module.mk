# SPDX-License-Identifier: MIT
obj-y += cache.o file_rw.o
