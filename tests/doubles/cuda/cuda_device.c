/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device, and contexts on it. */
#include "cuda_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_CONTEXTS 64

struct CUctx_st {
    bool live, primary;
    unsigned flags;
    CUresult broken;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool initialized;
static struct CUctx_st contexts[MAX_CONTEXTS];
static struct CUctx_st *primary;
static unsigned primary_users, primary_flags;
static _Thread_local struct CUctx_st *stack[MAX_DEPTH];
static _Thread_local int depth;

VD_EXPORT tcuInit cuInit;
VD_EXPORT tcuDeviceGetCount cuDeviceGetCount;
VD_EXPORT tcuDeviceGet cuDeviceGet;
VD_EXPORT tcuDeviceGetAttribute cuDeviceGetAttribute;
VD_EXPORT tcuDeviceGetName cuDeviceGetName;
VD_EXPORT tcuDeviceGetUuid cuDeviceGetUuid;
VD_EXPORT tcuDeviceComputeCapability cuDeviceComputeCapability;
VD_EXPORT tcuCtxCreate_v2 cuCtxCreate_v2;
VD_EXPORT tcuCtxSetLimit cuCtxSetLimit;
VD_EXPORT tcuCtxPushCurrent_v2 cuCtxPushCurrent_v2;
VD_EXPORT tcuCtxPopCurrent_v2 cuCtxPopCurrent_v2;
VD_EXPORT tcuCtxDestroy_v2 cuCtxDestroy_v2;
VD_EXPORT tcuCtxGetDevice cuCtxGetDevice;
VD_EXPORT tcuDevicePrimaryCtxRetain cuDevicePrimaryCtxRetain;
VD_EXPORT tcuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease;
VD_EXPORT tcuDevicePrimaryCtxSetFlags cuDevicePrimaryCtxSetFlags;
VD_EXPORT tcuDevicePrimaryCtxGetState cuDevicePrimaryCtxGetState;
VD_EXPORT tcuDevicePrimaryCtxReset cuDevicePrimaryCtxReset;
VD_EXPORT CUresult cuDriverGetVersion(int *version);
VD_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device);
VD_EXPORT CUresult cuDeviceGetPCIBusId(char *id, int size, CUdevice device);
VD_EXPORT CUresult cuCtxSetCurrent(CUcontext context);

/* What a call about a device answers where it is not to be had. */
static CUresult check_device(CUdevice device)
{
    if (!initialized)
        return VD_NOT_INITIALIZED;
    return device == 0 ? CUDA_SUCCESS : VD_INVALID_DEVICE;
}

CUresult cuInit(unsigned flags)
{
    if (vd_fails("crash"))
        raise(SIGSEGV);
    vd_hangs("hang-init");
    vd_log("init");
    if (vd_fails("no-device"))
        return VD_NO_DEVICE;
    initialized = true;
    return flags ? VD_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version)
{
    *version = 12020;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
    *count = 1;
    return check_device(0);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    *device = ordinal;
    return check_device(ordinal);
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    static const struct {
        int attribute, value;
    } table[] = {
        {1, 1024}, /* threads in a block, and along its axes */
        {2, 1024},
        {3, 1024},
        {4, 64},
        {5, 2147483647}, /* blocks in a grid along its axes */
        {6, 65535},
        {7, 65535},
        {10, 32}, /* threads in a warp */
        {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
        {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 20},
        {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
        {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
        {CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 1},
        {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 3},
        {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
        {CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT, 32},
        {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 7},
        {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 5},
        {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 1},
    };
    *value = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].attribute == (int)attribute)
            *value = table[i].value;
    return check_device(device);
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device)
{
    snprintf(name, (size_t)size, "vidriera's double of a GPU");
    return check_device(device);
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
    memcpy(uuid->bytes, "vidriera-double", sizeof(uuid->bytes));
    return check_device(device);
}

CUresult cuDeviceGetPCIBusId(char *id, int size, CUdevice device)
{
    snprintf(id, (size_t)size, "0000:01:00.0");
    return check_device(device);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    *bytes = (size_t)4 << 30;
    return check_device(device);
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    *major = 7;
    *minor = 5;
    return check_device(device);
}

CUresult vd_context_state(CUcontext context)
{
    if (context < contexts || context >= contexts + MAX_CONTEXTS || !context->live)
        return VD_INVALID_CONTEXT;
    return context->broken;
}

CUresult vd_context_check(void)
{
    if (!initialized)
        return VD_NOT_INITIALIZED;
    return depth ? vd_context_state(stack[depth - 1]) : VD_INVALID_CONTEXT;
}

void vd_context_break(CUcontext context, CUresult why)
{
    vd_log("context broken=%d", (int)why);
    context->broken = why;
}

static struct CUctx_st *create(unsigned flags)
{
    struct CUctx_st *made = NULL;
    for (int i = 0; i < MAX_CONTEXTS && !made; i++)
        if (!contexts[i].live)
            made = &contexts[i];
    if (made)
        *made = (struct CUctx_st){.live = true, .flags = flags};
    return made;
}

CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    if (vd_context_state(context) == VD_INVALID_CONTEXT)
        return VD_INVALID_CONTEXT;
    if (depth == MAX_DEPTH)
        return VD_OUT_OF_MEMORY;
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    if (!depth)
        return VD_INVALID_CONTEXT;
    depth--;
    if (context)
        *context = stack[depth];
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context)
{
    *context = depth ? stack[depth - 1] : NULL;
    return initialized ? CUDA_SUCCESS : VD_NOT_INITIALIZED;
}

CUresult cuCtxSetCurrent(CUcontext context)
{
    if (depth)
        depth--;
    return context ? cuCtxPushCurrent_v2(context) : CUDA_SUCCESS;
}

CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device)
{
    CUresult result = check_device(device);
    if (result)
        return result;
    pthread_mutex_lock(&lock);
    *context = create(flags);
    pthread_mutex_unlock(&lock);
    if (!*context)
        return VD_OUT_OF_MEMORY;
    vd_log("context create");
    return cuCtxPushCurrent_v2(*context);
}

CUresult cuCtxDestroy_v2(CUcontext context)
{
    if (vd_context_state(context) == VD_INVALID_CONTEXT || context->primary)
        return VD_INVALID_CONTEXT;
    vd_queue_finish();
    if (depth && stack[depth - 1] == context)
        depth--;
    pthread_mutex_lock(&lock);
    context->live = false;
    pthread_mutex_unlock(&lock);
    vd_log("context destroy");
    return CUDA_SUCCESS;
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value)
{
    (void)limit;
    (void)value;
    return vd_context_check();
}

CUresult cuCtxGetDevice(CUdevice *device)
{
    *device = 0;
    return vd_context_check();
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    CUresult result = check_device(device);
    if (result)
        return result;
    pthread_mutex_lock(&lock);
    if (!primary)
        primary = create(primary_flags);
    if (primary) {
        primary->primary = true;
        primary_users++;
    }
    *context = primary;
    pthread_mutex_unlock(&lock);
    return primary ? CUDA_SUCCESS : VD_OUT_OF_MEMORY;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
    CUresult result = check_device(device);
    pthread_mutex_lock(&lock);
    if (!result && !primary_users)
        result = VD_INVALID_CONTEXT;
    if (!result && !--primary_users) {
        primary->live = false;
        primary = NULL;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags)
{
    primary_flags = flags;
    return check_device(device);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
    *flags = primary ? primary->flags : primary_flags;
    *active = primary != NULL;
    return check_device(device);
}

CUresult cuDevicePrimaryCtxReset(CUdevice device)
{
    if (primary)
        primary->broken = CUDA_SUCCESS;
    return check_device(device);
}
