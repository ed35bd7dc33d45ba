/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Surfaces as a decoder leaves them, a filter to put them through, and what must come out. */
#ifndef TESTS_DEVICE_SURFACES_H
#define TESTS_DEVICE_SURFACES_H

#include "vidriera/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    enum AVPixelFormat format; /* NV12, P010 */
    int width, height;         /* of the picture */
    int rows;                  /* of a surface */
};

/* A device, a filter on it, and its plan. */
struct bench {
    struct vd_device *device;
    struct vd_filter *filter;
    struct vd_effect_plan plan;
    struct vd_picture picture;
    struct vd_err err;
};

static inline void must(int ret, const struct vd_err *err)
{
    if (ret < 0)
        fail_msg("%s: %s", err->stage, err->text);
}

static inline int plan_of(const struct shape *shape, double strength, struct vd_effect_plan *plan,
                          struct vd_picture *picture, struct vd_err *err)
{
    const bool deep = shape->format == AV_PIX_FMT_P010;
    struct vd_effect_params params;
    vd_effect_defaults(&params);
    params.strength = strength;
    *picture = (struct vd_picture){
        .source = shape->format,
        .target = shape->format,
        .width = shape->width,
        .height = shape->height,
        .padded_width = (shape->width + 1) & ~1,
        .padded_height = (shape->height + 1) & ~1,
        .row_step = 1,
    };
    const struct vd_layout layout = {
        .width = shape->width,
        .height = shape->height,
        .depth = deep ? 10 : 8,
        .shift = deep ? 6 : 0,
        .log2_chroma_w = 1,
        .log2_chroma_h = 1,
        .interleaved = true,
        .matrix = 1,
    };
    return vd_effect_plan(plan, &params, &layout, err);
}

static inline void bench_open_with(struct bench *b, const char *words, const struct shape *shape, int held,
                                   double strength)
{
    *b = (struct bench){0};
    must(plan_of(shape, strength, &b->plan, &b->picture, &b->err), &b->err);
    b->device = vd_device_open(words, &b->err);
    must(b->device ? 0 : -1, &b->err);
    b->filter = vd_filter_open(b->device, &b->plan, &b->picture, held, &b->err);
    must(b->filter ? 0 : -1, &b->err);
}

static inline void bench_open(struct bench *b, const char *words, const struct shape *shape, int held)
{
    bench_open_with(b, words, shape, held, 0.3);
}

static inline void bench_close(struct bench *b)
{
    vd_filter_close(b->filter);
    vd_device_close(b->device);
}

static inline int rows_of(const AVFrame *frame, int plane)
{
    return plane ? (frame->height + 1) / 2 : frame->height;
}

static inline AVFrame *empty_frame(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = format;
    frame->width = width;
    frame->height = height;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    return frame;
}

/* All rows of a surface; every code of the depth, the same in every run. */
static inline AVFrame *noise_frame(const struct shape *shape)
{
    static uint32_t seed = 2463534242u;
    AVFrame *frame = empty_frame(shape->format, shape->width, shape->rows);
    for (int i = 0; i < 2; i++) {
        int bytes = av_image_get_linesize(shape->format, shape->width, i);
        for (int y = 0; y < rows_of(frame, i); y++) {
            uint8_t *row = frame->data[i] + (ptrdiff_t)y * frame->linesize[i];
            for (int x = 0; x < bytes; x++) {
                seed = seed * 1664525 + 1013904223;
                row[x] = (uint8_t)(seed >> 24);
                if (shape->format == AV_PIX_FMT_P010 && !(x & 1))
                    row[x] &= 0xc0;
            }
        }
    }
    return frame;
}

/* What the processor makes of the picture in it. */
static inline AVFrame *tinted_frame(const struct bench *b, const AVFrame *source)
{
    AVFrame *frame = empty_frame(b->picture.target, b->picture.width, b->picture.height);
    struct vd_planes dst = {0}, src = {0};
    for (int i = 0; i < 2; i++) {
        dst.data[i] = frame->data[i];
        dst.stride[i] = frame->linesize[i];
        src.data[i] = source->data[i];
        src.stride[i] = source->linesize[i];
    }
    vd_effect_apply(&b->plan, &dst, &src);
    return frame;
}

static inline AVBufferRef *surface_pool(const struct vd_device *device, const struct shape *shape, int count)
{
    AVBufferRef *ref = av_hwframe_ctx_alloc(vd_device_traits(device)->hardware);
    AVHWFramesContext *frames = ref ? (AVHWFramesContext *)ref->data : NULL;
    if (!frames)
        return NULL;
    frames->format = AV_PIX_FMT_VAAPI;
    frames->sw_format = shape->format;
    frames->width = shape->width;
    frames->height = shape->rows;
    frames->initial_pool_size = count;
    if (av_hwframe_ctx_init(ref) < 0)
        av_buffer_unref(&ref);
    return ref;
}

static inline AVBufferRef *decoder_pool(const struct bench *b, const struct shape *shape, int count)
{
    AVBufferRef *pool = surface_pool(b->device, shape, count);
    assert_non_null(pool);
    return pool;
}

static inline AVFrame *decoded_surface(AVBufferRef *pool, const AVFrame *source, const struct shape *shape)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    assert_int_equal(av_hwframe_get_buffer(pool, frame, 0), 0);
    assert_int_equal(av_hwframe_transfer_data(frame, source, 0), 0);
    frame->height = shape->height;
    return frame;
}

static inline int difference(const uint8_t *a, const uint8_t *b, bool words)
{
    uint16_t x = *a, y = *b;
    if (words) {
        memcpy(&x, a, 2);
        memcpy(&y, b, 2);
        if ((x | y) & 63)
            return 1 << 16;
    }
    int d = (words ? x >> 6 : x) - (words ? y >> 6 : y);
    return d < 0 ? -d : d;
}

/* The picture of that shape in both, in codes. */
static inline void assert_same(const AVFrame *got, const AVFrame *want, const struct shape *shape, int tolerance)
{
    const bool words = shape->format == AV_PIX_FMT_P010;
    assert_true(got->width >= shape->width && got->height >= shape->height);
    for (int i = 0; i < 2; i++) {
        int bytes = av_image_get_linesize(shape->format, shape->width, i);
        for (int y = 0; y < (i ? (shape->height + 1) / 2 : shape->height); y++) {
            const uint8_t *a = got->data[i] + (ptrdiff_t)y * got->linesize[i];
            const uint8_t *b = want->data[i] + (ptrdiff_t)y * want->linesize[i];
            for (int x = 0; x < bytes; x += words ? 2 : 1)
                if (difference(a + x, b + x, words) > tolerance)
                    fail_msg("plane %d, byte %d of row %d differs: %d, %d", i, x, y, a[x], b[x]);
        }
    }
}

/* The last column and row of luma are repeated. */
static inline void assert_padded(const AVFrame *got, const struct vd_picture *picture)
{
    int step = av_pix_fmt_desc_get(got->format)->comp[0].step;
    for (int y = 0; y < got->height; y++) {
        int from = y < picture->height ? y : picture->height - 1;
        const uint8_t *row = got->data[0] + (ptrdiff_t)y * got->linesize[0];
        const uint8_t *like = got->data[0] + (ptrdiff_t)from * got->linesize[0];
        for (int x = picture->width; x < got->width; x++)
            assert_memory_equal(row + (ptrdiff_t)x * step, like + (ptrdiff_t)(picture->width - 1) * step, (size_t)step);
    }
}

/* Without asserting: a surface through a filter of the device. NULL and *err otherwise. */
static inline AVFrame *one_picture(struct vd_device *device, const struct shape *shape, struct vd_err *err)
{
    struct vd_effect_plan plan;
    struct vd_picture picture;
    AVFrame *frame = NULL;
    if (plan_of(shape, 0.3, &plan, &picture, err) < 0)
        return NULL;
    struct vd_filter *filter = vd_filter_open(device, &plan, &picture, 4, err);
    AVBufferRef *pool = filter ? surface_pool(device, shape, 1) : NULL;
    if (filter && !pool)
        vd_fail(err, VD_UNAVAILABLE, "decode", "no surface");
    if (pool) {
        frame = av_frame_alloc();
        assert_non_null(frame);
        assert_int_equal(av_hwframe_get_buffer(pool, frame, 0), 0);
        frame->height = shape->height;
        vd_filter_process(filter, &frame, err);
    }
    av_buffer_unref(&pool);
    vd_filter_close(filter);
    return frame;
}

#endif
