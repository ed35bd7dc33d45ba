/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures on the host, the effect by the buffer kernels of any OpenCL device. Where the device shares the host's memory and
 * a picture lies in it as drivers want it, the kernel works there; else it goes to the device and back.
 */
#include "opencl.h"

#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

enum { ALIGN = 64 };

/* On the device, for pictures that are copied. */
struct staging {
    cl_mem mem;
    size_t size;
};

/* Of a filter. */
struct own {
    void *host; /* cpu.c's */
    struct vd_opencl_views views;
    struct staging staging[2]; /* where a picture comes from, and goes to */
    cl_mem neutral;            /* one row of grey chroma; NULL: not needed so far */
};

/* Rows of a plane, from the lowest address on. */
struct span {
    uint8_t *begin;
    size_t size;
    size_t at;    /* in the device's buffer */
    size_t first; /* from begin: where the first row is, as rows may go upwards */
};

/* A picture as the device sees it. */
struct side {
    struct vd_opencl_view *view; /* its own memory; NULL: copied */
    cl_mem mem;
    int planes;
    struct span span[3];
};

static void lay_out(const struct vd_filter *filter, const AVFrame *frame, struct side *side, size_t *size)
{
    *size = 0;
    for (int i = 0; i < side->planes; i++) {
        const struct vd_plane_plan *plan = &filter->effect.plane[i];
        ptrdiff_t stride = frame->linesize[i], up = stride < 0 ? -stride * (plan->rows - 1) : 0;
        struct span *span = &side->span[i];
        span->begin = frame->data[i] - up;
        span->first = (size_t)up;
        span->size = (size_t)FFABS(stride) * (size_t)(plan->rows - 1) +
                     (size_t)plan->width * (filter->effect.wide ? 2 : 1);
        span->at = side->view ? (size_t)(span->begin - side->view->data) : *size;
        *size += (span->size + ALIGN - 1) / ALIGN * ALIGN;
    }
}

static int stage(struct vd_opencl *cl, struct staging *staging, size_t size)
{
    cl_int code = CL_SUCCESS;
    if (size <= staging->size)
        return code;
    if (staging->mem)
        clReleaseMemObject(staging->mem);
    *staging = (struct staging){0};
    cl_mem mem = size > INT32_MAX ? NULL : clCreateBuffer(cl->context, CL_MEM_READ_WRITE, size, NULL, &code);
    if (!mem)
        return code ? code : CL_MEM_OBJECT_ALLOCATION_FAILURE;
    *staging = (struct staging){mem, size};
    return code;
}

static int see(struct vd_filter *filter, const AVFrame *frame, int planes, struct staging *staging, struct side *side)
{
    struct vd_opencl *cl = filter->device->own;
    struct own *own = filter->own;
    size_t size;
    int code;
    *side = (struct side){.planes = planes};
    side->view = vd_opencl_view(&own->views, cl, frame, &code);
    lay_out(filter, frame, side, &size);
    if (!code && !side->view)
        code = stage(cl, staging, size);
    side->mem = side->view ? side->view->mem : staging->mem;
    return code;
}

static int upload(struct vd_filter *filter, const struct side *side)
{
    const struct vd_opencl *cl = filter->device->own;
    cl_int code = CL_SUCCESS;
    for (int i = 0; !code && i < side->planes; i++)
        code = clEnqueueWriteBuffer(cl->queue, side->mem, CL_FALSE, side->span[i].at, side->span[i].size,
                                    side->span[i].begin, 0, NULL, NULL);
    filter->facts.copies++;
    return code;
}

static int download(struct vd_filter *filter, const struct side *side)
{
    const struct vd_opencl *cl = filter->device->own;
    cl_int code = CL_SUCCESS;
    for (int i = 0; !code && i < side->planes; i++)
        code = clEnqueueReadBuffer(cl->queue, side->mem, CL_FALSE, side->span[i].at, side->span[i].size,
                                   side->span[i].begin, 0, NULL, NULL);
    filter->facts.copies++;
    return code;
}

static int neutral(struct own *own, const struct vd_opencl *cl, const struct vd_filter *filter, const uint8_t *row)
{
    cl_int code = CL_SUCCESS;
    size_t bytes = (size_t)filter->effect.plane[1].width * (filter->effect.wide ? 2 : 1);
    if (!own->neutral)
        own->neutral = clCreateBuffer(cl->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, bytes, (void *)row, &code);
    return code;
}

static int launch(struct vd_filter *filter, const struct side *dst, const struct side *src, const AVFrame *out,
                  const struct vd_planes *from)
{
    struct vd_opencl *cl = filter->device->own;
    struct own *own = filter->own;
    int code = CL_SUCCESS;
    for (int i = 0; !code && i < filter->effect.planes; i++) {
        struct vd_tint_plane plane = vd_program_plane(&filter->effect.plane[i]);
        bool there = i < src->planes;
        plane.dst_offset = (vd_s32)(dst->span[i].at + dst->span[i].first);
        plane.dst_stride = out->linesize[i];
        plane.src_offset = there ? (vd_s32)(src->span[i].at + src->span[i].first) : 0;
        plane.src_stride = (vd_s32)from->stride[i];
        if (!there)
            code = neutral(own, cl, filter, from->data[i]);
        if (!code)
            code = vd_program_buffer(&cl->program, cl->queue, filter->effect.wide, dst->mem,
                                     there ? src->mem : own->neutral, &plane);
    }
    return code;
}

/* All of it is enqueued; the last command makes both pictures the host's again. */
static int enqueue(struct vd_filter *filter, AVFrame *out, const AVFrame *in, const struct vd_planes *from)
{
    struct vd_opencl *cl = filter->device->own;
    struct own *own = filter->own;
    struct side src, dst;
    int code = see(filter, in, FFMIN(filter->effect.planes, av_pix_fmt_count_planes(filter->picture.source)),
                   &own->staging[0], &src);
    if (!code && in != out)
        code = see(filter, out, filter->effect.planes, &own->staging[1], &dst);
    else
        dst = src;
    if (!code)
        code = src.view ? vd_opencl_view_give(cl, src.view) : upload(filter, &src);
    if (!code && dst.view)
        code = vd_opencl_view_give(cl, dst.view);
    if (!code)
        code = launch(filter, &dst, &src, out, from);
    if (!code)
        code = dst.view ? vd_opencl_view_take(cl, dst.view) : download(filter, &dst);
    if (!code && src.view)
        code = vd_opencl_view_take(cl, src.view);
    return code;
}

/* Waits even after an error: what was enqueued before it still uses the pictures. */
static int tint(struct vd_filter *filter, AVFrame *out, const AVFrame *in, const struct vd_planes *from,
                struct vd_err *err)
{
    struct vd_opencl *cl = filter->device->own;
    int code = enqueue(filter, out, in, from);
    int done = vd_program_wait(&cl->program, cl->queue);
    if (!code)
        code = done;
    if (!code)
        return 0;
    return vd_fail(err, VD_UNAVAILABLE, "effect", "opencl: %s fails on a picture: %s; see vidriera doctor",
                   filter->device->traits.model, vd_program_error(code));
}

static int open_device(struct vd_device *device, const char *place, struct vd_err *err)
{
    struct vd_opencl *cl = av_mallocz(sizeof *cl);
    device->traits.family = VD_FAMILY_SOFTWARE;
    device->traits.surface = AV_PIX_FMT_NONE;
    device->own = cl;
    if (!cl)
        return vd_fail(err, VD_UNAVAILABLE, "open", "opencl: no memory to start; raise --max-memory");
    if (vd_opencl_open(cl, place, device->traits.model, err) == 0)
        return 0;
    av_freep(&device->own);
    return -1;
}

static void close_device(struct vd_device *device)
{
    vd_opencl_close(device->own);
    av_freep(&device->own);
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    struct own *own = av_mallocz(sizeof *own);
    if (!own)
        return vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
    filter->own = own;
    filter->facts.kernel = "opencl-buffer";
    return vd_cpu_start(filter, &own->host, err);
}

static int process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    struct own *own = filter->own;
    return vd_cpu_process_by(filter, own->host, tint, frame, err);
}

static void stop(struct vd_filter *filter)
{
    struct own *own = filter->own;
    if (!own)
        return;
    const cl_mem mems[] = {own->staging[0].mem, own->staging[1].mem, own->neutral};
    vd_opencl_views_finish(&own->views, filter->device->own);
    for (size_t i = 0; i < sizeof mems / sizeof *mems; i++)
        if (mems[i])
            clReleaseMemObject(mems[i]);
    vd_cpu_stop(own->host);
    av_free(own);
}

const struct vd_backend vd_backend_opencl = {
    .name = "opencl",
    .words = "opencl",
    .automatic = false,
    .places = VD_PLACES_NONE,
    .open = open_device,
    .close = close_device,
    .start = start,
    .process = process,
    .stop = stop,
};
