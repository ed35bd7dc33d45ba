/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An OpenCL driver that takes whoever loads it down. */
#include <stdlib.h>

__attribute__((constructor)) static void crash(void)
{
    abort();
}
