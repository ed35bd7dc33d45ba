/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Of CABAC, a coding tree block of nothing but samples has one bin with a context, part_mode, and two that end: pcm_flag
 * and end_of_slice_segment_flag. The engine begins anew behind the samples, so its bits before them depend on the
 * context's state alone, which goes one step further with each block.
 */
#include "pcm.h"

#include <stdlib.h>

#define LAST_STATE 62

/* Table 9-52, the column of ranges from 448 on: the only one that is met. */
static const uint8_t lps_ranges[LAST_STATE + 1] = {
    240, 227, 216, 205, 195, 185, 175, 166, 158, 150, 142, 135, 128, 122, 116, 110, 104, 99, 94, 89, 85,
    80,  76,  72,  69,  65,  62,  59,  56,  53,  50,  48,  45,  43,  41,  39,  37,  35,  33, 31, 30, 28,
    27,  25,  24,  23,  22,  21,  20,  19,  18,  17,  16,  15,  14,  14,  13,  12,  12,  11, 11, 10, 9,
};

/* Bits that were made, most significant first. */
struct code {
    uint32_t bits;
    int count;
};

struct engine {
    unsigned low, range;
    int outstanding;
    bool started;
    struct code code;
};

static void put_bit(struct engine *engine, unsigned bit)
{
    if (engine->started) {
        engine->code.bits = engine->code.bits << 1 | bit;
        engine->code.count++;
    }
    engine->started = true;
    for (; engine->outstanding; engine->outstanding--) {
        engine->code.bits = engine->code.bits << 1 | !bit;
        engine->code.count++;
    }
}

/* 9.3.4.3.3 in reverse, as Figure 9-10 has it for encoders. */
static void renormalize(struct engine *engine)
{
    while (engine->range < 256) {
        if (engine->low < 256) {
            put_bit(engine, 0);
        } else if (engine->low >= 512) {
            engine->low -= 512;
            put_bit(engine, 1);
        } else {
            engine->low -= 256;
            engine->outstanding++;
        }
        engine->range <<= 1;
        engine->low <<= 1;
    }
}

/* A terminating bin of 1, and what is left in the engine; its last bit is a 1, in the end the slice's stop bit. */
static struct code terminate(struct engine *engine)
{
    engine->range -= 2;
    engine->low += engine->range;
    engine->range = 2;
    renormalize(engine);
    put_bit(engine, engine->low >> 9 & 1);
    engine->code.bits = engine->code.bits << 2 | (engine->low >> 7 & 3) | 1;
    engine->code.count += 2;
    return engine->code;
}

/* What stands before the samples of a block: not the slice's end, unless it is its begin, 2Nx2N, pcm_flag. */
static struct code before_block(int number)
{
    struct engine engine = {.range = 510};
    if (number)
        engine.range -= 2;
    engine.range -= lps_ranges[number < LAST_STATE ? number : LAST_STATE];
    renormalize(&engine);
    return terminate(&engine);
}

static struct code slice_end(void)
{
    return terminate(&(struct engine){.range = 510});
}

static void put_code(struct vd_bits *bits, struct code code)
{
    vd_put(bits, code.count, code.bits);
    vd_put_align(bits);
}

static bool get_code(struct vd_reader *reader, struct code code)
{
    bool same = vd_get(reader, code.count) == code.bits;
    reader->at = (reader->at + 7) / 8 * 8;
    return same;
}

/* By the size of the picture, Table A.8; rates are left to the one who sets a level. */
static unsigned choose_level(unsigned samples)
{
    static const unsigned levels[][2] = {{30, 36864},  {60, 122880},   {63, 245760},  {90, 552960},
                                         {93, 983040}, {120, 2228224}, {150, 8912896}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (samples <= levels[i][1])
            return levels[i][0];
    return 180;
}

static void put_profile(struct vd_bits *bits, const struct vd_sequence *sequence)
{
    unsigned wide = (unsigned)(sequence->width + 15) / 16 * 16, high = (unsigned)(sequence->height + 15) / 16 * 16;
    vd_put(bits, 3, 0);
    vd_put(bits, 5, sequence->profile);
    vd_put(bits, 32, sequence->profile == 1 ? 3u << 29 : 1u << 29); /* Main is Main 10 too */
    vd_put(bits, 4, 11);                                            /* progressive, not packed, frames alone */
    vd_put(bits, 32, 0);
    vd_put(bits, 12, 0);
    vd_put(bits, 8, sequence->level ? sequence->level : choose_level(wide * high));
}

static void put_vui(struct vd_bits *bits, const struct vd_vui *vui)
{
    vd_put_colours(bits, vui);
    vd_put(bits, 4, 0); /* no neutral chroma, fields, field information, window */
    vd_put(bits, 1, vui->rate != 0);
    if (vui->rate) {
        vd_put(bits, 32, vui->rate_base);
        vd_put(bits, 32, vui->rate);
        vd_put(bits, 2, 0);
    }
    vd_put(bits, 1, 0);
}

static void put_vps(struct vd_bits *bits, const struct vd_sequence *sequence)
{
    vd_nal_begin(bits, (const uint8_t[]){0x40, 1}, 2);
    vd_put(bits, 4, 0);
    vd_put(bits, 2, 3);
    vd_put(bits, 9, 0);
    vd_put(bits, 1, 1);
    vd_put(bits, 16, 0xffff);
    put_profile(bits, sequence);
    vd_put(bits, 1, 1);
    for (int i = 0; i < 3; i++)
        vd_put_ue(bits, 0); /* one picture is held, none reordered, no limit of latency */
    vd_put(bits, 6, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 2, 0);
    vd_nal_end(bits);
}

static void put_sps(struct vd_bits *bits, const struct vd_sequence *sequence)
{
    unsigned wide = (unsigned)(sequence->width + 15) / 16 * 16, high = (unsigned)(sequence->height + 15) / 16 * 16;
    unsigned right = (wide - (unsigned)sequence->width) / 2, below = (high - (unsigned)sequence->height) / 2;
    vd_nal_begin(bits, (const uint8_t[]){0x42, 1}, 2);
    vd_put(bits, 7, 0);
    vd_put(bits, 1, 1);
    put_profile(bits, sequence);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 1); /* 4:2:0 */
    vd_put_ue(bits, wide);
    vd_put_ue(bits, high);
    vd_put(bits, 1, right || below);
    if (right || below) {
        vd_put_ue(bits, 0);
        vd_put_ue(bits, right);
        vd_put_ue(bits, 0);
        vd_put_ue(bits, below);
    }
    vd_put_ue(bits, (unsigned)sequence->depth - 8);
    vd_put_ue(bits, (unsigned)sequence->depth - 8);
    vd_put_ue(bits, 0);
    vd_put(bits, 1, 1);
    for (int i = 0; i < 3; i++)
        vd_put_ue(bits, 0); /* as in the VPS */
    vd_put_ue(bits, 1);     /* coding blocks have 16 a side and no other size, transforms 4 to 16 */
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 2);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 4, 1); /* no scaling lists, AMP, SAO; but PCM */
    vd_put(bits, 4, (unsigned)sequence->depth - 1);
    vd_put(bits, 4, (unsigned)sequence->depth - 1);
    vd_put_ue(bits, 1);
    vd_put_ue(bits, 0);
    vd_put(bits, 1, 1); /* which no filter touches */
    vd_put_ue(bits, 0);
    vd_put(bits, 3, 0);
    vd_put(bits, 1, 1);
    put_vui(bits, &sequence->vui);
    vd_put(bits, 1, 0);
    vd_nal_end(bits);
}

static void put_headers(struct vd_bits *bits, const struct vd_sequence *sequence)
{
    put_vps(bits, sequence);
    put_sps(bits, sequence);
    vd_nal_begin(bits, (const uint8_t[]){0x44, 1}, 2);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 7, 0);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put_se(bits, 0); /* QP 26, so that part_mode begins in state 0 */
    vd_put(bits, 3, 0);
    vd_put_se(bits, 0);
    vd_put_se(bits, 0);
    vd_put(bits, 7, 0);
    vd_put(bits, 3, 5); /* no deblocking, and no slice says otherwise */
    vd_put(bits, 2, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 2, 0);
    vd_nal_end(bits);
}

static void put_delimiter(struct vd_bits *bits)
{
    vd_nal_begin(bits, (const uint8_t[]){0x46, 1}, 2);
    vd_put(bits, 3, 0);
    vd_nal_end(bits);
}

static void put_picture(struct vd_bits *bits, const struct vd_sequence *sequence, const struct vd_samples *samples,
                        const struct vd_place *place)
{
    (void)place;
    vd_nal_begin(bits, (const uint8_t[]){0x26, 1}, 2); /* IDR_W_RADL */
    vd_put(bits, 2, 2);                                /* the picture's first slice */
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 2); /* I */
    vd_put_se(bits, 0);
    vd_put(bits, 1, 1);
    vd_put_align(bits);
    int blocks = 0;
    for (int y = 0; y < sequence->height; y += 16)
        for (int x = 0; x < sequence->width; x += 16) {
            uint16_t block[VD_BLOCK];
            vd_take_block(block, samples, x, y, sequence->width, sequence->height);
            put_code(bits, before_block(blocks++));
            for (int i = 0; i < VD_BLOCK; i++)
                vd_put(bits, sequence->depth, block[i]);
        }
    put_code(bits, slice_end());
}

static const char *read_picture(const uint8_t *nal, size_t size, const struct vd_surface *surface)
{
    uint8_t *plain = malloc(size);
    if (!plain)
        abort();
    struct vd_reader reader = {plain, vd_unescape(plain, nal, size), 0};
    const char *wrong = NULL;
    if (vd_get(&reader, 16) != 0x2601 || vd_get(&reader, 2) != 2 || vd_get_ue(&reader) != 0 ||
        vd_get_ue(&reader) != 2 || vd_get_se(&reader) != 0 || !get_code(&reader, (struct code){1, 1}))
        wrong = "no slice of IDR as it should be";
    int blocks = 0;
    for (int y = 0; y < surface->height && !wrong; y += 16)
        for (int x = 0; x < surface->width && !wrong; x += 16) {
            if (!get_code(&reader, before_block(blocks++))) {
                wrong = "another block than one of samples";
                break;
            }
            uint16_t block[VD_BLOCK];
            for (int i = 0; i < VD_BLOCK; i++)
                block[i] = (uint16_t)vd_get(&reader, surface->depth);
            vd_give_block(block, surface, x, y);
        }
    if (!wrong && (!get_code(&reader, slice_end()) || reader.at > 8 * reader.size))
        wrong = "no end";
    free(plain);
    return wrong;
}

const struct vd_coding vd_hevc = {"hevc", put_headers, put_delimiter, put_picture, read_picture};
