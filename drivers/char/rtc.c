/* SPDX-License-Identifier: MIT */
/* /dev/rtc0: reading and setting the battery clock, as hwclock does. */
#include <asm/ports.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/rtc.h>

#define RTC_MAJOR 254
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

enum { REG_SEC = 0, REG_MIN = 2, REG_HOUR = 4, REG_WDAY = 6, REG_MDAY = 7, REG_MONTH = 8,
       REG_YEAR = 9, REG_A = 10, REG_B = 11, REG_CENTURY = 0x32 };
#define A_UPDATING 0x80
#define B_24H 0x02
#define B_BINARY 0x04
#define B_SET 0x80 /* stops updates while the registers are written */

static DEFINE_SPINLOCK(cmos_lock, LOCK_DRIVER_IRQ);

static u8 cmos_read(u8 reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

static void cmos_write(u8 reg, u8 v)
{
	outb(CMOS_INDEX, reg);
	outb(CMOS_DATA, v);
}

static unsigned int decode(u8 v, u8 mode)
{
	return mode & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static u8 encode(unsigned int v, u8 mode)
{
	return mode & B_BINARY ? v : (u8)((v / 10) << 4 | v % 10);
}

static bool leap(unsigned int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static unsigned int days_in_month(unsigned int month, unsigned int year) /* month 0..11 */
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && leap(year));
}

static unsigned int day_of_year(const struct rtc_time *t)
{
	unsigned int n = t->tm_mday - 1;

	for (int m = 0; m < t->tm_mon; m++)
		n += days_in_month(m, t->tm_year + 1900);
	return n;
}

/* Sunday is 0. Zeller's congruence. */
static unsigned int day_of_week(const struct rtc_time *t)
{
	unsigned int y = t->tm_year + 1900, m = t->tm_mon + 1;

	if (m < 3) {
		m += 12;
		y--;
	}
	return (t->tm_mday + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400 + 6) % 7;
}

static bool valid(const struct rtc_time *t)
{
	return t->tm_year >= 70 && t->tm_year < 300 && t->tm_mon >= 0 && t->tm_mon < 12 &&
	       t->tm_mday >= 1 &&
	       t->tm_mday <= (int)days_in_month(t->tm_mon, t->tm_year + 1900) &&
	       t->tm_hour >= 0 && t->tm_hour < 24 && t->tm_min >= 0 && t->tm_min < 60 &&
	       t->tm_sec >= 0 && t->tm_sec < 60;
}

static void read_registers(u8 reg[7])
{
	static const u8 which[7] = { REG_SEC, REG_MIN, REG_HOUR, REG_MDAY, REG_MONTH, REG_YEAR,
				     REG_CENTURY };

	for (unsigned int i = 0; i < 7; i++)
		reg[i] = cmos_read(which[i]);
}

static bool same(const u8 a[7], const u8 b[7])
{
	for (unsigned int i = 0; i < 7; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static void clock_get(struct rtc_time *t)
{
	unsigned int century, hour;
	irqflags_t f = spin_lock_irqsave(&cmos_lock);
	u8 a[7], b[7], mode;

	/* Twice the same: no update in between. */
	for (unsigned int i = 0; i < 100000 && (cmos_read(REG_A) & A_UPDATING); i++)
		;
	read_registers(a);
	for (unsigned int i = 0; i < 100; i++) {
		read_registers(b);
		if (same(a, b))
			break;
		for (unsigned int k = 0; k < 7; k++)
			a[k] = b[k];
	}
	mode = cmos_read(REG_B);
	spin_unlock_irqrestore(&cmos_lock, f);
	hour = decode(a[2] & 0x7f, mode);
	if (!(mode & B_24H))
		hour = hour % 12 + (a[2] & 0x80 ? 12 : 0);
	century = decode(a[6], mode);
	*t = (struct rtc_time){ .tm_sec = (s32)decode(a[0], mode),
				.tm_min = (s32)decode(a[1], mode), .tm_hour = (s32)hour,
				.tm_mday = (s32)decode(a[3], mode),
				.tm_mon = (s32)decode(a[4], mode) - 1 };
	t->tm_year = (s32)decode(a[5], mode);
	if (century >= 19 && century <= 21)
		t->tm_year += (s32)(century - 19) * 100;
	else if (t->tm_year < 70)
		t->tm_year += 100;
}

static void clock_set(const struct rtc_time *t)
{
	irqflags_t f = spin_lock_irqsave(&cmos_lock);
	u8 mode = cmos_read(REG_B), hour;

	cmos_write(REG_B, mode | B_SET);
	cmos_write(REG_SEC, encode(t->tm_sec, mode));
	cmos_write(REG_MIN, encode(t->tm_min, mode));
	if (mode & B_24H)
		hour = encode(t->tm_hour, mode);
	else
		hour = encode((t->tm_hour + 11) % 12 + 1, mode) | (t->tm_hour >= 12 ? 0x80 : 0);
	cmos_write(REG_HOUR, hour);
	cmos_write(REG_WDAY, encode(day_of_week(t) + 1, mode));
	cmos_write(REG_MDAY, encode(t->tm_mday, mode));
	cmos_write(REG_MONTH, encode(t->tm_mon + 1, mode));
	cmos_write(REG_YEAR, encode(t->tm_year % 100, mode));
	cmos_write(REG_CENTURY, encode(19 + t->tm_year / 100, mode));
	cmos_write(REG_B, mode & ~B_SET);
	spin_unlock_irqrestore(&cmos_lock, f);
}

static long rtc_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);
	struct rtc_time t;

	switch (cmd) {
	case RTC_RD_TIME:
		clock_get(&t);
		if (!valid(&t))
			return -EINVAL;
		t.tm_wday = (s32)day_of_week(&t);
		t.tm_yday = (s32)day_of_year(&t);
		return copy_to_user(up, &t, sizeof(t));
	case RTC_SET_TIME:
		if (!capable(CAP_SYS_TIME))
			return -EACCES;
		if (copy_from_user(&t, up, sizeof(t)))
			return -EFAULT;
		if (!valid(&t))
			return -EINVAL;
		clock_set(&t);
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_ops rtc_fops = {
	.ioctl = rtc_ioctl,
	.llseek = no_llseek,
};

static int rtc_init(void)
{
	static struct cdev cdev = { .dev = MKDEV(RTC_MAJOR, 0), .count = 1, .ops = &rtc_fops,
				    .name = "rtc" };
	int rc = cdev_register(&cdev);

	if (!rc)
		rc = devfs_create("rtc0", S_IFCHR | 0600, cdev.dev);
	return rc ? rc : devfs_symlink("rtc", "rtc0");
}
INIT_HOOK(INIT_DRIVER, rtc_init);
