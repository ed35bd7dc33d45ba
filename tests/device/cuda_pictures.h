/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures for test_cuda.c: noise on the host, the same on a device, and what the C definition makes of them. */
#ifndef TESTS_DEVICE_CUDA_PICTURES_H
#define TESTS_DEVICE_CUDA_PICTURES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vidriera/device.h"

#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <string.h>

struct look {
    enum AVPixelFormat format;
    int width, height;
    enum vd_edge left;
    int split; /* in 1/10000 */
    double strength;
};

static inline struct vd_effect_plan plan_of(const struct look *look)
{
    struct vd_effect_params params;
    struct vd_effect_plan plan;
    bool wide = look->format == AV_PIX_FMT_P010;
    struct vd_layout layout = {.width = look->width,
                               .height = look->height,
                               .depth = wide ? 10 : 8,
                               .shift = wide ? 6 : 0,
                               .log2_chroma_w = 1,
                               .log2_chroma_h = 1,
                               .interleaved = true,
                               .matrix = 1,
                               .left = look->left};
    vd_effect_defaults(&params);
    params.split = look->split;
    params.strength = look->strength;
    assert_int_equal(vd_effect_plan(&plan, &params, &layout, NULL), 0);
    return plan;
}

static inline struct vd_picture picture_of(const struct look *look)
{
    return (struct vd_picture){.source = look->format,
                               .target = look->format,
                               .width = look->width,
                               .height = look->height,
                               .padded_width = (look->width + 1) / 2 * 2,
                               .padded_height = (look->height + 1) / 2 * 2,
                               .row_step = 1};
}

static inline int rows_of(const AVFrame *frame, int plane)
{
    return plane ? (frame->height + 1) / 2 : frame->height;
}

/* Every bit of every sample is noise, also those that no code of 10 bits has. */
static inline AVFrame *noise(const struct look *look, uint32_t seed)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = look->format;
    frame->width = look->width;
    frame->height = look->height;
    frame->pts = seed;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int i = 0; i < 2; i++)
        for (int y = 0; y < rows_of(frame, i); y++)
            for (int x = 0; x < av_image_get_linesize(frame->format, frame->width, i); x++) {
                seed = seed * 1664525 + 1013904223;
                frame->data[i][y * frame->linesize[i] + x] = (uint8_t)(seed >> 24);
            }
    return frame;
}

/* As a decoder of the device would give it. */
static inline AVFrame *surface_of(const struct vd_device *device, const AVFrame *host)
{
    AVBufferRef *ref = av_hwframe_ctx_alloc(vd_device_traits(device)->hardware);
    AVFrame *surface = av_frame_alloc();
    assert_non_null(ref);
    assert_non_null(surface);
    AVHWFramesContext *frames = (AVHWFramesContext *)ref->data;
    frames->format = vd_device_traits(device)->surface;
    frames->sw_format = host->format;
    frames->width = host->width;
    frames->height = host->height;
    assert_int_equal(av_hwframe_ctx_init(ref), 0);
    assert_int_equal(av_hwframe_get_buffer(ref, surface, 0), 0);
    assert_int_equal(av_hwframe_transfer_data(surface, host, 0), 0);
    assert_int_equal(av_frame_copy_props(surface, host), 0);
    av_buffer_unref(&ref);
    return surface;
}

/* The processor's, which VD_CPU=c makes the definition. */
static inline AVFrame *expected_of(const struct look *look, const AVFrame *host)
{
    struct vd_err err = {0};
    struct vd_effect_plan plan = plan_of(look);
    struct vd_picture picture = picture_of(look);
    struct vd_device *cpu = vd_device_open("cpu", &err);
    assert_non_null(cpu);
    struct vd_filter *filter = vd_filter_open(cpu, &plan, &picture, 1, &err);
    assert_non_null(filter);
    AVFrame *frame = av_frame_clone(host);
    assert_non_null(frame);
    assert_int_equal(vd_filter_process(filter, &frame, &err), 0);
    vd_filter_close(filter);
    vd_device_close(cpu);
    return frame;
}

static inline void assert_same_pixels(const AVFrame *a, const AVFrame *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int i = 0; i < 2; i++)
        for (int y = 0; y < rows_of(a, i); y++)
            if (memcmp(a->data[i] + y * a->linesize[i], b->data[i] + y * b->linesize[i],
                       (size_t)av_image_get_linesize(a->format, a->width, i)) != 0)
                fail_msg("%dx%d: row %d of plane %d differs", a->width, a->height, y, i);
}

#endif
