/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures for test_opencl.c: noise in every layout and wherever it may lie, and the filters that it goes through. */
#ifndef TESTS_DEVICE_OPENCL_PICTURES_H
#define TESTS_DEVICE_OPENCL_PICTURES_H

#include "picture.h"

#include "vidriera/device.h"
#include "vidriera/frame_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

enum place {
    POOL,     /* our own memory */
    UPWARDS,  /* the same, the last row first */
    CROOKED,  /* not where a page begins */
    FOREIGN,  /* where a page begins, but who knows for how long */
    SCATTERED /* a buffer for each plane */
};

struct look {
    enum AVPixelFormat source, target;
    int width, height;
    enum vd_edge left;
    double strength;
    int row_step;
};

static inline struct vd_picture picture_of(const struct look *look)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(look->target);
    int w = (1 << desc->log2_chroma_w) - 1, h = (look->row_step << desc->log2_chroma_h) - 1;
    return (struct vd_picture){.source = look->source,
                               .target = look->target,
                               .width = look->width,
                               .height = look->height,
                               .padded_width = (look->width + w) & ~w,
                               .padded_height = (look->height + h) & ~h,
                               .row_step = look->row_step};
}

static inline struct vd_filter *filter_on(struct vd_device *device, const struct look *look)
{
    struct vd_err err = {0};
    struct vd_effect_params params;
    struct vd_effect_plan plan;
    struct vd_picture picture = picture_of(look);
    struct vd_layout layout = vd_layout_of(look->target, look->width, look->height, false, AVCOL_SPC_BT709, look->left);
    vd_effect_defaults(&params);
    params.strength = look->strength;
    params.split = 4321;
    assert_int_equal(vd_effect_plan(&plan, &params, &layout, &err), 0);
    struct vd_filter *filter = vd_filter_open(device, &plan, &picture, 2, &err);
    if (!filter)
        fail_msg("%s", err.text);
    return filter;
}

static inline struct vd_device *device_at(const char *words)
{
    struct vd_err err = {0};
    struct vd_device *device = vd_device_open(words, &err);
    if (!device)
        fail_msg("%s", err.text);
    return device;
}

static inline int rows_of(const AVFrame *frame, int plane)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    return plane ? AV_CEIL_RSHIFT(frame->height, desc->log2_chroma_h) : frame->height;
}

static inline void free_aligned(void *opaque, uint8_t *data)
{
    (void)data;
    free(opaque);
}

static inline void place_frame(AVFrame *frame, enum place place, AVBufferPool *pool)
{
    size_t bytes = (size_t)av_image_get_buffer_size(frame->format, frame->width, frame->height, 64);
    size_t room = (bytes + 8191) / 4096 * 4096;
    if (place == SCATTERED) {
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        return;
    }
    if (place == POOL || place == UPWARDS) {
        frame->buf[0] = av_buffer_pool_get(pool);
    } else {
        uint8_t *data = aligned_alloc(4096, room);
        assert_non_null(data);
        frame->buf[0] = av_buffer_create(data + (place == CROOKED ? 32 : 0), room - 4096, free_aligned, data, 0);
    }
    assert_non_null(frame->buf[0]);
    assert_true(av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, frame->format, frame->width,
                                     frame->height, 64) > 0);
    for (int i = 0; i < 4 && frame->data[i] && place == UPWARDS; i++) {
        frame->data[i] += (ptrdiff_t)frame->linesize[i] * (rows_of(frame, i) - 1);
        frame->linesize[i] = -frame->linesize[i];
    }
}

static inline AVBufferPool *pool_for(const struct look *look)
{
    AVBufferPool *pool = vd_frame_pool((size_t)av_image_get_buffer_size(look->source, look->width, look->height, 64));
    assert_non_null(pool);
    return pool;
}

/* Every bit of every sample is noise, the same for the same seed. */
static inline AVFrame *noise(const struct look *look, enum place place, AVBufferPool *pool, uint32_t seed)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = look->source;
    frame->width = look->width;
    frame->height = look->height;
    frame->pts = seed;
    place_frame(frame, place, pool);
    for (int i = 0; i < av_pix_fmt_count_planes(look->source); i++)
        for (int y = 0; y < rows_of(frame, i); y++)
            for (int x = 0; x < av_image_get_linesize(look->source, look->width, i); x++) {
                seed = seed * 1664525 + 1013904223;
                frame->data[i][(ptrdiff_t)y * frame->linesize[i] + x] = (uint8_t)(seed >> 24);
            }
    return frame;
}

static inline void assert_same_pixels(const AVFrame *a, const AVFrame *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int i = 0; i < av_pix_fmt_count_planes(a->format); i++)
        for (int y = 0; y < rows_of(a, i); y++)
            if (memcmp(a->data[i] + (ptrdiff_t)y * a->linesize[i], b->data[i] + (ptrdiff_t)y * b->linesize[i],
                       (size_t)av_image_get_linesize(a->format, a->width, i)) != 0)
                fail_msg("%s %dx%d: row %d of plane %d differs", av_get_pix_fmt_name(a->format), a->width, a->height, y,
                         i);
}

static const enum AVPixelFormat formats[] = {
    AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,   AV_PIX_FMT_YUV420P9,  AV_PIX_FMT_YUV422P9,
    AV_PIX_FMT_YUV444P9,  AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV420P12,
    AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_NV12,      AV_PIX_FMT_P010,
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const int sizes[][2] = {{1, 1}, {2, 2}, {33, 17}, {64, 48}, {161, 90}, {642, 6}};
enum { SIZES = sizeof sizes / sizeof *sizes };

#endif
