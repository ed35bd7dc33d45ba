/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For GPUs whose surfaces no OpenCL reaches: down to the host, SIMD in place, up to the encoder's surface. */
#include "vaapi.h"

#include "vidriera/frame_memory.h"

#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>

enum { ALIGN = 64 };

struct vd_vaapi_host {
    void *cpu;
    AVBufferPool *pool; /* for what comes down */
};

struct vd_vaapi_host *vd_vaapi_host_start(struct vd_filter *filter, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    struct vd_vaapi_host *host = av_mallocz(sizeof *host);
    int bytes = av_image_get_buffer_size(picture->target, picture->width, picture->height, ALIGN);
    if (host)
        host->pool = bytes > 0 ? vd_frame_pool((size_t)bytes + ALIGN) : NULL;
    if (!host || !host->pool) {
        vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
        goto fail;
    }
    if (vd_cpu_start(filter, &host->cpu, err) < 0)
        goto fail;
    return host;
fail:
    vd_vaapi_host_stop(host);
    return NULL;
}

void vd_vaapi_host_stop(struct vd_vaapi_host *host)
{
    if (!host)
        return;
    vd_cpu_stop(host->cpu);
    av_buffer_pool_uninit(&host->pool);
    av_free(host);
}

static AVFrame *host_frame(const struct vd_picture *picture, struct vd_vaapi_host *host)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = picture->target;
    frame->width = picture->width;
    frame->height = picture->height;
    frame->buf[0] = av_buffer_pool_get(host->pool);
    if (!frame->buf[0] || av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, frame->format,
                                               frame->width, frame->height, ALIGN) < 0)
        av_frame_free(&frame);
    return frame;
}

static AVFrame *download(struct vd_filter *filter, struct vd_vaapi_host *host, const AVFrame *surface,
                         struct vd_err *err)
{
    AVFrame *frame = host_frame(&filter->picture, host);
    if (!frame || av_frame_copy_props(frame, surface) < 0) {
        vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
        goto fail;
    }
    int ret = av_hwframe_transfer_data(frame, surface, 0);
    if (ret < 0) {
        vd_vaapi_fail(filter, "a surface cannot be read", ret, err);
        goto fail;
    }
    filter->facts.copies++;
    return frame;
fail:
    av_frame_free(&frame);
    return NULL;
}

static AVFrame *upload(struct vd_filter *filter, const AVFrame *frame, struct vd_err *err)
{
    AVFrame *surface = vd_vaapi_surface(filter, frame, err);
    int ret = surface ? av_hwframe_transfer_data(surface, frame, 0) : 0;
    if (ret < 0) {
        vd_vaapi_fail(filter, "a surface cannot be written", ret, err);
        av_frame_free(&surface);
    }
    if (surface)
        filter->facts.copies++;
    return surface;
}

int vd_vaapi_host_process(struct vd_filter *filter, struct vd_vaapi_host *host, AVFrame **frame, struct vd_err *err)
{
    AVFrame *surface = NULL;
    if ((*frame)->hw_frames_ctx) {
        AVFrame *down = download(filter, host, *frame, err);
        av_frame_free(frame);
        *frame = down;
    }
    if (*frame && vd_cpu_process(filter, host->cpu, frame, err) == 0)
        surface = upload(filter, *frame, err);
    av_frame_free(frame);
    *frame = surface;
    return surface ? 0 : -1;
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    filter->facts.kernel = vd_dsp()->name;
    if (vd_vaapi_pool(filter, err) < 0)
        return -1;
    filter->own = vd_vaapi_host_start(filter, err);
    return filter->own ? 0 : -1;
}

static int process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    return vd_vaapi_host_process(filter, filter->own, frame, err);
}

static void stop(struct vd_filter *filter)
{
    vd_vaapi_host_stop(filter->own);
}

const struct vd_backend vd_backend_vaapi_host = {
    .name = "vaapi-host",
    .words = "vaapi",
    .automatic = true,
    .places = VD_PLACES_RENDER,
    .open = vd_vaapi_open,
    .close = vd_vaapi_close,
    .start = start,
    .process = process,
    .stop = stop,
};
