/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work that a stream was given and has not begun: nothing runs until somebody waits for it, so that who does not wait
 * sees old memory. Streams that wait for the NULL stream, as all do that are not CU_STREAM_NON_BLOCKING, run as one with
 * it. Any thread.
 */
#ifndef VIDRIERA_TESTS_CUDA_QUEUE_H
#define VIDRIERA_TESTS_CUDA_QUEUE_H

#include "cuda.h"
#include "kernels/tint_plane.h"

struct vd_work {
    CUstream stream;
    CUcontext context;                           /* broken where run() answers anything but CUDA_SUCCESS */
    CUresult (*run)(const struct vd_work *work); /* one at a time */
    CUdeviceptr dst, src;
    union {
        struct {
            const struct CUfunc_st *function;
            unsigned grid[3], block[3];
            struct vd_tint_plane plane;
        } launch;
        struct {
            size_t dst_pitch, src_pitch, width, height;
        } copy;
        struct {
            unsigned char value;
            size_t size;
        } set;
    };
};

/* work->context becomes the current one. */
void vd_queue_add(struct vd_work *work);

/* Runs what every stream was given. */
void vd_queue_finish(void);

#endif
