# SPDX-License-Identifier: MIT
obj-y += switch.o context.o tls.o
