/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

static const struct {
    enum AVPixelFormat named, plain;
} full_range_formats[] = {
    {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
    {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
    {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P},
};

enum { FULL_RANGE_FORMATS = sizeof full_range_formats / sizeof *full_range_formats };

enum AVPixelFormat vd_format_plain(enum AVPixelFormat format)
{
    for (int i = 0; i < FULL_RANGE_FORMATS; i++)
        if (full_range_formats[i].named == format)
            return full_range_formats[i].plain;
    return format;
}

bool vd_format_full_range(enum AVPixelFormat format, enum AVColorRange range)
{
    return range == AVCOL_RANGE_JPEG || vd_format_plain(format) != format;
}

int vd_format_depth(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc ? desc->comp[0].depth : 0;
}

bool vd_format_grey(enum AVPixelFormat format, enum AVPixelFormat *coloured)
{
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_GRAY9, AV_PIX_FMT_YUV420P9},
        {AV_PIX_FMT_GRAY10, AV_PIX_FMT_YUV420P10},
        {AV_PIX_FMT_GRAY12, AV_PIX_FMT_YUV420P12},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == format) {
            *coloured = pairs[i][1];
            return true;
        }
    return false;
}

/* Three planes or NV12-like, 8 to 12 bits, no alpha, the chroma layouts that encoders know. */
static bool workable(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    const uint64_t refused = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL |
                             AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT;
    const uint64_t foreign_endian = AV_NE(0, 1) ? 0 : AV_PIX_FMT_FLAG_BE;
    if (!desc || desc->flags & (refused | foreign_endian) || !(desc->flags & AV_PIX_FMT_FLAG_PLANAR))
        return false;
    int depth = desc->comp[0].depth;
    bool chroma = desc->log2_chroma_w <= 1 && desc->log2_chroma_h <= desc->log2_chroma_w;
    bool in_turn = desc->comp[1].plane == desc->comp[2].plane;
    bool cb_first = desc->comp[1].offset <= desc->comp[2].offset;
    return desc->nb_components == 3 && depth >= 8 && depth <= 12 && chroma && (!in_turn || cb_first) &&
           vd_format_plain(format) == format;
}

enum AVPixelFormat vd_format_choose(enum AVPixelFormat source, const enum AVPixelFormat *encoder)
{
    enum AVPixelFormat wanted = vd_format_plain(source), best = AV_PIX_FMT_NONE;
    vd_format_grey(wanted, &wanted);
    for (; *encoder != AV_PIX_FMT_NONE; encoder++) {
        if (!workable(*encoder))
            continue;
        if (*encoder == wanted)
            return wanted;
        best = av_find_best_pix_fmt_of_2(best, *encoder, wanted, 0, NULL);
    }
    return best;
}

enum AVColorSpace vd_matrix_resolve(enum AVColorSpace tagged, int width, int height)
{
    if (tagged != AVCOL_SPC_UNSPECIFIED && tagged != AVCOL_SPC_RGB)
        return tagged;
    return width >= 1280 || height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

enum vd_edge vd_edge_left(const int32_t matrix[9])
{
    if (!matrix)
        return VD_EDGE_LEFT;
    /* displayed x = a x + c y: the larger of the two says which coded axis the viewer sees as horizontal */
    int64_t a = matrix[0], c = matrix[3];
    if (llabs(a) >= llabs(c))
        return a < 0 ? VD_EDGE_RIGHT : VD_EDGE_LEFT;
    return c < 0 ? VD_EDGE_BOTTOM : VD_EDGE_TOP;
}

struct vd_layout vd_layout_of(enum AVPixelFormat format, int width, int height, bool full_range,
                              enum AVColorSpace matrix, enum vd_edge left)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return (struct vd_layout){
        .width = width,
        .height = height,
        .depth = desc->comp[0].depth,
        .shift = desc->comp[0].shift,
        .log2_chroma_w = desc->log2_chroma_w,
        .log2_chroma_h = desc->log2_chroma_h,
        .interleaved = desc->comp[1].plane == desc->comp[2].plane,
        .full_range = full_range,
        .matrix = matrix,
        .left = left,
    };
}

static int set_up(struct vd_converter *converter, const struct vd_converted *wanted, const AVFrame *frame)
{
    enum AVPixelFormat from = vd_format_plain(frame->format);
    bool full = vd_format_full_range(frame->format, frame->color_range);
    enum AVColorSpace matrix = vd_matrix_resolve(frame->colorspace, frame->width, frame->height);
    if (converter->sws && converter->from == from && converter->width == frame->width &&
        converter->height == frame->height && converter->full_range == full && converter->matrix == matrix)
        return 0;
    vd_converter_finish(converter);
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(from);
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
    converter->sws = sws_getContext(frame->width, frame->height, from, wanted->width, wanted->height, wanted->format,
                                    flags, NULL, NULL, NULL);
    if (!converter->sws)
        return AVERROR(EINVAL);
    if (desc && desc->flags & AV_PIX_FMT_FLAG_RGB)
        full = true;
    /* a refusal means that this pair of formats needs no matrix */
    (void)sws_setColorspaceDetails(converter->sws, sws_getCoefficients((int)matrix), full,
                                   sws_getCoefficients((int)wanted->matrix), wanted->full_range, 0, 1 << 16, 1 << 16);
    converter->from = from;
    converter->width = frame->width;
    converter->height = frame->height;
    converter->matrix = matrix;
    converter->full_range = vd_format_full_range(frame->format, frame->color_range);
    return 0;
}

int vd_convert(struct vd_converter *converter, const struct vd_converted *wanted, AVFrame **frame)
{
    AVFrame *in = *frame, *out = av_frame_alloc();
    int ret = out ? set_up(converter, wanted, in) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = av_frame_copy_props(out, in);
    if (ret >= 0) {
        out->format = wanted->format;
        out->width = wanted->width;
        out->height = wanted->height;
        out->colorspace = wanted->matrix;
        out->color_range = wanted->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
        ret = av_frame_get_buffer(out, 0);
    }
    if (ret >= 0)
        ret = sws_scale(converter->sws, (const uint8_t *const *)in->data, in->linesize, 0, in->height, out->data,
                        out->linesize);
    if (ret < 0)
        av_frame_free(&out);
    av_frame_free(frame);
    *frame = out;
    return ret < 0 ? ret : 0;
}

void vd_converter_finish(struct vd_converter *converter)
{
    sws_freeContext(converter->sws);
    *converter = (struct vd_converter){0};
}
