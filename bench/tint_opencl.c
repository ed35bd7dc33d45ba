/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The buffer kernel on an OpenCL device that is a processor (PoCL), pinned to one core, against the fastest code of
 * src/dsp/ on the same core.
 *
 *     tint_opencl [REPETITIONS]
 *
 * 1080p 4:2:0 frames of 8 and 10 bits in rings as in tint.c, which the device uses where they lie. A frame is three
 * kernels and a wait for them, as a backend does it. Every pass over the ring has its counterpart right beside it, in
 * alternating order; the ratio is the median of the paired ratios of speed, above 1 where OpenCL is the faster one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "ring.h"
#include "src/device/program.h"

#include <sched.h>

struct device {
    cl_context context;
    cl_command_queue queue;
    struct vd_program program;
    cl_mem source, target; /* the rings */
};

static int fail(const char *what, cl_int code)
{
    fprintf(stderr, "%s: %s\n", what, vd_program_error(code));
    return -1;
}

/* The first processor among the devices of all platforms. */
static cl_int processor(cl_device_id *device)
{
    cl_platform_id platforms[16];
    cl_uint n = 0;
    cl_int code = clGetPlatformIDs(16, platforms, &n);
    for (cl_uint i = 0; !code && i < n && i < 16; i++) {
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_CPU, 1, device, NULL) == CL_SUCCESS)
            return CL_SUCCESS;
    }
    return code ? code : CL_DEVICE_NOT_FOUND;
}

static int device_open(struct device *d)
{
    cl_device_id id;
    cl_int code = processor(&id);
    struct vd_err err;
    *d = (struct device){0};
    if (code)
        return fail("an OpenCL device that is a processor", code);
    d->context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    if (code)
        return fail("context", code);
    d->queue = clCreateCommandQueue(d->context, id, 0, &code);
    if (code)
        return fail("queue", code);
    if (vd_program_build(&d->program, d->context, id, &err) == 0)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return -1;
}

static void device_close(struct device *d)
{
    vd_program_finish(&d->program);
    if (d->queue)
        clReleaseCommandQueue(d->queue);
    if (d->context)
        clReleaseContext(d->context);
}

static int use_rings(struct device *d, const struct ring *r)
{
    const size_t bytes = (size_t)r->frames * r->frame_bytes;
    cl_int code;
    d->source = clCreateBuffer(d->context, CL_MEM_USE_HOST_PTR, bytes, r->source, &code);
    if (!code)
        d->target = clCreateBuffer(d->context, CL_MEM_USE_HOST_PTR, bytes, r->target, &code);
    return code ? fail("buffers", code) : 0;
}

static void leave_rings(struct device *d)
{
    if (d->source)
        clReleaseMemObject(d->source);
    if (d->target)
        clReleaseMemObject(d->target);
    d->source = d->target = NULL;
}

static void one_frame(struct device *d, const struct ring *r, const struct vd_effect_plan *plan, size_t at,
                      bool in_place)
{
    const struct vd_planes place = planes(r->source + at, plan->wide ? 2 : 1);
    cl_int code = CL_SUCCESS;
    for (int i = 0; !code && i < plan->planes; i++) {
        struct vd_tint_plane plane = vd_program_plane(&plan->plane[i]);
        plane.dst_offset = plane.src_offset = (vd_s32)(place.data[i] - r->source);
        plane.dst_stride = plane.src_stride = (vd_s32)place.stride[i];
        code = vd_program_buffer(&d->program, d->queue, plan->wide, in_place ? d->source : d->target, d->source,
                                 &plane);
    }
    cl_int done = vd_program_wait(&d->program, d->queue);
    code = code ? code : done;
    if (code) {
        fail("kernel", code);
        exit(1);
    }
}

/* Seconds of the processor, of all threads: on one core the runtime's thread and ours take turns, and what other
 * programs take of it in between is not theirs. */
static double spent(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Those for one pass over the ring; without a device: by the fastest code of this processor. */
static double pass(struct device *d, const struct ring *r, const struct vd_effect_plan *plan, bool in_place)
{
    double start = spent();
    for (int i = 0; i < r->frames; i++) {
        size_t at = (size_t)i * r->frame_bytes;
        if (d) {
            one_frame(d, r, plan, at, in_place);
            continue;
        }
        struct vd_planes src = planes(r->source + at, plan->wide ? 2 : 1);
        struct vd_planes dst = planes((in_place ? r->source : r->target) + at, plan->wide ? 2 : 1);
        vd_effect_apply(plan, &dst, &src);
    }
    return spent() - start;
}

/* What is measured is the tint: both ways the same bytes. */
static int same(struct device *d, const struct ring *r, const struct vd_effect_plan *plan)
{
    uint8_t *want = malloc(r->frame_bytes);
    if (!want)
        return -1;
    for (size_t i = 0; i < r->frame_bytes; i++)
        r->source[i] = (uint8_t)(plan->wide && i % 2 ? i % 4 : i * 7);
    pass(NULL, &(struct ring){1, r->frame_bytes, r->source, r->target}, plan, false);
    memcpy(want, r->target, r->frame_bytes);
    memset(r->target, 0, r->frame_bytes);
    one_frame(d, r, plan, 0, false);
    int differ = memcmp(want, r->target, r->frame_bytes);
    free(want);
    if (differ)
        fprintf(stderr, "the kernel gives other bytes than src/dsp\n");
    return differ ? -1 : 0;
}

static void row(struct device *d, const struct ring *r, const struct vd_effect_plan *plan, bool in_place, int pairs)
{
    double opencl[MAX_PAIRS], simd[MAX_PAIRS], ratio[MAX_PAIRS];
    pass(d, r, plan, in_place);
    for (int i = 0; i < pairs; i++) {
        if (i % 2)
            opencl[i] = pass(d, r, plan, in_place);
        simd[i] = pass(NULL, r, plan, in_place);
        if (i % 2 == 0)
            opencl[i] = pass(d, r, plan, in_place);
        ratio[i] = simd[i] / opencl[i];
    }
    qsort(opencl, (size_t)pairs, sizeof *opencl, ascending);
    qsort(simd, (size_t)pairs, sizeof *simd, ascending);
    qsort(ratio, (size_t)pairs, sizeof *ratio, ascending);
    const double bytes = (double)r->frames * (double)r->frame_bytes / 1e9;
    printf("%2d bits  %-8s  opencl %5.1f GB/s  %s %5.1f GB/s  %5.2f  (%.2f %.2f..%.2f %.2f)\n",
           plan->plane[0].tint.depth, in_place ? "in place" : "to other", bytes / opencl[pairs / 2], vd_dsp()->name,
           bytes / simd[pairs / 2], ratio[pairs / 2], ratio[0], ratio[pairs / 4], ratio[pairs - 1 - pairs / 4],
           ratio[pairs - 1]);
    fflush(stdout);
}

static int measure(struct device *d, int depth, int pairs)
{
    struct vd_effect_plan plan;
    struct ring r;
    if (ring_open(&r, &plan, depth) < 0)
        return -1;
    int ret = use_rings(d, &r);
    if (ret == 0)
        ret = same(d, &r, &plan);
    for (int i = 0; ret == 0 && i < 2; i++)
        row(d, &r, &plan, i == 0, pairs);
    leave_rings(d);
    ring_close(&r);
    return ret;
}

int main(int argc, char **argv)
{
    int pairs = argc > 1 ? atoi(argv[1]) : 15;
    if (pairs < 1 || pairs > MAX_PAIRS) {
        fprintf(stderr, "usage: tint_opencl [REPETITIONS, 1 to %d]\n", MAX_PAIRS);
        return 64;
    }
    /* Before the runtime starts its threads, which inherit it. */
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(sched_getcpu(), &core);
    if (sched_setaffinity(0, sizeof core, &core) != 0)
        perror("one core");
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    setenv("POCL_AFFINITY", "0", 1);

    struct device d;
    int ret = device_open(&d);
    if (ret == 0) {
        printf(
            "1080p 4:2:0, one core, rings of at least %zu MiB, %d pairs; speed over that of %s: median (min quartiles "
            "max)\n",
            4 * last_level_cache() >> 20, pairs, vd_dsp()->name);
        fflush(stdout);
        ret = measure(&d, 8, pairs) < 0 || measure(&d, 10, pairs) < 0;
    }
    device_close(&d);
    return ret != 0;
}
