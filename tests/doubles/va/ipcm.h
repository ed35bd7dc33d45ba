/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slices of H.264 whose macroblocks are I_PCM, in CAVLC, frames of 8 bits in 4:2:0 (ITU-T H.264, clauses 7.3.4, 7.3.5 and
 * 9.1): samples as they are, between a few bits. No state, no lock; what is read may be hostile.
 */
#ifndef VD_DOUBLE_IPCM_H
#define VD_DOUBLE_IPCM_H

#include "bits.h"

/* NV12 in memory. A macroblock's part beyond width and height is dropped by the decoder; the encoder repeats the last
 * column and row for it. */
struct vd_nv12 {
    uint8_t *luma, *chroma;
    size_t pitch;
    unsigned width, height;       /* even */
    unsigned mb_columns, mb_rows; /* the picture in macroblocks */
};

struct vd_ipcm_slice {
    const uint8_t *nal; /* from its header byte on, as in the stream */
    size_t size;
    size_t first_bit; /* where its macroblocks begin, counted without emulation prevention bytes */
    uint32_t first_macroblock;
    bool predicted; /* a P slice: skip runs, and other numbers for macroblock types */
};

/* Returns how many macroblocks there were, or negative: something else than I_PCM, damaged, or no memory. */
int vd_ipcm_decode(const struct vd_ipcm_slice *slice, const struct vd_nv12 *picture);

/* Writes `count` macroblocks and the end of the NAL unit after a slice header in `sink`, which may end in mid-byte. The
 * macroblocks lie within the picture. */
void vd_ipcm_encode(struct vd_sink *sink, const struct vd_nv12 *picture, uint32_t first, uint32_t count,
                    bool predicted);

#endif
