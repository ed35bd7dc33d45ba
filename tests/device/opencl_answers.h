/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device's answers as test_opencl.c wants them, and what it was asked; by -Wl,--wrap, so for one file alone. */
#ifndef TESTS_DEVICE_OPENCL_ANSWERS_H
#define TESTS_DEVICE_OPENCL_ANSWERS_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdbool.h>

cl_int __real_clGetPlatformIDs(cl_uint room, cl_platform_id *list, cl_uint *count);
cl_int __real_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *list,
                             cl_uint *count);
cl_int __real_clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value, size_t *wanted);
cl_int __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *list, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *data);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
                                     cl_event *event);
cl_int __real_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value, size_t *wanted);
cl_mem __real_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code);
cl_int __real_clReleaseMemObject(cl_mem mem);
cl_int __real_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t size,
                                   const void *data, cl_uint waits, const cl_event *events, cl_event *event);
cl_int __real_clEnqueueReadBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t size, void *data,
                                  cl_uint waits, const cl_event *events, cl_event *event);
void *__real_clEnqueueMapBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, cl_map_flags flags, size_t at,
                                size_t size, cl_uint waits, const cl_event *events, cl_event *event, cl_int *code);
cl_int __real_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *mapped, cl_uint waits,
                                      const cl_event *events, cl_event *event);

enum { WRITE = 1, READ = 2, MAP = 4, UNMAP = 8 };

static cl_int no_platforms, no_devices, no_build, no_launch;
static cl_int launch_ends;   /* how launches end, though waiting says nothing of it */
static bool apart;           /* the device has memory of its own */
static int made, made_views; /* buffers that are there; that were made over host memory */
static int ran;              /* kinds of commands */

cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *list, cl_uint *count)
{
    return no_platforms ? no_platforms : __real_clGetPlatformIDs(room, list, count);
}

cl_int __wrap_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *list,
                             cl_uint *count)
{
    return no_devices ? no_devices : __real_clGetDeviceIDs(platform, type, room, list, count);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value, size_t *wanted)
{
    cl_int code = __real_clGetDeviceInfo(device, what, size, value, wanted);
    if (what == CL_DEVICE_HOST_UNIFIED_MEMORY && apart)
        *(cl_bool *)value = CL_FALSE;
    return code;
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *list, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    return no_build ? no_build : __real_clBuildProgram(program, count, list, options, notify, data);
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
                                     cl_event *event)
{
    return no_launch
               ? no_launch
               : __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, waits, wait, event);
}

cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value, size_t *wanted)
{
    cl_int code = __real_clGetEventInfo(event, what, size, value, wanted);
    if (what == CL_EVENT_COMMAND_EXECUTION_STATUS && launch_ends)
        *(cl_int *)value = launch_ends;
    return code;
}

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code)
{
    cl_mem mem = __real_clCreateBuffer(context, flags, size, host, code);
    made += mem != NULL;
    made_views += mem && flags & CL_MEM_USE_HOST_PTR;
    return mem;
}

cl_int __wrap_clReleaseMemObject(cl_mem mem)
{
    made--;
    return __real_clReleaseMemObject(mem);
}

cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t size,
                                   const void *data, cl_uint waits, const cl_event *events, cl_event *event)
{
    ran |= WRITE;
    return __real_clEnqueueWriteBuffer(queue, mem, wait, at, size, data, waits, events, event);
}

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t size, void *data,
                                  cl_uint waits, const cl_event *events, cl_event *event)
{
    ran |= READ;
    return __real_clEnqueueReadBuffer(queue, mem, wait, at, size, data, waits, events, event);
}

void *__wrap_clEnqueueMapBuffer(cl_command_queue queue, cl_mem mem, cl_bool wait, cl_map_flags flags, size_t at,
                                size_t size, cl_uint waits, const cl_event *events, cl_event *event, cl_int *code)
{
    ran |= MAP;
    return __real_clEnqueueMapBuffer(queue, mem, wait, flags, at, size, waits, events, event, code);
}

cl_int __wrap_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *mapped, cl_uint waits,
                                      const cl_event *events, cl_event *event)
{
    ran |= UNMAP;
    return __real_clEnqueueUnmapMemObject(queue, mem, mapped, waits, events, event);
}

#endif
