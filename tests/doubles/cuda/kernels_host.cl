/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Built by clang for the host: C functions around the kernels, see kernels_host.h. */
#define kernel static __attribute__((unused)) /* what nobody calls, as the kernel for images, is left out */
#include "kernels/tint.cl"

void vd_host_tint_buffer8(global void *dst, global const void *src, global const struct vd_tint_plane *plane)
{
    vd_tint_buffer8(dst, src, *plane);
}

void vd_host_tint_buffer16(global void *dst, global const void *src, global const struct vd_tint_plane *plane)
{
    vd_tint_buffer16(dst, src, *plane);
}
