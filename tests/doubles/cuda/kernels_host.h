/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels of kernels/tint.cl as functions of this processor: kernels_host.cl. One thread at a time. */
#ifndef VIDRIERA_TESTS_KERNELS_HOST_H
#define VIDRIERA_TESTS_KERNELS_HOST_H

#include "kernels/tint_plane.h"

#include <stddef.h>

/* Which work-item the next call is, of how many, in work-groups of which size; for each axis. */
extern size_t vd_host_id[3], vd_host_size[3], vd_host_local_size[3];

void vd_host_tint_buffer8(void *dst, const void *src, const struct vd_tint_plane *plane);
void vd_host_tint_buffer16(void *dst, const void *src, const struct vd_tint_plane *plane);

#endif
