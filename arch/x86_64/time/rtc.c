/* SPDX-License-Identifier: MIT */
/* The battery clock (MC146818): read once, at boot. It is taken to run in UTC. */
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/ports.h>
#include <asm/tsc.h>
#include <kernel/compiler.h>
#include <kernel/string.h>

struct rtc_time {
	u8 sec, min, hour, day, month, year, century;
};

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void read_fields(struct rtc_time *t)
{
	t->sec = cmos(0);
	t->min = cmos(2);
	t->hour = cmos(4);
	t->day = cmos(7);
	t->month = cmos(8);
	t->year = cmos(9);
	t->century = acpi.century ? cmos(acpi.century) : 0;
}

static u8 from_bcd(u8 v)
{
	return (u8)((v >> 4) * 10 + (v & 15));
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static u64 days_of(u64 y, u64 m, u64 d)
{
	u64 era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3ull : 9ull)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

u64 rtc_read_epoch(void)
{
	struct rtc_time t, again;
	u8 mode;
	u64 year;

	/* Twice the same, with no update under way: nothing changed in between. */
	for (unsigned int i = 0; i < 1000; i++) {
		while ((cmos(0x0a) & 0x80) && i++ < 1000)
			arch_cpu_relax();
		read_fields(&t);
		read_fields(&again);
		if (memcmp(&t, &again, sizeof(t)) == 0)
			break;
	}
	mode = cmos(0x0b);
	if (!(mode & 4)) {
		bool pm = t.hour & 0x80;

		t.sec = from_bcd(t.sec);
		t.min = from_bcd(t.min);
		t.hour = (u8)(from_bcd(t.hour & 0x7f) | (pm ? 0x80 : 0));
		t.day = from_bcd(t.day);
		t.month = from_bcd(t.month);
		t.year = from_bcd(t.year);
		t.century = from_bcd(t.century);
	}
	if (!(mode & 2)) /* 12 hours */
		t.hour = (u8)((t.hour & 0x7f) % 12 + (t.hour & 0x80 ? 12 : 0));
	year = t.century >= 19 && t.century <= 21 ? t.century * 100u + t.year
						  : (t.year < 70 ? 2000u : 1900u) + t.year;
	if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.hour > 23 || t.min > 59 ||
	    t.sec > 60 || year < 1970)
		return 0;
	return ((days_of(year, t.month, t.day) * 24 + t.hour) * 60 + t.min) * 60 + t.sec;
}
