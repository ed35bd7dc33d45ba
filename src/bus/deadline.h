/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A time by which calls that each wait have to be through together. Monotonic. Any thread. */
#ifndef VIDRIERA_BUS_DEADLINE_H
#define VIDRIERA_BUS_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline int64_t vd_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 when it is over. */
static inline int vd_left_ms(int64_t until_ms)
{
    int64_t left = until_ms - vd_now_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
