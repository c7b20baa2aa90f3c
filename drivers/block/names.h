/* SPDX-License-Identifier: MIT */
/* Names of disks that are lettered: vda ... vdz, vdaa, ... */
#ifndef DRIVERS_BLOCK_NAMES_H
#define DRIVERS_BLOCK_NAMES_H

#include <kernel/types.h>

/* prefix and the letters of index into buf[size]. */
void disk_letter_name(char *buf, size_t size, const char *prefix, unsigned int index);

#endif
