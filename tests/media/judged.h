/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures as a device ought to make them, and tools to spoil them. */
#ifndef TESTS_MEDIA_JUDGED_H
#define TESTS_MEDIA_JUDGED_H

#include "scratch.h"

#include "judge.h"
#include "pattern.h"
#include "picture.h"

static inline struct vd_pattern pattern_of(int height, bool deep)
{
    return (struct vd_pattern){640, height, deep ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P};
}

static inline AVFrame *untinted(const struct vd_pattern *pattern, int i)
{
    AVFrame *frame = vd_pattern_picture(pattern, i);
    assert_non_null(frame);
    return frame;
}

static inline struct vd_layout layout_of(const struct vd_pattern *pattern)
{
    return vd_layout_of(pattern->format, pattern->width, pattern->height, false, AVCOL_SPC_SMPTE170M, VD_EDGE_LEFT);
}

/* Tints in place, as params and layout have it. */
static inline void tint_as(AVFrame *frame, const struct vd_effect_params *params, const struct vd_layout *layout)
{
    struct vd_effect_plan plan;
    struct vd_planes planes;
    struct vd_err err = {0};
    assert_int_equal(vd_effect_plan(&plan, params, layout, &err), 0);
    for (int i = 0; i < 3; i++) {
        planes.data[i] = frame->data[i];
        planes.stride[i] = frame->linesize[i];
    }
    vd_effect_apply(&plan, &planes, &planes);
}

static inline AVFrame *tinted_right(const struct vd_pattern *pattern, int i)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    AVFrame *frame = untinted(pattern, i);
    vd_effect_defaults(&params);
    tint_as(frame, &params, &layout);
    return frame;
}

static inline int get_code(const AVFrame *frame, int plane, int x, int y)
{
    const uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
    return vd_format_depth(frame->format) > 8 ? ((const uint16_t *)row)[x] : row[x];
}

static inline void set_code(AVFrame *frame, int plane, int x, int y, int code)
{
    uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
    if (vd_format_depth(frame->format) > 8)
        ((uint16_t *)row)[x] = (uint16_t)code;
    else
        row[x] = (uint8_t)code;
}

#endif
