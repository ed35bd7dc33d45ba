/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kernel of kernels/tint.cl is told of one plane: the one struct that host (C17) and device (OpenCL C 1.2, PTX)
 * share, passed by value. All members are 32 bits wide, so that it lies alike on both sides.
 */
#ifndef VIDRIERA_TINT_PLANE_H
#define VIDRIERA_TINT_PLANE_H

#ifdef __OPENCL_C_VERSION__
typedef int vd_s32;
typedef uint vd_u32;
#else
#include <stdint.h>
typedef int32_t vd_s32;
typedef uint32_t vd_u32;
#endif

/* As struct vd_plane_plan of vidriera/effect.h, flat. */
struct vd_tint_plane {
    vd_s32 width; /* samples in a row; of both components where they alternate */
    vd_s32 rows;
    vd_s32 by_rows;  /* the parts are rows, not columns */
    vd_s32 first;    /* samples (rows) of the first part */
    vd_s32 straddle; /* and of the second */
    vd_s32 depth;    /* bits of a code: 8 to 12 */
    vd_s32 shift;    /* how far a 16-bit word holds its code up */
    vd_u32 a;
    vd_u32 b[3][2];                /* of part and component, see struct vd_tint */
    vd_s32 dst_offset, src_offset; /* bytes into the buffer; images: unused */
    vd_s32 dst_stride, src_stride; /* bytes, negative upwards; images: unused */
};

#endif
