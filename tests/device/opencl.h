/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first OpenCL device, for tests. */
#ifndef TESTS_DEVICE_OPENCL_H
#define TESTS_DEVICE_OPENCL_H

#include "src/device/program.h"

#include <stdio.h>
#include <stdlib.h>

struct opencl {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    char name[128];
};

/* Ends the program when there is none: the tests' packages bring one. */
static inline void opencl_open(struct opencl *cl)
{
    cl_platform_id platforms[16];
    cl_uint n = 0;
    cl_int code = clGetPlatformIDs(16, platforms, &n), none = CL_DEVICE_NOT_FOUND;
    for (cl_uint i = 0; none && i < n && i < 16; i++) /* a driver may be installed whose hardware is not there */
        none = clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &cl->device, NULL);
    code = code ? code : none;
    if (!code)
        cl->context = clCreateContext(NULL, 1, &cl->device, NULL, NULL, &code);
    if (!code)
        cl->queue = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    if (code) {
        fprintf(stderr, "no OpenCL device: %s; ./dev deps test\n", vd_program_error(code));
        exit(1);
    }
    clGetDeviceInfo(cl->device, CL_DEVICE_NAME, sizeof cl->name, cl->name, NULL);
}

static inline void opencl_close(struct opencl *cl)
{
    clReleaseCommandQueue(cl->queue);
    clReleaseContext(cl->context);
}

#endif
