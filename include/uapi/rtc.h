/* SPDX-License-Identifier: MIT */
/* ioctls of /dev/rtc. */
#ifndef UAPI_RTC_H
#define UAPI_RTC_H

#include <kernel/types.h>

struct rtc_time {
	s32 tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};
_Static_assert(sizeof(struct rtc_time) == 36, "rtc_time");

#define RTC_RD_TIME 0x80247009u
#define RTC_SET_TIME 0x4024700Au

#endif
