/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipcm.h"

#include <stdlib.h>
#include <string.h>

enum { LUMA = 256, CHROMA = 64, SAMPLES = LUMA + 2 * CHROMA };
enum { I_PCM = 25, I_PCM_IN_P = 30 }; /* tables 7-11 and 7-13: 5 more in P slices */

static void store(const struct vd_nv12 *picture, uint32_t macroblock, const uint8_t *samples)
{
    unsigned x0 = macroblock % picture->mb_columns * 16, y0 = macroblock / picture->mb_columns * 16;
    if (x0 >= picture->width || y0 >= picture->height)
        return;
    unsigned columns = picture->width - x0 < 16 ? picture->width - x0 : 16;
    unsigned rows = picture->height - y0 < 16 ? picture->height - y0 : 16;
    for (unsigned y = 0; y < rows; y++)
        memcpy(picture->luma + (y0 + y) * picture->pitch + x0, samples + y * 16, columns);
    for (unsigned y = 0; y < rows / 2; y++) {
        uint8_t *row = picture->chroma + (y0 / 2 + y) * picture->pitch + x0;
        for (unsigned x = 0; x < columns / 2; x++) {
            row[2 * x] = samples[LUMA + y * 8 + x];
            row[2 * x + 1] = samples[LUMA + CHROMA + y * 8 + x];
        }
    }
}

static const uint8_t *next_macroblock(struct vd_bits *bits, bool predicted)
{
    if (predicted && vd_bits_ue(bits) != 0)
        return NULL;
    if (vd_bits_ue(bits) != (predicted ? I_PCM_IN_P : I_PCM) || !vd_bits_align(bits))
        return NULL;
    return vd_bits_bytes(bits, SAMPLES);
}

int vd_ipcm_decode(const struct vd_ipcm_slice *slice, const struct vd_nv12 *picture)
{
    size_t size;
    uint8_t *rbsp = vd_unescape(slice->nal, slice->size, &size);
    if (!rbsp)
        return -1;

    int count = -1;
    struct vd_bits bits;
    if (!vd_bits_open(&bits, rbsp, size, slice->first_bit))
        goto done;
    uint32_t macroblock = slice->first_macroblock, end = picture->mb_columns * picture->mb_rows;
    while (bits.position < bits.end) {
        const uint8_t *samples = macroblock < end ? next_macroblock(&bits, slice->predicted) : NULL;
        if (!samples)
            goto done;
        store(picture, macroblock++, samples);
    }
    count = (int)(macroblock - slice->first_macroblock);
done:
    free(rbsp);
    return count;
}

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

static void load(const struct vd_nv12 *picture, uint32_t macroblock, uint8_t *samples)
{
    unsigned x0 = macroblock % picture->mb_columns * 16, y0 = macroblock / picture->mb_columns * 16;
    for (unsigned y = 0; y < 16; y++) {
        const uint8_t *row = picture->luma + at_most(y0 + y, picture->height - 1) * picture->pitch;
        for (unsigned x = 0; x < 16; x++)
            samples[y * 16 + x] = row[at_most(x0 + x, picture->width - 1)];
    }
    for (unsigned y = 0; y < 8; y++) {
        const uint8_t *row = picture->chroma + at_most(y0 / 2 + y, picture->height / 2 - 1) * picture->pitch;
        for (unsigned x = 0; x < 8; x++) {
            const uint8_t *pair = row + at_most(x0 / 2 + x, picture->width / 2 - 1) * 2;
            samples[LUMA + y * 8 + x] = pair[0];
            samples[LUMA + CHROMA + y * 8 + x] = pair[1];
        }
    }
}

void vd_ipcm_encode(struct vd_sink *sink, const struct vd_nv12 *picture, uint32_t first, uint32_t count, bool predicted)
{
    uint8_t samples[SAMPLES];
    for (uint32_t i = 0; i < count; i++) {
        if (predicted)
            vd_sink_ue(sink, 0);
        vd_sink_ue(sink, predicted ? I_PCM_IN_P : I_PCM);
        vd_sink_align(sink);
        load(picture, first + i, samples);
        vd_sink_bytes(sink, samples, sizeof samples);
    }
    vd_sink_bits(sink, 1, 1);
    vd_sink_align(sink);
}
