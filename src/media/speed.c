/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "speed.h"

#include "picture.h"

#include "vidriera/now.h"

#include <libavutil/imgutils.h>
#include <string.h>

/* Some pictures in turn, as a decoder's would come: more than a cache near the processor holds. */
enum { WIDTH = 1280, HEIGHT = 720, RING = 6 };

#define SECONDS_MAX 0.15

static enum AVPixelFormat format_for(const struct vd_device *device, bool deep)
{
    bool surfaces = vd_device_traits(device)->surface != AV_PIX_FMT_NONE;
    if (surfaces)
        return deep ? AV_PIX_FMT_P010 : AV_PIX_FMT_NV12;
    return deep ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
}

static struct vd_filter *open_filter(struct vd_device *device, enum AVPixelFormat format, struct vd_err *err)
{
    const struct vd_picture picture = {format, format, WIDTH, HEIGHT, WIDTH, HEIGHT, 1};
    const struct vd_layout layout = vd_layout_of(format, WIDTH, HEIGHT, false, AVCOL_SPC_BT709, VD_EDGE_LEFT);
    struct vd_effect_params params;
    struct vd_effect_plan plan;
    vd_effect_defaults(&params);
    if (vd_effect_plan(&plan, &params, &layout, err) < 0)
        return NULL;
    return vd_filter_open(device, &plan, &picture, RING + 2, err);
}

static AVFrame *grey(enum AVPixelFormat format)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = format;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    for (int i = 0; frame && frame->buf[i]; i++)
        memset(frame->buf[i]->data, 0x40, frame->buf[i]->size);
    return frame;
}

/* What went through the filter once lies where the next one wants it: on the device, if that has surfaces. */
static int fill(struct vd_filter *filter, AVFrame *ring[RING], enum AVPixelFormat format, struct vd_err *err)
{
    for (int i = 0; i < RING; i++) {
        ring[i] = grey(format);
        if (!ring[i] || vd_filter_process(filter, &ring[i], err) < 0)
            return -1;
    }
    return 0;
}

/* Pictures in a second. Negative: one failed. The last one is read back: by then all before it are done. */
static double rate(struct vd_filter *filter, AVFrame *ring[RING], struct vd_err *err)
{
    double begin = vd_monotonic();
    int pictures = 0;
    AVFrame *last = NULL;
    do {
        av_frame_free(&last);
        last = av_frame_clone(ring[pictures % RING]); /* not writable, like what a decoder still refers to */
        if (!last || vd_filter_process(filter, &last, err) < 0)
            return -1;
        pictures++;
    } while (vd_monotonic() - begin < SECONDS_MAX);
    int ret = vd_filter_download(filter, &last, err);
    av_frame_free(&last);
    return ret < 0 ? -1 : pictures / (vd_monotonic() - begin);
}

double vd_speed_of_tint(struct vd_device *device, bool deep)
{
    enum AVPixelFormat format = format_for(device, deep);
    AVFrame *ring[RING] = {0};
    struct vd_err ignored = {0};
    struct vd_filter *filter = open_filter(device, format, &ignored);
    double pictures = filter && fill(filter, ring, format, &ignored) == 0 ? rate(filter, ring, &ignored) : -1;
    for (int i = 0; i < RING; i++)
        av_frame_free(&ring[i]);
    vd_filter_close(filter);
    return pictures < 0 ? -1 : pictures * 2 * av_image_get_buffer_size(format, WIDTH, HEIGHT, 1) / 1e9;
}
