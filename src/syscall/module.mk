# SPDX-License-Identifier: MIT
obj-y += dispatch.o enosys.o
