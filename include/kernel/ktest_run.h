/* SPDX-License-Identifier: MIT */
#ifndef KTEST_RUN_H
#define KTEST_RUN_H

/* Returns only when no tests are asked for. */
void ktest_run_if_wanted(void);

#endif
