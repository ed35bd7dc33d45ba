/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decoded picture is, and how it becomes what the effect and the encoder take. Pure functions but for the
 * converter, which belongs to one thread.
 */
#ifndef VIDRIERA_MEDIA_PICTURE_H
#define VIDRIERA_MEDIA_PICTURE_H

#include "vidriera/effect.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

struct SwsContext;

/* yuvj420p and its like are plain formats with full range said in the name. */
enum AVPixelFormat vd_format_plain(enum AVPixelFormat format);
bool vd_format_full_range(enum AVPixelFormat format, enum AVColorRange range);

/* Bits of a luma code. */
int vd_format_depth(enum AVPixelFormat format);

/* True for grey of 8 to 12 bits; *coloured gets the 4:2:0 format of the same depth. */
bool vd_format_grey(enum AVPixelFormat format, enum AVPixelFormat *coloured);

/*
 * The format that pictures of `source` go to an encoder as: source itself when the effect can work on it and `encoder`
 * takes it, else the nearest YUV format of the encoder's list, which swscale makes. encoder: ended by AV_PIX_FMT_NONE.
 */
enum AVPixelFormat vd_format_choose(enum AVPixelFormat source, const enum AVPixelFormat *encoder);

/* The matrix that players assume for an untagged stream of that size; RGB counts as untagged. */
enum AVColorSpace vd_matrix_resolve(enum AVColorSpace tagged, int width, int height);

/* Which coded edge the viewer of a picture with this display matrix has at the left. NULL matrix: the left one. */
enum vd_edge vd_edge_left(const int32_t matrix[9]);

/* How planes of that format lie in memory. */
struct vd_layout vd_layout_of(enum AVPixelFormat format, int width, int height, bool full_range,
                              enum AVColorSpace matrix, enum vd_edge left);

/* swscale, set up again whenever what comes in changes. Zero is a valid start. */
struct vd_converter {
    struct SwsContext *sws;
    enum AVPixelFormat from;
    int width, height;
    enum AVColorSpace matrix;
    bool full_range;
};

/* What a converter makes: pictures of this kind, always. */
struct vd_converted {
    enum AVPixelFormat format;
    int width, height;
    enum AVColorSpace matrix; /* resolved */
    bool full_range;
};

/* Takes *frame, replaces it by a new one of the wanted kind, properties kept. A negative AVERROR on failure. */
int vd_convert(struct vd_converter *converter, const struct vd_converted *wanted, AVFrame **frame);
void vd_converter_finish(struct vd_converter *converter);

#endif
