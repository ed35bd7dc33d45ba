/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cuda_driver.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* cuda.h's, and not in ffnvcodec's part of it */
enum { ERROR_NO_DEVICE = 100 };

#define CALL(member, symbol)                                                                                           \
    {                                                                                                                  \
        symbol, offsetof(struct vd_cuda_driver, member)                                                                \
    }

static const struct {
    const char *symbol;
    size_t offset;
} calls[] = {
    CALL(cuInit, "cuInit"),
    CALL(cuGetErrorName, "cuGetErrorName"),
    CALL(cuDeviceGetCount, "cuDeviceGetCount"),
    CALL(cuDeviceGetName, "cuDeviceGetName"),
    CALL(cuCtxGetDevice, "cuCtxGetDevice"),
    CALL(cuCtxPushCurrent, "cuCtxPushCurrent_v2"),
    CALL(cuCtxPopCurrent, "cuCtxPopCurrent_v2"),
    CALL(cuModuleLoadData, "cuModuleLoadData"),
    CALL(cuModuleUnload, "cuModuleUnload"),
    CALL(cuModuleGetFunction, "cuModuleGetFunction"),
    CALL(cuMemAlloc, "cuMemAlloc_v2"),
    CALL(cuMemFree, "cuMemFree_v2"),
    CALL(cuMemcpy2DAsync, "cuMemcpy2DAsync_v2"),
    CALL(cuLaunchKernel, "cuLaunchKernel"),
    CALL(cuStreamSynchronize, "cuStreamSynchronize"),
};

const char *vd_cuda_driver_error(const struct vd_cuda_driver *driver, CUresult code)
{
    const char *name = NULL;
    driver->cuGetErrorName(code, &name);
    return name ? name : "an error without a name";
}

static int find_calls(struct vd_cuda_driver *driver, struct vd_err *err)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        void *call = dlsym(driver->library, calls[i].symbol);
        if (!call)
            return vd_fail(err, VD_UNAVAILABLE, "open", "cuda: the NVIDIA driver has no %s; install a newer driver",
                           calls[i].symbol);
        memcpy((char *)driver + calls[i].offset, &call, sizeof call);
    }
    return 0;
}

static int start(const struct vd_cuda_driver *driver, int *devices, struct vd_err *err)
{
    *devices = 0;
    CUresult code = driver->cuInit(0);
    if (!code)
        code = driver->cuDeviceGetCount(devices);
    if ((int)code == ERROR_NO_DEVICE || (!code && *devices == 0))
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "cuda: the NVIDIA driver sees no device; give the container one, or see nvidia-smi");
    if (code)
        return vd_fail(err, VD_UNAVAILABLE, "open", "cuda: the NVIDIA driver does not start: %s; see nvidia-smi",
                       vd_cuda_driver_error(driver, code));
    return 0;
}

int vd_cuda_driver_load(struct vd_cuda_driver *driver, int *devices, struct vd_err *err)
{
    *driver = (struct vd_cuda_driver){.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)};
    if (!driver->library)
        return vd_fail(err, VD_UNAVAILABLE, "open", "cuda: no NVIDIA driver here (%s); install it", dlerror());
    if (find_calls(driver, err) == 0 && start(driver, devices, err) == 0)
        return 0;
    vd_cuda_driver_unload(driver);
    return -1;
}

void vd_cuda_driver_unload(struct vd_cuda_driver *driver)
{
    if (driver->library)
        dlclose(driver->library);
    *driver = (struct vd_cuda_driver){0};
}
