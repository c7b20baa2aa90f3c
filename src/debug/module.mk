# SPDX-License-Identifier: MIT
# Every source here belongs to the kernel: log, reports, panic, backtraces.
obj-y += $(patsubst src/debug/%.c,%.o,$(sort $(wildcard src/debug/*.c)))
