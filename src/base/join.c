/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/join.h"

#include <time.h>

/* The monotonic clock: a host whose time is set back an hour must not make anybody wait for an hour. ThreadSanitizer of
 * GCC 12 does not know that call, and would see no join. */
#if defined(__SANITIZE_THREAD__)
#define CLOCK CLOCK_REALTIME
#define join_until(thread, until) pthread_timedjoin_np(thread, NULL, until)
#else
#define CLOCK CLOCK_MONOTONIC
#define join_until(thread, until) pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, until)
#endif

bool vd_join_for(pthread_t thread, int milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return join_until(thread, &until) == 0;
}
