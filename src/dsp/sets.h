/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The instruction sets that dsp.c chooses from, and what they share. Each .c file compiles to nothing on other
 * architectures and needs no compiler flags of its own.
 */
#ifndef VIDRIERA_DSP_SETS_H
#define VIDRIERA_DSP_SETS_H

#include "kernels/tint.h"
#include "vidriera/dsp.h"

#include <string.h>

extern const struct vd_dsp vd_dsp_c;
extern const struct vd_dsp vd_dsp_avx2;
extern const struct vd_dsp vd_dsp_neon;

/* n samples of one part, the first of them of component 0. In C: what SIMD must equal, and its way with parts that are
 * shorter than a vector. */
static inline void vd_tint_part8(uint8_t *dst, const uint8_t *src, int n, const struct vd_tint *tint, int part)
{
    const uint32_t a = tint->a, even = tint->b[part][0], odd = tint->b[part][1];
    for (int i = 0; i < n; i++)
        dst[i] = (uint8_t)vd_tint8(src[i], a, i & 1 ? odd : even);
}

/* Bytes, as the words may lie at odd addresses. */
static inline void vd_tint_part16(uint8_t *dst, const uint8_t *src, int n, const struct vd_tint *tint, int part)
{
    const uint32_t a = tint->a, even = tint->b[part][0], odd = tint->b[part][1];
    const int depth = tint->depth, shift = tint->shift;
    for (int i = 0; i < n; i++) {
        uint16_t word;
        memcpy(&word, src + 2 * (ptrdiff_t)i, 2);
        word = (uint16_t)vd_tint16(word, a, i & 1 ? odd : even, depth, shift);
        memcpy(dst + 2 * (ptrdiff_t)i, &word, 2);
    }
}

#endif
