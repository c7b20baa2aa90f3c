# SPDX-License-Identifier: MIT
obj-y += spinlock.o mutex.o rwsem.o wait.o rcu.o workqueue.o lockdep.o
dirs-y += test
