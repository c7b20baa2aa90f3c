# SPDX-License-Identifier: MIT
obj-y += init.o task.o task_work.o pid.o user_count.o cred.o sys_cred.o caps.o rlimit.o rusage.o session.o \
	clone.o exit.o reap.o wait.o sys_wait.o exec.o exec_args.o elf.o elf_load.o elf_stack.o script.o script_line.o \
	prctl.o ids.o uts.o sysinfo.o reboot.o personality.o kcmp.o pidfd.o ptrace.o
obj-$(CONFIG_KTEST) += ktest_proc.o
