/* SPDX-License-Identifier: MIT */
/* Resource limits and usage of the Linux ABI. */
#ifndef UAPI_RESOURCE_H
#define UAPI_RESOURCE_H

#include <kernel/types.h>

#define RLIMIT_CPU 0	     /* seconds */
#define RLIMIT_FSIZE 1	     /* bytes */
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_RSS 5
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_LOCKS 10
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE 12
#define RLIMIT_NICE 13
#define RLIMIT_RTPRIO 14
#define RLIMIT_RTTIME 15     /* microseconds */
#define RLIM_NLIMITS 16
#define RLIM_INFINITY (~0ull)

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN -1
#define RUSAGE_THREAD 1
#define RUSAGE_BOTH -2 /* self and children; inside the kernel only */

#define PRIO_PROCESS 0
#define PRIO_PGRP 1
#define PRIO_USER 2

struct user_timeval {
	s64 tv_sec;
	s64 tv_usec;
};

struct user_rusage {
	struct user_timeval ru_utime;
	struct user_timeval ru_stime;
	s64 ru_maxrss; /* KiB */
	s64 ru_ixrss;
	s64 ru_idrss;
	s64 ru_isrss;
	s64 ru_minflt;
	s64 ru_majflt;
	s64 ru_nswap;
	s64 ru_inblock;
	s64 ru_oublock;
	s64 ru_msgsnd;
	s64 ru_msgrcv;
	s64 ru_nsignals;
	s64 ru_nvcsw;
	s64 ru_nivcsw;
};
_Static_assert(sizeof(struct user_rusage) == 144, "struct rusage");

#endif
