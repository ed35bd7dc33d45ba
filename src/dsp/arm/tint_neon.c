/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NEON has no multiplication that keeps the high half of 16 unsigned bits, but (x * a) >> 8 is x * (a >> 8) plus
 * (x * (a & 255)) >> 8 exactly, and a byte times a byte is one instruction.
 *
 * The last vector of a part is loaded before the loop and stored after it, as in x86/tint_avx2.c.
 */
#if defined(__aarch64__)

#include "src/dsp/sets.h"

#include <arm_neon.h>

#define VECTOR 16

struct constants8 {
    uint8x16_t a_high, a_low;
    uint16x8_t b; /* of both components in turn, as the samples lie */
};

struct constants16 {
    uint32x4_t a, b;
    int32x4_t down; /* shifts, to the right when negative */
    int16x8_t low, high;
};

static inline struct constants8 constants8(const struct vd_tint *tint, int part)
{
    const uint16x4_t even = vdup_n_u16((uint16_t)tint->b[part][0]), odd = vdup_n_u16((uint16_t)tint->b[part][1]);
    return (struct constants8){
        .a_high = vdupq_n_u8((uint8_t)(tint->a >> 8)),
        .a_low = vdupq_n_u8((uint8_t)tint->a),
        .b = vzip1q_u16(vcombine_u16(even, even), vcombine_u16(odd, odd)),
    };
}

static inline struct constants16 constants16(const struct vd_tint *tint, int part)
{
    return (struct constants16){
        .a = vdupq_n_u32(tint->a),
        .b = vzip1q_u32(vdupq_n_u32(tint->b[part][0]), vdupq_n_u32(tint->b[part][1])),
        .down = vdupq_n_s32(tint->depth - 32),
        .low = vdupq_n_s16((int16_t)-tint->shift),
        .high = vdupq_n_s16((int16_t)tint->shift),
    };
}

static inline uint8x16_t vector8(uint8x16_t v, const struct constants8 *k)
{
    uint16x8_t lo = vmull_u8(vget_low_u8(v), vget_low_u8(k->a_high));
    uint16x8_t hi = vmull_high_u8(v, k->a_high);
    lo = vsraq_n_u16(lo, vmull_u8(vget_low_u8(v), vget_low_u8(k->a_low)), 8);
    hi = vsraq_n_u16(hi, vmull_high_u8(v, k->a_low), 8);
    return vaddhn_high_u16(vaddhn_u16(lo, k->b), hi, k->b);
}

static inline uint8x16_t vector16(uint8x16_t bytes, const struct constants16 *k)
{
    uint16x8_t v = vshlq_u16(vreinterpretq_u16_u8(bytes), k->low);
    uint32x4_t lo = vmlaq_u32(k->b, vmovl_u16(vget_low_u16(v)), k->a);
    uint32x4_t hi = vmlaq_u32(k->b, vmovl_high_u16(v), k->a);
    v = vmovn_high_u32(vmovn_u32(vshlq_u32(lo, k->down)), vshlq_u32(hi, k->down));
    return vreinterpretq_u8_u16(vshlq_u16(v, k->high));
}

static inline void part8(uint8_t *dst, const uint8_t *src, int n, const struct constants8 *k,
                         const struct vd_tint *tint, int part)
{
    ptrdiff_t last = n - VECTOR;
    if (last < 0) {
        vd_tint_part8(dst, src, n, tint, part);
        return;
    }
    uint8x16_t end = vld1q_u8(src + last);
    for (ptrdiff_t i = 0; i < last; i += VECTOR)
        vst1q_u8(dst + i, vector8(vld1q_u8(src + i), k));
    vst1q_u8(dst + last, vector8(end, k));
}

static inline void part16(uint8_t *dst, const uint8_t *src, int n, const struct constants16 *k,
                          const struct vd_tint *tint, int part)
{
    ptrdiff_t last = 2 * (ptrdiff_t)n - VECTOR;
    if (last < 0) {
        vd_tint_part16(dst, src, n, tint, part);
        return;
    }
    uint8x16_t end = vld1q_u8(src + last);
    for (ptrdiff_t i = 0; i < last; i += VECTOR)
        vst1q_u8(dst + i, vector16(vld1q_u8(src + i), k));
    vst1q_u8(dst + last, vector16(end, k));
}

static void tint8(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                  int rows, const struct vd_tint *tint)
{
    const struct constants8 k[3] = {constants8(tint, 0), constants8(tint, 1), constants8(tint, 2)};

    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += n[part++])
            part8(dst + x, src + x, n[part], &k[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

static void tint16(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                   int rows, const struct vd_tint *tint)
{
    const struct constants16 k[3] = {constants16(tint, 0), constants16(tint, 1), constants16(tint, 2)};

    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += 2 * (ptrdiff_t)n[part++])
            part16(dst + x, src + x, n[part], &k[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

const struct vd_dsp vd_dsp_neon = {"neon", tint8, tint16};

#else
typedef int vd_no_aarch64; /* a translation unit must not be empty */
#endif
