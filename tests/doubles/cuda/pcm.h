/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * H.264 and HEVC whose pictures are IDR, or I in H.264 that is coded out of order, one slice each, of samples as they are (I_PCM, pcm_flag), 4:2:0: the content
 * bit for bit, to be read by every decoder. A macroblock, or coding tree block, is 16 x 16. No filter works on it.
 * H.264 (ITU-T H.264, 7.3) has 8 bits and CAVLC, HEVC (ITU-T H.265, 7.3) 8 or 10.
 */
#ifndef VIDRIERA_TESTS_PCM_H
#define VIDRIERA_TESTS_PCM_H

#include "bits.h"

#define VD_BLOCK 384 /* samples: 16 x 16, and twice 8 x 8 */

/* Host memory. Over 8 bits, a sample is a word that holds its code up. */
struct vd_samples {
    const uint8_t *plane[3];
    size_t stride[3]; /* bytes */
    int step;         /* samples from one of a chroma plane to the next: 2 where they alternate */
    int depth;
};

/* As in Annex E of either standard; what is not present is not written. */
struct vd_vui {
    bool signal_type, colour, location;
    unsigned format, full_range, primaries, transfer, matrix, location_top, location_bottom;
    unsigned sar_width, sar_height; /* 0: unknown */
    unsigned rate, rate_base;       /* frames a second are rate / rate_base; 0: unknown */
};

struct vd_sequence {
    int width, height, depth;
    unsigned profile, level; /* as coded; level 0: chosen */
    bool reorders;           /* pictures come in another order than they are shown in */
    struct vd_vui vui;
};

/* Whole blocks of 16 x 16, the chroma interleaved; over 8 bits, words that hold their code up. */
struct vd_surface {
    uint8_t *luma, *chroma;
    size_t stride;
    int width, height, depth;
};

/* VD_IDR begins anew, VD_B is shown before a picture that is decoded earlier. */
enum vd_kind { VD_IDR, VD_I, VD_B };

struct vd_place {
    enum vd_kind kind;
    unsigned number;     /* of pictures decoded before this one */
    unsigned order;      /* of pictures shown before it, from the last VD_IDR */
    unsigned references; /* of those decoded before it that are no VD_B, from the last VD_IDR */
};

struct vd_coding {
    const char *name;
    void (*headers)(struct vd_bits *bits, const struct vd_sequence *sequence);
    void (*delimiter)(struct vd_bits *bits);
    void (*picture)(struct vd_bits *bits, const struct vd_sequence *sequence, const struct vd_samples *samples,
                    const struct vd_place *place);
    /* Reads a slice, a NAL unit without its start code. NULL, or what in it picture() never writes. */
    const char *(*read)(const uint8_t *nal, size_t size, const struct vd_surface *surface);
};

extern const struct vd_coding vd_h264, vd_hevc;

/* For the codings. The codes of the block at (x, y); where the picture ends, its last column and row go on. */
void vd_take_block(uint16_t block[VD_BLOCK], const struct vd_samples *samples, int x, int y, int width, int height);
void vd_give_block(const uint16_t block[VD_BLOCK], const struct vd_surface *surface, int x, int y);
/* The VUI's begin, which both have: shape, colour, place of the chroma samples. */
void vd_put_colours(struct vd_bits *bits, const struct vd_vui *vui);

#endif
