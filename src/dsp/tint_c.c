/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The definition. */
#include "src/dsp/sets.h"

static void tint8(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                  int rows, const struct vd_tint *tint)
{
    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += n[part++])
            vd_tint_part8(dst + x, src + x, n[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

static void tint16(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                   int rows, const struct vd_tint *tint)
{
    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += 2 * (ptrdiff_t)n[part++])
            vd_tint_part16(dst + x, src + x, n[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

const struct vd_dsp vd_dsp_c = {"c", tint8, tint16};
