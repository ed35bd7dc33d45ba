/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Modules are PTX text, which is looked at and not run: a launch runs the same kernel of kernels/tint.cl, compiled for
 * this processor, once for each thread of the grid.
 */
#include "cuda_queue.h"
#include "kernels_host.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_TARGET 50 /* what drivers of today still take, and what this device is */
#define NEWEST_TARGET 75

typedef void host_kernel(void *dst, const void *src, const struct vd_tint_plane *plane);

struct CUfunc_st {
    const char *name;
    host_kernel *run;
    size_t sample; /* bytes */
};

struct CUmod_st {
    char *ptx;
};

static struct CUfunc_st functions[] = {
    {"vd_tint_buffer8", vd_host_tint_buffer8, 1},
    {"vd_tint_buffer16", vd_host_tint_buffer16, 2},
};

VD_EXPORT tcuModuleLoadData cuModuleLoadData;
VD_EXPORT tcuModuleUnload cuModuleUnload;
VD_EXPORT tcuModuleGetFunction cuModuleGetFunction;
VD_EXPORT tcuLaunchKernel cuLaunchKernel;
VD_EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options,
                                      void **values);
VD_EXPORT CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function);

CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    const char *ptx = image, *target = strstr(ptx, ".target sm_");
    if (vd_fails("module"))
        return VD_INVALID_PTX;
    if (!strstr(ptx, ".version ") || !target || !strstr(ptx, ".address_size 64"))
        return VD_INVALID_IMAGE;
    long sm = strtol(target + strlen(".target sm_"), NULL, 10);
    if (sm < OLDEST_TARGET || sm > NEWEST_TARGET) {
        vd_log("module refused target=sm_%ld", sm);
        return VD_NO_BINARY_FOR_GPU;
    }
    *module = malloc(sizeof(**module));
    if (!*module)
        return VD_OUT_OF_MEMORY;
    (*module)->ptx = strdup(ptx);
    if (!(*module)->ptx)
        abort();
    vd_log("module target=sm_%ld bytes=%zu", sm, strlen(ptx));
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values)
{
    (void)count;
    (void)options;
    (void)values;
    return cuModuleLoadData(module, image);
}

CUresult cuModuleUnload(CUmodule module)
{
    free(module->ptx);
    free(module);
    return vd_context_check();
}

/* Where the entry's parameters begin in the text, NULL without such an entry. */
static const char *find_entry(const char *ptx, const char *name)
{
    while ((ptx = strstr(ptx, ".entry "))) {
        ptx += strlen(".entry ");
        ptx += strspn(ptx, " ");
        size_t length = strlen(name);
        if (!strncmp(ptx, name, length) && !isalnum((unsigned char)ptx[length]) && ptx[length] != '_')
            return ptx + length;
    }
    return NULL;
}

/* Two addresses and the struct by value, as long as the host's: what cuLaunchKernel() here reads of its parameters. */
static bool takes_a_plane(const char *entry)
{
    int count = 0;
    size_t bytes = 0;
    const char *end = strchr(entry, ')');
    for (const char *at = entry; end && (at = strstr(at, ".param ")) && at < end; at++) {
        count++;
        const char *array = strchr(at, '[');
        if (array && array < end && !memchr(at, ',', (size_t)(array - at)))
            bytes = strtoul(array + 1, NULL, 10);
    }
    return count == 3 && bytes == sizeof(struct vd_tint_plane);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    const char *entry = find_entry(module->ptx, name);
    if (!entry)
        return VD_NOT_FOUND;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (!strcmp(functions[i].name, name) && takes_a_plane(entry)) {
            *function = &functions[i];
            return CUDA_SUCCESS;
        }
    vd_log("absent kernel=%s", name);
    return VD_NOT_SUPPORTED;
}

/* The largest block; other attributes are of no kernel here. */
CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function)
{
    (void)function;
    *value = attribute == 0 ? 1024 : 0;
    return vd_context_check();
}

/* Where the rows that a plane tells of lie in memory, NULL where they leave the allocation. */
static void *rows_of(CUdeviceptr address, const struct vd_tint_plane *plane, size_t sample, int offset, int stride)
{
    if (plane->width <= 0 || plane->rows <= 0 || offset < 0 || stride <= 0)
        return NULL;
    size_t last = (size_t)offset + (size_t)(plane->rows - 1) * (size_t)stride;
    return vd_device_memory(address, last + (size_t)plane->width * sample, NULL);
}

static CUresult run(const struct vd_work *work)
{
    const struct vd_tint_plane *plane = &work->launch.plane;
    const struct CUfunc_st *function = work->launch.function;
    void *dst = rows_of(work->dst, plane, function->sample, plane->dst_offset, plane->dst_stride);
    const void *src = rows_of(work->src, plane, function->sample, plane->src_offset, plane->src_stride);
    if (!dst || !src)
        return VD_ILLEGAL_ADDRESS;

    for (int axis = 0; axis < 3; axis++) {
        vd_host_size[axis] = (size_t)work->launch.grid[axis] * work->launch.block[axis];
        vd_host_local_size[axis] = work->launch.block[axis];
    }
    for (size_t z = 0; z < vd_host_size[2]; z++)
        for (size_t y = 0; y < vd_host_size[1]; y++)
            for (size_t x = 0; x < vd_host_size[0]; x++) {
                vd_host_id[0] = x;
                vd_host_id[1] = y;
                vd_host_id[2] = z;
                function->run(dst, src, plane);
            }
    return CUDA_SUCCESS;
}

static CUresult fail(const struct vd_work *work)
{
    (void)work;
    return VD_LAUNCH_FAILED;
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void **parameters,
                        void **extra)
{
    CUresult result = vd_context_check();
    if (result)
        return result;
    if (!grid_x || !grid_y || !grid_z || !block_x || !block_y || !block_z || grid_x > 2147483647 || grid_y > 65535 ||
        grid_z > 65535 || block_x > 1024 || block_y > 1024 || block_z > 64 ||
        (uint64_t)block_x * block_y * block_z > 1024 || shared > 49152 || !parameters || extra)
        return VD_INVALID_VALUE;
    struct vd_work work = {
        .stream = stream,
        .run = vd_fails("launch") ? fail : run,
        .launch = {function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, {0}},
    };
    memcpy(&work.dst, parameters[0], sizeof(work.dst));
    memcpy(&work.src, parameters[1], sizeof(work.src));
    memcpy(&work.launch.plane, parameters[2], sizeof(work.launch.plane));
    vd_log("launch kernel=%s grid=%ux%ux%u block=%ux%ux%u width=%d rows=%d", function->name, grid_x, grid_y, grid_z,
           block_x, block_y, block_z, work.launch.plane.width, work.launch.plane.rows);
    vd_queue_add(&work);
    return CUDA_SUCCESS;
}
