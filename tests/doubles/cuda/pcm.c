/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pcm.h"

#include <string.h>

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Both take the size of the plane in samples; the block has side samples a side. */
static uint16_t *take_plane(uint16_t *out, const struct vd_samples *samples, int plane, int x, int y, int side,
                            int width, int height)
{
    int step = plane ? samples->step : 1;
    for (int row = 0; row < side; row++) {
        const uint8_t *from = samples->plane[plane] + (size_t)least(y + row, height - 1) * samples->stride[plane];
        for (int column = 0; column < side; column++) {
            size_t at = (size_t)least(x + column, width - 1) * (size_t)step;
            uint16_t word = 0;
            if (samples->depth == 8)
                word = from[at];
            else
                memcpy(&word, from + 2 * at, sizeof(word));
            *out++ = samples->depth == 8 ? word : (uint16_t)(word >> (16 - samples->depth));
        }
    }
    return out;
}

void vd_take_block(uint16_t block[VD_BLOCK], const struct vd_samples *samples, int x, int y, int width, int height)
{
    block = take_plane(block, samples, 0, x, y, 16, width, height);
    for (int plane = 1; plane < 3; plane++)
        block = take_plane(block, samples, plane, x / 2, y / 2, 8, width / 2, height / 2);
}

static void give(uint8_t *row, int at, uint16_t code, int depth)
{
    if (depth == 8) {
        row[at] = (uint8_t)code;
        return;
    }
    uint16_t word = (uint16_t)(code << (16 - depth));
    memcpy(row + (size_t)2 * (size_t)at, &word, sizeof(word));
}

void vd_give_block(const uint16_t block[VD_BLOCK], const struct vd_surface *surface, int x, int y)
{
    for (int i = 0; i < 256; i++)
        give(surface->luma + (size_t)(y + i / 16) * surface->stride, x + i % 16, block[i], surface->depth);
    for (int i = 0; i < 64; i++) {
        uint8_t *row = surface->chroma + (size_t)(y / 2 + i / 8) * surface->stride;
        give(row, x + 2 * (i % 8), block[256 + i], surface->depth);
        give(row, x + 2 * (i % 8) + 1, block[320 + i], surface->depth);
    }
}

void vd_put_colours(struct vd_bits *bits, const struct vd_vui *vui)
{
    vd_put(bits, 1, vui->sar_width != 0);
    if (vui->sar_width) {
        vd_put(bits, 8, 255); /* Extended_SAR */
        vd_put(bits, 16, vui->sar_width);
        vd_put(bits, 16, vui->sar_height);
    }
    vd_put(bits, 1, 0); /* overscan */
    vd_put(bits, 1, vui->signal_type);
    if (vui->signal_type) {
        vd_put(bits, 3, vui->format);
        vd_put(bits, 1, vui->full_range);
        vd_put(bits, 1, vui->colour);
        if (vui->colour) {
            vd_put(bits, 8, vui->primaries);
            vd_put(bits, 8, vui->transfer);
            vd_put(bits, 8, vui->matrix);
        }
    }
    vd_put(bits, 1, vui->location);
    if (vui->location) {
        vd_put_ue(bits, vui->location_top);
        vd_put_ue(bits, vui->location_bottom);
    }
}
