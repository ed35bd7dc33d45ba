/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two clocks, in seconds. Any thread. */
#ifndef VIDRIERA_NOW_H
#define VIDRIERA_NOW_H

#include <time.h>

/* For spans and deadlines: nobody sets it. */
double vd_monotonic(void);

/* Of the first, that many seconds from now: what pthread_cond_timedwait() wants. */
struct timespec vd_monotonic_in(double seconds);

/* For people: seconds since 1970. */
double vd_wall(void);

#endif
