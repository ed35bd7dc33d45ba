/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts of all sorts, without a size. */
#ifndef TESTS_DSP_FORMATS_H
#define TESTS_DSP_FORMATS_H

#include "vidriera/effect.h"

static const struct vd_layout formats[] = {
    {.depth = 8, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 1},
    {.depth = 8, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 6, .full_range = true},
    {.depth = 8, .log2_chroma_w = 1, .log2_chroma_h = 0, .matrix = 5},
    {.depth = 8, .log2_chroma_w = 0, .log2_chroma_h = 1, .matrix = 4},
    {.depth = 8, .log2_chroma_w = 0, .log2_chroma_h = 0, .matrix = 8},
    {.depth = 8, .log2_chroma_w = 2, .log2_chroma_h = 0, .matrix = 7},
    {.depth = 8, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 1, .interleaved = true},
    {.depth = 9, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 9},
    {.depth = 10, .log2_chroma_w = 1, .log2_chroma_h = 0, .matrix = 9, .full_range = true},
    {.depth = 10, .shift = 6, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 9, .interleaved = true},
    {.depth = 12, .log2_chroma_w = 0, .log2_chroma_h = 0, .matrix = 10},
};

#define N_FORMATS (sizeof formats / sizeof formats[0])

#endif
