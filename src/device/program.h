/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels/tint.cl on an OpenCL device: built from its source, which the program carries within. */
#ifndef VIDRIERA_DEVICE_PROGRAM_H
#define VIDRIERA_DEVICE_PROGRAM_H

#define CL_TARGET_OPENCL_VERSION 120
#include "kernels/tint_plane.h"

#include "vidriera/effect.h"
#include "vidriera/err.h"

#include <CL/cl.h>
#include <stdbool.h>

/* What may be enqueued before it is waited for: the planes of a picture, and more. */
enum { VD_PROGRAM_LAUNCHES = 4 };

/* One per device and thread. */
struct vd_program {
    cl_device_id device;
    cl_program program;
    cl_kernel buffer8, buffer16; /* bytes; 16-bit words */
    cl_kernel image;             /* one plane as image2d of one (R) or two (RG) channels, UNORM_INT8 or UNORM_INT16 */
    bool by_lines;               /* a processor: a work-item is some whole rows; else a piece of one */
    cl_event launched[VD_PROGRAM_LAUNCHES]; /* since the last wait */
    int launches;
};

/* Builds. VD_UNAVAILABLE with the compiler's first line of complaint. On failure nothing is left behind. */
int vd_program_build(struct vd_program *program, cl_context context, cl_device_id device, struct vd_err *err);

/* The same with the work split as told, whatever the device is. */
int vd_program_build_split(struct vd_program *program, cl_context context, cl_device_id device, bool by_lines,
                           struct vd_err *err);

void vd_program_finish(struct vd_program *program);

/* A plane's plan as kernels take it, without offsets and strides. */
struct vd_tint_plane vd_program_plane(const struct vd_plane_plan *plan);

/* Enqueues one plane; wide: samples are words. vd_program_wait() comes after. Negative: an OpenCL error. */
int vd_program_buffer(struct vd_program *program, cl_command_queue queue, bool wide, cl_mem dst, cl_mem src,
                      const struct vd_tint_plane *plane);

/* channels: 1, or 2 where components alternate. */
int vd_program_image(struct vd_program *program, cl_command_queue queue, cl_mem dst, cl_mem src, int channels,
                     const struct vd_tint_plane *plane);

/* Until the queue is done, whatever failed before. Negative: an OpenCL error of waiting, or that a launch ended with,
 * which waiting need not tell of. */
int vd_program_wait(struct vd_program *program, cl_command_queue queue);

/* The name of an OpenCL error, "CL_OUT_OF_RESOURCES". */
const char *vd_program_error(int code);

#endif
