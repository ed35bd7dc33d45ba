/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NVIDIA's driver, libcuda.so.1, looked for at run time: this program starts where there is none. Types are those of
 * ffnvcodec, with which FFmpeg's hwcontext_cuda.h does without the toolkit's cuda.h: include this one before it.
 */
#ifndef VIDRIERA_DEVICE_CUDA_DRIVER_H
#define VIDRIERA_DEVICE_CUDA_DRIVER_H

#include "vidriera/err.h"

#include <ffnvcodec/dynlink_cuda.h>

/* The calls that cuda.c makes, under the driver's own names. */
struct vd_cuda_driver {
    void *library;
    tcuInit *cuInit;
    tcuGetErrorName *cuGetErrorName;
    tcuDeviceGetCount *cuDeviceGetCount;
    tcuDeviceGetName *cuDeviceGetName;
    tcuCtxGetDevice *cuCtxGetDevice;
    tcuCtxPushCurrent_v2 *cuCtxPushCurrent;
    tcuCtxPopCurrent_v2 *cuCtxPopCurrent;
    tcuModuleLoadData *cuModuleLoadData;
    tcuModuleUnload *cuModuleUnload;
    tcuModuleGetFunction *cuModuleGetFunction;
    tcuMemAlloc_v2 *cuMemAlloc;
    tcuMemFree_v2 *cuMemFree;
    tcuMemcpy2DAsync_v2 *cuMemcpy2DAsync;
    tcuLaunchKernel *cuLaunchKernel;
    tcuStreamSynchronize *cuStreamSynchronize;
};

/* Loads and starts it: one device at least is there then; *devices: how many. VD_UNAVAILABLE; nothing is left behind. */
int vd_cuda_driver_load(struct vd_cuda_driver *driver, int *devices, struct vd_err *err);

/* Accepts what is all zero. FFmpeg holds the library by itself. */
void vd_cuda_driver_unload(struct vd_cuda_driver *driver);

/* "CUDA_ERROR_LAUNCH_FAILED"; for a code that the driver has no name for, words that say so. */
const char *vd_cuda_driver_error(const struct vd_cuda_driver *driver, CUresult code);

#endif
