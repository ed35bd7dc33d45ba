/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/fault.h"

#if defined(VD_FAULT_POINTS)

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void vd_fault_point(const char *step)
{
    static atomic_int passed;
    const char *wanted = getenv("VIDRIERA_FAULT");
    size_t size = strlen(step);
    if (!wanted || strncmp(wanted, step, size) || (wanted[size] && wanted[size] != ':'))
        return;
    int nth = wanted[size] ? atoi(wanted + size + 1) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == nth)
        raise(SIGKILL);
}

#endif
