# SPDX-License-Identifier: MIT
obj-y += clock.o hrtimer.o sleep.o cpuclock.o itimer.o posix_timer.o sys_clock.o adjtime.o timerfd.o
dirs-y += test
