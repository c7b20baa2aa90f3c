# SPDX-License-Identifier: MIT
# Every source here belongs to the kernel: log, reports, panic, backtraces. The sanitizers' run-time
# parts only where they are used, and never instrumented themselves.
obj-y += $(filter-out kasan.o ubsan.o,$(patsubst src/debug/%.c,%.o,$(sort $(wildcard src/debug/*.c))))
obj-$(CONFIG_KASAN) += kasan.o
obj-$(CONFIG_UBSAN) += ubsan.o
KASAN_kasan.o := n
UBSAN_kasan.o := n
KASAN_ubsan.o := n
UBSAN_ubsan.o := n
