/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds an OpenCL device by what the user calls it, and makes it ready. */
#include "opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = VD_OPENCL_DEVICES, PLATFORMS = 16 };

int vd_opencl_list(struct vd_opencl_found list[VD_OPENCL_DEVICES], int *code)
{
    cl_platform_id platforms[PLATFORMS];
    cl_uint platform_count = 0;
    int count = 0;
    *code = clGetPlatformIDs(PLATFORMS, platforms, &platform_count);
    for (cl_uint i = 0; !*code && i < platform_count && i < PLATFORMS; i++) {
        cl_device_id ids[DEVICES];
        cl_uint id_count = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, DEVICES, ids, &id_count))
            continue; /* a driver without hardware */
        for (cl_uint j = 0; j < id_count && j < DEVICES && count < DEVICES; j++) {
            struct vd_opencl_found *found = &list[count++];
            *found = (struct vd_opencl_found){.id = ids[j]};
            clGetDeviceInfo(ids[j], CL_DEVICE_TYPE, sizeof found->type, &found->type, NULL);
            clGetDeviceInfo(ids[j], CL_DEVICE_NAME, sizeof found->name - 1, found->name, NULL);
            clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof found->platform - 1, found->platform, NULL);
        }
    }
    return count;
}

static const struct vd_opencl_found *first_of_best_type(const struct vd_opencl_found *list, int count)
{
    static const cl_device_type types[] = {CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_TYPE_ALL};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int i = 0; i < count; i++)
            if (list[i].type & types[t])
                return &list[i];
    return NULL;
}

static const struct vd_opencl_found *named(const struct vd_opencl_found *list, int count, const char *place)
{
    char *end;
    if (!*place)
        return first_of_best_type(list, count);
    long index = strtol(place, &end, 10);
    if (!*end)
        return index >= 0 && index < count ? &list[index] : NULL;
    for (int i = 0; i < count; i++)
        if (strcasestr(list[i].name, place) || strcasestr(list[i].platform, place))
            return &list[i];
    return NULL;
}

static int refuse(const struct vd_opencl_found *list, int count, int code, const char *place, struct vd_err *err)
{
    char text[320] = "";
    if (!count && code && code != -1001) /* CL_PLATFORM_NOT_FOUND_KHR */
        return vd_fail(err, VD_UNAVAILABLE, "open", "opencl: its drivers cannot be listed: %s; see clinfo",
                       vd_program_error(code));
    if (!count)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "opencl: no %s here; install the driver of your GPU (Intel's is intel-opencl-icd), or "
                       "pocl-opencl-icd for the processor",
                       code ? "OpenCL driver" : "OpenCL device");
    for (int i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%d is %s (%s)", i ? ", " : "", i, list[i].name, list[i].platform);
    }
    return vd_fail(err, VD_UNAVAILABLE, "open",
                   "opencl:%.64s: no such OpenCL device; take a number or a part of a name: %s", place, text);
}

/* All that pictures will ask of the device, on a few samples: there and back, as bytes and as words, and as the host sees it. */
static int run_once(struct vd_opencl *cl)
{
    enum { ROWS = 4, STRIDE = 128 };
    struct vd_tint_plane plane = {.width = STRIDE / 2, .rows = ROWS, .dst_stride = STRIDE, .src_stride = STRIDE};
    cl_uchar samples[ROWS * STRIDE] = {0};
    void *mapped = NULL;
    cl_int code;
    cl_mem mem = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, sizeof samples, NULL, &code);
    if (code)
        return code;
    code = clEnqueueWriteBuffer(cl->queue, mem, CL_FALSE, 0, sizeof samples, samples, 0, NULL, NULL);
    for (int wide = 0; !code && wide < 2; wide++) {
        plane.depth = wide ? 10 : 8;
        code = vd_program_buffer(&cl->program, cl->queue, wide, mem, mem, &plane);
    }
    if (!code)
        code = clEnqueueReadBuffer(cl->queue, mem, CL_FALSE, 0, sizeof samples, samples, 0, NULL, NULL);
    if (!code)
        mapped = clEnqueueMapBuffer(cl->queue, mem, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, sizeof samples, 0, NULL,
                                    NULL, &code);
    if (!code)
        code = clEnqueueUnmapMemObject(cl->queue, mem, mapped, 0, NULL, NULL);
    cl_int done = vd_program_wait(&cl->program, cl->queue);
    clReleaseMemObject(mem);
    return code ? code : done;
}

int vd_opencl_open(struct vd_opencl *cl, const char *place, char name[128], struct vd_err *err)
{
    struct vd_opencl_found *list = calloc(DEVICES, sizeof *list);
    const char *what = "no context";
    cl_bool shares = CL_FALSE;
    int code = CL_OUT_OF_HOST_MEMORY, count = list ? vd_opencl_list(list, &code) : 0;
    const struct vd_opencl_found *found = named(list, count, place);
    *cl = (struct vd_opencl){0};
    if (!found) {
        refuse(list, count, code, place, err);
        goto out;
    }
    snprintf(name, 128, "%s", found->name);
    cl->id = found->id;
    clGetDeviceInfo(cl->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof shares, &shares, NULL);
    cl->shares_memory = shares;
    cl->context = clCreateContext(NULL, 1, &cl->id, NULL, NULL, &code);
    if (!code) {
        what = "no command queue";
        cl->queue = clCreateCommandQueue(cl->context, cl->id, 0, &code);
    }
    if (!code) {
        if (vd_program_build(&cl->program, cl->context, cl->id, err) < 0)
            goto out;
        what = "the kernels do not run";
        code = run_once(cl);
    }
    if (code) {
        vd_fail(err, VD_UNAVAILABLE, "open", "opencl: %s: %s: %s; see vidriera doctor", name, what,
                vd_program_error(code));
        goto out;
    }
    free(list);
    return 0;
out:
    vd_opencl_close(cl);
    free(list);
    return -1;
}

void vd_opencl_close(struct vd_opencl *cl)
{
    vd_program_finish(&cl->program);
    if (cl->queue)
        clReleaseCommandQueue(cl->queue);
    if (cl->context)
        clReleaseContext(cl->context);
    *cl = (struct vd_opencl){0};
}
