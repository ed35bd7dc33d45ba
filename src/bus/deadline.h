/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A time by which calls that each wait have to be through together. As vd_monotonic_ms() tells it. Any thread. */
#ifndef VIDRIERA_BUS_DEADLINE_H
#define VIDRIERA_BUS_DEADLINE_H

#include "vidriera/now.h"

#include <stdint.h>

/* 0 when it is over. */
static inline int vd_left_ms(int64_t until_ms)
{
    int64_t left = until_ms - vd_monotonic_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
