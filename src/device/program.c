/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program.h"

#include "kernels/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A group of work-items, and how many groups at most: each goes on where it has to. */
enum { GROUP_X = 64, GROUP_Y = 4, GROUPS_X = 64, GROUPS_Y = 1024 };

/* Rows of a work-item, by lines. */
enum { LINES = 16 };

/* The first line that says what is wrong. */
static void complaint(const struct vd_program *program, char *line, size_t size)
{
    size_t length = 0;
    char *log = NULL;
    snprintf(line, size, "its compiler does not say why");
    if (clGetProgramBuildInfo(program->program, program->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &length) ||
        !(log = calloc(1, length + 1)))
        return;
    if (!clGetProgramBuildInfo(program->program, program->device, CL_PROGRAM_BUILD_LOG, length, log, NULL) && *log) {
        const char *error = strstr(log, "error");
        error = error ? error : log;
        snprintf(line, size, "%.*s", (int)strcspn(error, "\n"), error);
    }
    free(log);
}

static int make_kernels(struct vd_program *program)
{
    const struct {
        const char *name;
        cl_kernel *kernel;
    } wanted[] = {
        {"vd_tint_buffer8", &program->buffer8},
        {"vd_tint_buffer16", &program->buffer16},
        {"vd_tint_image", &program->image},
    };
    cl_int code = CL_SUCCESS;
    for (size_t i = 0; !code && i < sizeof wanted / sizeof *wanted; i++)
        *wanted[i].kernel = clCreateKernel(program->program, wanted[i].name, &code);
    return code;
}

int vd_program_build_split(struct vd_program *program, cl_context context, cl_device_id device, bool by_lines,
                           struct vd_err *err)
{
    const char *source = vd_tint_cl;
    cl_int code;
    char line[200];
    *program = (struct vd_program){.device = device, .by_lines = by_lines};
    program->program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    if (code)
        return vd_fail(err, VD_UNAVAILABLE, "open", "the OpenCL kernel cannot be made: %s; see vidriera doctor",
                       vd_program_error(code));
    code = clBuildProgram(program->program, 1, &device,
                          program->by_lines ? "-cl-std=CL1.2 -DVD_BY_LINES" : "-cl-std=CL1.2", NULL, NULL);
    if (!code)
        code = make_kernels(program);
    if (!code)
        return 0;
    complaint(program, line, sizeof line);
    vd_program_finish(program);
    return vd_fail(err, VD_UNAVAILABLE, "open",
                   "the OpenCL kernel does not build: %s: %s; is the driver installed whole?", vd_program_error(code),
                   line);
}

int vd_program_build(struct vd_program *program, cl_context context, cl_device_id device, struct vd_err *err)
{
    cl_device_type type = 0;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return vd_program_build_split(program, context, device, type & CL_DEVICE_TYPE_CPU, err);
}

void vd_program_finish(struct vd_program *program)
{
    const cl_kernel kernels[] = {program->buffer8, program->buffer16, program->image};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i])
            clReleaseKernel(kernels[i]);
    if (program->program)
        clReleaseProgram(program->program);
    *program = (struct vd_program){0};
}

struct vd_tint_plane vd_program_plane(const struct vd_plane_plan *plan)
{
    struct vd_tint_plane plane = {
        .width = plan->width,
        .rows = plan->rows,
        .by_rows = plan->by_rows,
        .first = plan->n[0],
        .straddle = plan->n[1],
        .depth = plan->tint.depth,
        .shift = plan->tint.shift,
        .a = plan->tint.a,
    };
    for (int part = 0; part < 3; part++)
        for (int component = 0; component < 2; component++)
            plane.b[part][component] = plan->tint.b[part][component];
    return plane;
}

static size_t groups(int size, int group, int most)
{
    int wanted = (size + group - 1) / group;
    return (size_t)(wanted < most ? wanted : most);
}

/* items: in a row. */
static cl_int launch(struct vd_program *program, cl_command_queue queue, cl_kernel kernel, int items, int rows,
                     bool by_lines)
{
    const size_t line[] = {(size_t)(rows + LINES - 1) / LINES, 1}, one[] = {1, 1};
    const size_t local[] = {GROUP_X, GROUP_Y};
    const size_t global[] = {groups(items, GROUP_X, GROUPS_X) * GROUP_X, groups(rows, GROUP_Y, GROUPS_Y) * GROUP_Y};
    assert(program->launches < VD_PROGRAM_LAUNCHES);
    cl_int code = clEnqueueNDRangeKernel(queue, kernel, 2, NULL, by_lines ? line : global, by_lines ? one : local, 0,
                                         NULL, &program->launched[program->launches]);
    program->launches += code == CL_SUCCESS;
    return code;
}

int vd_program_wait(struct vd_program *program, cl_command_queue queue)
{
    cl_int code = clFinish(queue);
    for (int i = 0; i < program->launches; i++) {
        cl_int status = CL_COMPLETE;
        cl_int told = clGetEventInfo(program->launched[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status,
                                     NULL);
        if (!code)
            code = told ? told : status < CL_COMPLETE ? status : CL_SUCCESS;
        clReleaseEvent(program->launched[i]);
    }
    program->launches = 0;
    return code;
}

int vd_program_buffer(struct vd_program *program, cl_command_queue queue, bool wide, cl_mem dst, cl_mem src,
                      const struct vd_tint_plane *plane)
{
    cl_kernel kernel = wide ? program->buffer16 : program->buffer8;
    cl_int code = clSetKernelArg(kernel, 0, sizeof dst, &dst);
    if (!code)
        code = clSetKernelArg(kernel, 1, sizeof src, &src);
    if (!code)
        code = clSetKernelArg(kernel, 2, sizeof *plane, plane);
    return code ? code : launch(program, queue, kernel, plane->width, plane->rows, program->by_lines);
}

int vd_program_image(struct vd_program *program, cl_command_queue queue, cl_mem dst, cl_mem src, int channels,
                     const struct vd_tint_plane *plane)
{
    const cl_int each = channels;
    cl_int code = clSetKernelArg(program->image, 0, sizeof dst, &dst);
    if (!code)
        code = clSetKernelArg(program->image, 1, sizeof src, &src);
    if (!code)
        code = clSetKernelArg(program->image, 2, sizeof *plane, plane);
    if (!code)
        code = clSetKernelArg(program->image, 3, sizeof each, &each);
    return code ? code : launch(program, queue, program->image, plane->width / channels, plane->rows, false);
}

const char *vd_program_error(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
        {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
        {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
        {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
        {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
        {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
        {CL_IMAGE_FORMAT_NOT_SUPPORTED, "CL_IMAGE_FORMAT_NOT_SUPPORTED"},
        {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
        {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
        {CL_INVALID_DEVICE, "CL_INVALID_DEVICE"},
        {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
        {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
        {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
        {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
        {CL_INVALID_OPERATION, "CL_INVALID_OPERATION"},
        {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
    };
    static _Thread_local char number[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    snprintf(number, sizeof number, "OpenCL error %d", code);
    return number;
}
