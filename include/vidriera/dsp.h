/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tint of one plane, in the fastest form that this processor runs. Plain C in src/dsp/tint_c.c is the definition;
 * every other instruction set equals it byte for byte. Pure functions, any thread; nothing is allocated.
 */
#ifndef VIDRIERA_DSP_H
#define VIDRIERA_DSP_H

#include <stddef.h>
#include <stdint.h>

/* Constants of kernels/tint.h for one plane. Parts in coded order: 0 left, 1 straddling, 2 right
 * (of rows: top, straddling, bottom). Component 1 is the odd sample of an
 * interleaved chroma plane (Cr of NV12); in a plane of one component both are equal. */
struct vd_tint {
    uint32_t a;
    uint32_t b[3][2];
    int depth; /* 8, or 9 to 12 */
    int shift; /* how far a 16-bit word holds its code up: 6 for P010, else 0 */
};

/*
 * Writes rows of n[0] + n[1] + n[2] samples: the first n[0] with b[0], the next n[1] with b[1], the rest with b[2].
 * Samples are bytes (tint8) or native-endian 16-bit words (tint16); in an interleaved plane all n are even. Strides in
 * bytes, may be negative; no alignment is asked for. dst == src with equal strides is the tint in place; any other
 * overlap is not allowed. Nothing beyond the samples named is written, nor read past the end of a row.
 */
typedef void vd_tint_fn(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                        int rows, const struct vd_tint *tint);

struct vd_dsp {
    const char *name; /* c, avx2, neon: what VD_CPU takes */
    vd_tint_fn *tint8;
    vd_tint_fn *tint16;
};

/* The best for this processor, or what VD_CPU names when there is such a set here. Chosen at the first call. */
const struct vd_dsp *vd_dsp(void);

/* Every set that this processor can run, C first; NULL past the end. For tests and bench. */
const struct vd_dsp *vd_dsp_at(int index);

#endif
