# SPDX-License-Identifier: MIT
obj-y += core.o runqueue.o class_fair.o class_rt.o class_idle.o balance.o affinity.o account.o \
	idle.o kthread.o sys_sched.o
dirs-y += test
