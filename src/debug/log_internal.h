/* SPDX-License-Identifier: MIT */
/* Inside the kernel log: records, readers, levels. Used by log.c, kmsg.c and sys_log.c. */
#ifndef DEBUG_LOG_INTERNAL_H
#define DEBUG_LOG_INTERNAL_H

#include <kernel/wait.h>

#define LOG_LINE_MAX 992     /* longest text of one record, bytes (Linux's limit) */
#define LOG_PREFIX_MAX 32    /* "<191>[12345678.123456] " */
#define LOG_RING_SIZE (1u << CONFIG_LOG_SHIFT)

/* A record as readers get it: text behind it, not NUL-terminated. */
struct log_record {
	u64 seq;     /* counts from 0 */
	u64 ts;	     /* ns CLOCK_MONOTONIC */
	u16 size;    /* bytes in the ring, header included; 0: go on at the start of the ring */
	u16 len;     /* bytes of text */
	u8 level;    /* 0..7 */
	u8 facility; /* 0 kernel, 1 user, ... */
	char text[];
};

/* A place between two records. Valid forever: a place that was overwritten moves on. */
struct log_cursor {
	u64 seq;
	u32 off; /* trusted only while seq is not older than the oldest record */
};

extern struct wait_queue log_wait;
extern s64 log_restrict; /* kernel.dmesg_restrict */

/* Adds a record and prints it. Any context. */
void log_store(unsigned int level, unsigned int facility, const char *text, size_t len);
void log_first(struct log_cursor *c);  /* oldest record */
void log_end(struct log_cursor *c);    /* behind the newest */
void log_cleared(struct log_cursor *c);/* first record after the last clear */
void log_clear(void);
/* True when a record waits at c; *lost (may be NULL) tells whether records before it are gone. */
bool log_pending(const struct log_cursor *c, bool *lost);
/* Copies the record at c (header and up to LOG_LINE_MAX bytes of text) and steps over it. A cursor
 * that was overrun goes to the oldest record first. False at the end. */
bool log_next(struct log_cursor *c, struct log_record *rec);
/* "<6>[    1.000000] text\n" for each line of a record; level only when wanted. Bytes the whole
 * text takes; stores at most size of them. buf may be NULL. */
size_t log_format(const struct log_record *rec, bool level, char *buf, size_t size);
/* A reader is going to wait: makes sure that it is woken. */
void log_wait_begin(void);
/* 0 or -EPERM: may the caller do this action of syslog(2)? */
int log_permitted(int action);

int log_console_level(void);
void log_console_level_set(int level);

#endif
