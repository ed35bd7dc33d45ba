/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The double of libcuda.so.1, within: contexts, memory, and what the doubles of NVENC and NVDEC need of it beside the
 * driver's own calls. Any thread; a context is current to a thread, as in the driver.
 *
 * Device memory has addresses of its own at which nothing can be read or written: the host that takes a CUdeviceptr for
 * a pointer dies of it. The doubles see the same pages elsewhere.
 */
#ifndef VIDRIERA_TESTS_CUDA_H
#define VIDRIERA_TESTS_CUDA_H

#include "double.h"

#include <ffnvcodec/dynlink_cuda.h>
#include <stdbool.h>
#include <stddef.h>

/* Codes of the driver API that ffnvcodec's header leaves out. */
#define VD_INVALID_VALUE ((CUresult)1)
#define VD_OUT_OF_MEMORY ((CUresult)2)
#define VD_NOT_INITIALIZED ((CUresult)3)
#define VD_NO_DEVICE ((CUresult)100)
#define VD_INVALID_DEVICE ((CUresult)101)
#define VD_INVALID_IMAGE ((CUresult)200)
#define VD_INVALID_CONTEXT ((CUresult)201)
#define VD_MAP_FAILED ((CUresult)205)
#define VD_NO_BINARY_FOR_GPU ((CUresult)209)
#define VD_INVALID_PTX ((CUresult)218)
#define VD_INVALID_HANDLE ((CUresult)400)
#define VD_NOT_FOUND ((CUresult)500)
#define VD_ILLEGAL_ADDRESS ((CUresult)700)
#define VD_LAUNCH_FAILED ((CUresult)719)
#define VD_NOT_SUPPORTED ((CUresult)801)

/* A call that must be there and does nothing: whatever it is given, it is logged and answers that it is not supported. */
#define VD_ABSENT(name)                                                                                                \
    VD_EXPORT CUresult name(void);                                                                                     \
    CUresult name(void)                                                                                                \
    {                                                                                                                  \
        vd_log("absent call=" #name);                                                                                  \
        return VD_NOT_SUPPORTED;                                                                                       \
    }

/* What every call that needs a context asks first: CUDA_SUCCESS, or why not. After a launch has failed, all fail. */
CUresult vd_context_check(void);

/* The same of a context that need not be current. */
VD_EXPORT CUresult vd_context_state(CUcontext context);

/* A context is broken from now on, with this code. */
void vd_context_break(CUcontext context, CUresult why);

/* Whether it waits for the NULL stream and is waited for by it. */
bool vd_is_blocking(CUstream stream);

/* Runs what the stream was given: cuda_queue.h. */
VD_EXPORT void vd_queue_wait(CUstream stream);

/* cuMemFree() without its wait for every stream. */
VD_EXPORT CUresult vd_device_free(CUdeviceptr address);

/*
 * Where the doubles see size bytes of device memory, all of one allocation; NULL where they are not. bounds: NULL, or
 * is told how many bytes the allocation has from there on.
 */
VD_EXPORT void *vd_device_memory(CUdeviceptr address, size_t size, size_t *left);

/* Whether any of it is an address of device memory. */
bool vd_is_device(const void *address, size_t size);

VD_EXPORT CUresult cuCtxGetCurrent(CUcontext *context);
VD_EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height, unsigned unit);
VD_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size);
VD_EXPORT CUresult cuMemFree_v2(CUdeviceptr address);

#endif
