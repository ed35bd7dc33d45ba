/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What FFmpeg's loader demands to be there, and nothing that is tested calls. And the names of errors. */
#include "cuda.h"

VD_ABSENT(cuLinkCreate)
VD_ABSENT(cuLinkAddData)
VD_ABSENT(cuLinkComplete)
VD_ABSENT(cuLinkDestroy)
VD_ABSENT(cuModuleGetGlobal)
VD_ABSENT(cuTexObjectCreate)
VD_ABSENT(cuTexObjectDestroy)
VD_ABSENT(cuGLGetDevices_v2)
VD_ABSENT(cuGraphicsGLRegisterImage)
VD_ABSENT(cuGraphicsUnregisterResource)
VD_ABSENT(cuGraphicsMapResources)
VD_ABSENT(cuGraphicsUnmapResources)
VD_ABSENT(cuGraphicsSubResourceGetMappedArray)
VD_ABSENT(cuGraphicsResourceGetMappedPointer_v2)
VD_ABSENT(cuArrayCreate_v2) /* from ffnvcodec 12 on */
VD_ABSENT(cuArray3DCreate_v2)
VD_ABSENT(cuArrayDestroy)

VD_EXPORT tcuGetErrorName cuGetErrorName;
VD_EXPORT tcuGetErrorString cuGetErrorString;

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {VD_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {VD_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {VD_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {VD_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {VD_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {VD_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {VD_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {VD_MAP_FAILED, "CUDA_ERROR_MAP_FAILED", "mapping of buffer object failed"},
    {VD_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {VD_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {VD_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {VD_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {VD_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {VD_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {VD_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static CUresult find(CUresult code, const char **name, const char **text)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].code == (int)code) {
            *name = errors[i].name;
            *text = errors[i].text;
            return CUDA_SUCCESS;
        }
    *name = *text = NULL;
    return VD_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult error, const char **text)
{
    const char *other;
    return find(error, text, &other);
}

CUresult cuGetErrorString(CUresult error, const char **text)
{
    const char *other;
    return find(error, &other, text);
}
