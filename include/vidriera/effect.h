/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Effects: rows of a table in src/effect/effect.c. An effect is planned once per stream (colours converted, bounds
 * found) and then applied to every picture. No FFmpeg here: media/ describes the picture in a struct vd_layout.
 */
#ifndef VIDRIERA_EFFECT_H
#define VIDRIERA_EFFECT_H

#include "vidriera/dsp.h"
#include "vidriera/err.h"

#include <stdbool.h>

/* Non-linear R'G'B', 0 to 255 each. */
struct vd_rgb {
    uint8_t r, g, b;
};

struct vd_effect_params {
    char name[16];             /* a row of the table */
    struct vd_rgb left, right; /* as the viewer sees it */
    double strength;           /* 0 to 1 */
    int split;                 /* where right begins, in 1/10000 of the displayed width, 0 to 10000 */
};

/* split-tint, blue left, red right, 0.3, 5000. */
void vd_effect_defaults(struct vd_effect_params *params);

/* Which edge of the coded picture the viewer has at the left. */
enum vd_edge { VD_EDGE_LEFT, VD_EDGE_RIGHT, VD_EDGE_TOP, VD_EDGE_BOTTOM };

/* A decoded picture as it lies in memory. */
struct vd_layout {
    int width, height;                /* luma samples, the true coded size: no padding */
    int depth;                        /* bits of a code: 8 to 12 */
    int shift;                        /* see struct vd_tint */
    int log2_chroma_w, log2_chroma_h; /* 1,1: 4:2:0   1,0: 4:2:2   0,0: 4:4:4 */
    bool interleaved;                 /* one chroma plane, Cb and Cr in turn (NV12, P010) */
    bool full_range;
    int matrix; /* ITU-T H.273 MatrixCoefficients, resolved: never 2 (unspecified) nor 0 (RGB) */
    enum vd_edge left;
};

/* What is to be done to one plane. */
struct vd_plane_plan {
    int n[3]; /* columns: samples of each part (of both components when interleaved); rows: rows of each part */
    bool by_rows;
    int width; /* samples in a row, components counted singly */
    int rows;
    struct vd_tint tint;
};

struct vd_effect_plan {
    bool identity; /* every picture is left as it is: apply() need not be called, but copies when dst is not src */
    bool wide;     /* samples are 16-bit words */
    int planes;
    struct vd_plane_plan plane[3];
};

struct vd_planes {
    uint8_t *data[3];
    ptrdiff_t stride[3];
};

/* VD_USAGE: no such effect, or a parameter out of range. VD_INPUT: a matrix that has no linear form here. */
int vd_effect_plan(struct vd_effect_plan *plan, const struct vd_effect_params *params, const struct vd_layout *layout,
                   struct vd_err *err);

/* dst == src (same pointers and strides): in place. Otherwise one pass from src into dst. Any thread. */
void vd_effect_apply(const struct vd_effect_plan *plan, const struct vd_planes *dst, const struct vd_planes *src);

/* The name of row i of the table; NULL past the end. */
const char *vd_effect_name(int i);

/* "#rrggbb" or a colour name of CSS (as FFmpeg has them: no rebeccapurple), in any case. 0, or -1 for neither. */
int vd_colour_parse(const char *text, struct vd_rgb *rgb);

/*
 * The code values, as real numbers, of a colour in a stream's own matrix, range and depth (H.273 clause 8.3): out[0]
 * Y', out[1] Cb, out[2] Cr; clipped to 0 to 2^depth - 1 as there. -1 when the matrix has no such form.
 */
int vd_colour_codes(struct vd_rgb rgb, int matrix, bool full_range, int depth, double out[3]);

#endif
