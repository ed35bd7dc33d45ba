/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two clocks. Any thread. */
#ifndef VIDRIERA_NOW_H
#define VIDRIERA_NOW_H

#include <stdint.h>
#include <time.h>

/* For spans and deadlines, as nobody sets it: in seconds, and in whole milliseconds. */
double vd_monotonic(void);
int64_t vd_monotonic_ms(void);

/* Of the first, that many seconds from now: what pthread_cond_timedwait() wants. */
struct timespec vd_monotonic_in(double seconds);

/* For people: in seconds since 1970. */
double vd_wall(void);

#endif
