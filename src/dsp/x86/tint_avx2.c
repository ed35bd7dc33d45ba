/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Odd and even samples are worked on apart, in lanes twice their size, where they already lie: no unpacking, and the
 * two components of an interleaved plane come apart by themselves.
 *
 * A part's last line ends where the part ends, so it overlaps the one before it. In place that one would tint the
 * overlap first: hence the last line is loaded before the loop and stored after it.
 *
 * Row by row, not part by part: walking down one half of a picture and then the other takes three times as long, as the
 * processor's own prefetchers follow pages.
 */
#if defined(__x86_64__) || defined(__i386__)

#include "src/dsp/sets.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define VECTOR 32
#define LINE 64   /* of the cache: two vectors, so that each is prefetched once */
#define AHEAD 320 /* bytes; takes a tenth off cold frames on Zen 4, 128 to 512 alike, farther is worse */

struct constants {
    __m256i a, b_even, b_odd;
    __m256i mask;                    /* 16 bits: the bits of a word that hold its code */
    __m128i up, down_even, down_odd; /* 16 bits: shift counts */
};

AVX2 static inline __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

AVX2 static inline void store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

AVX2 static inline __m256i vector8(__m256i v, const struct constants *k)
{
    const __m256i high = _mm256_set1_epi16((short)0xff00);
    __m256i even = _mm256_mulhi_epu16(_mm256_slli_epi16(v, 8), k->a);
    __m256i odd = _mm256_mulhi_epu16(_mm256_and_si256(v, high), k->a);
    even = _mm256_srli_epi16(_mm256_add_epi16(even, k->b_even), 8);
    odd = _mm256_and_si256(_mm256_add_epi16(odd, k->b_odd), high);
    return _mm256_or_si256(even, odd);
}

AVX2 static inline __m256i vector16(__m256i v, const struct constants *k)
{
    v = _mm256_srl_epi16(v, k->up);
    __m256i even = _mm256_mullo_epi32(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)), k->a);
    __m256i odd = _mm256_mullo_epi32(_mm256_srli_epi32(v, 16), k->a);
    even = _mm256_srl_epi32(_mm256_add_epi32(even, k->b_even), k->down_even);
    odd = _mm256_srl_epi32(_mm256_add_epi32(odd, k->b_odd), k->down_odd);
    return _mm256_and_si256(_mm256_blend_epi16(even, odd, 0xaa), k->mask);
}

AVX2 static inline struct constants constants8(const struct vd_tint *tint, int part)
{
    return (struct constants){
        .a = _mm256_set1_epi16((short)tint->a),
        .b_even = _mm256_set1_epi16((short)tint->b[part][0]),
        .b_odd = _mm256_set1_epi16((short)tint->b[part][1]),
    };
}

AVX2 static inline struct constants constants16(const struct vd_tint *tint, int part)
{
    return (struct constants){
        .a = _mm256_set1_epi32((int)tint->a),
        .b_even = _mm256_set1_epi32((int)tint->b[part][0]),
        .b_odd = _mm256_set1_epi32((int)tint->b[part][1]),
        .mask = _mm256_set1_epi16((short)(((1 << tint->depth) - 1) << tint->shift)),
        .up = _mm_cvtsi32_si128(tint->shift),
        .down_even = _mm_cvtsi32_si128(32 - tint->depth - tint->shift),
        .down_odd = _mm_cvtsi32_si128(16 - tint->depth - tint->shift),
    };
}

AVX2 static inline void part8(uint8_t *dst, const uint8_t *src, int n, const struct constants *k,
                              const struct vd_tint *tint, int part)
{
    ptrdiff_t last = n - LINE;
    if (last < 0) {
        vd_tint_part8(dst, src, n, tint, part);
        return;
    }
    __m256i end0 = load(src + last), end1 = load(src + last + VECTOR);
    for (ptrdiff_t i = 0; i < last; i += LINE) {
        _mm_prefetch((const char *)src + i + AHEAD, _MM_HINT_T0);
        __m256i v0 = load(src + i), v1 = load(src + i + VECTOR);
        store(dst + i, vector8(v0, k));
        store(dst + i + VECTOR, vector8(v1, k));
    }
    store(dst + last, vector8(end0, k));
    store(dst + last + VECTOR, vector8(end1, k));
}

AVX2 static inline void part16(uint8_t *dst, const uint8_t *src, int n, const struct constants *k,
                               const struct vd_tint *tint, int part)
{
    ptrdiff_t last = 2 * (ptrdiff_t)n - LINE;
    if (last < 0) {
        vd_tint_part16(dst, src, n, tint, part);
        return;
    }
    __m256i end0 = load(src + last), end1 = load(src + last + VECTOR);
    for (ptrdiff_t i = 0; i < last; i += LINE) {
        _mm_prefetch((const char *)src + i + AHEAD, _MM_HINT_T0);
        __m256i v0 = load(src + i), v1 = load(src + i + VECTOR);
        store(dst + i, vector16(v0, k));
        store(dst + i + VECTOR, vector16(v1, k));
    }
    store(dst + last, vector16(end0, k));
    store(dst + last + VECTOR, vector16(end1, k));
}

AVX2 static void tint8(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                       int rows, const struct vd_tint *tint)
{
    const struct constants k[3] = {constants8(tint, 0), constants8(tint, 1), constants8(tint, 2)};

    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += n[part++])
            part8(dst + x, src + x, n[part], &k[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

AVX2 static void tint16(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                        int rows, const struct vd_tint *tint)
{
    const struct constants k[3] = {constants16(tint, 0), constants16(tint, 1), constants16(tint, 2)};

    for (int y = 0; y < rows; y++) {
        ptrdiff_t x = 0;
        for (int part = 0; part < 3; x += 2 * (ptrdiff_t)n[part++])
            part16(dst + x, src + x, n[part], &k[part], tint, part);
        dst += dst_stride;
        src += src_stride;
    }
}

const struct vd_dsp vd_dsp_avx2 = {"avx2", tint8, tint16};

#else
typedef int vd_no_x86; /* a translation unit must not be empty */
#endif
