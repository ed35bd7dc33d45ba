/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "apart.h"

#include "picture.h"

#include <libavutil/pixdesc.h>
#include <math.h>

static void add_bytes(struct vd_difference *difference, const uint8_t *first, const uint8_t *second, int n)
{
    int64_t sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        int d = second[i] - first[i];
        sum += d;
        squares += d * d;
    }
    difference->sum += sum;
    difference->squares += squares;
}

static void add_words(struct vd_difference *difference, const uint16_t *first, const uint16_t *second, int n)
{
    int64_t sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        int64_t d = second[i] - first[i];
        sum += d;
        squares += d * d;
    }
    difference->sum += sum;
    difference->squares += squares;
}

static const uint8_t *row_of(const AVFrame *frame, int plane, int y)
{
    return frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
}

struct vd_difference vd_difference_in(const AVFrame *first, const AVFrame *second, int plane, struct vd_area area)
{
    struct vd_difference difference = {.samples = (int64_t)area.width * area.height};
    bool wide = vd_format_depth(first->format) > 8;
    for (int y = area.y; y < area.y + area.height; y++) {
        const uint8_t *a = row_of(first, plane, y), *b = row_of(second, plane, y);
        if (wide)
            add_words(&difference, (const uint16_t *)a + area.x, (const uint16_t *)b + area.x, area.width);
        else
            add_bytes(&difference, a + area.x, b + area.x, area.width);
    }
    return difference;
}

struct vd_area vd_plane_area(const AVFrame *frame, int plane)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    return (struct vd_area){.width = plane ? AV_CEIL_RSHIFT(frame->width, desc->log2_chroma_w) : frame->width,
                            .height = plane ? AV_CEIL_RSHIFT(frame->height, desc->log2_chroma_h) : frame->height};
}

void vd_apart_add(struct vd_apart *apart, const AVFrame *first, const AVFrame *second)
{
    apart->pairs++;
    apart->depth = vd_format_depth(first->format);
    for (int plane = 0; plane < 3; plane++) {
        struct vd_difference whole = vd_difference_in(first, second, plane, vd_plane_area(first, plane));
        apart->squares[plane] += (double)whole.squares;
        apart->samples[plane] += (double)whole.samples;
    }
}

double vd_apart_psnr(const struct vd_apart *apart, int plane)
{
    double most = (1 << apart->depth) - 1;
    if (apart->squares[plane] <= 0)
        return INFINITY;
    return 10 * log10(most * most * apart->samples[plane] / apart->squares[plane]);
}
