/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels as the build made them; any thread. */
#ifndef VIDRIERA_KERNELS_SOURCE_H
#define VIDRIERA_KERNELS_SOURCE_H

/* kernels/tint.cl with what it includes, one NUL-terminated text of OpenCL C 1.2. */
extern const char vd_tint_cl[];

/* The same compiled to PTX, NUL-terminated; "" when no clang >= 15 was there at build time. */
extern const char vd_tint_ptx[];

#endif
