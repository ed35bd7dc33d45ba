/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far pictures are apart. Both pictures of a pair are host memory of one size and one format: three planes of 8 to 12
 * bits. Any thread; a struct vd_apart belongs to one at a time.
 */
#ifndef VIDRIERA_MEDIA_APART_H
#define VIDRIERA_MEDIA_APART_H

#include <libavutil/frame.h>

/* In samples of a plane. */
struct vd_area {
    int x, y, width, height;
};

/* Second picture less first, in codes. */
struct vd_difference {
    int64_t sum, squares, samples;
};

struct vd_difference vd_difference_in(const AVFrame *first, const AVFrame *second, int plane, struct vd_area area);

/* The whole plane. */
struct vd_area vd_plane_area(const AVFrame *frame, int plane);

/* Sums over all pairs of two recordings. Zero is the start. */
struct vd_apart {
    int64_t pairs;
    int depth;
    double squares[3], samples[3];
};

void vd_apart_add(struct vd_apart *apart, const AVFrame *first, const AVFrame *second);

/* In dB; INFINITY where all pairs are equal. */
double vd_apart_psnr(const struct vd_apart *apart, int plane);

#endif
