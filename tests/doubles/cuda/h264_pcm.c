/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pcm.h"

#include <stdlib.h>

#define PCM 25 /* mb_type in an I slice */
#define ORDER_BITS 8

/* Of each kind: the unit's first byte, and how many bits tell of references. A VD_B is none. */
static const uint8_t units[] = {[VD_IDR] = 0x65, [VD_I] = 0x61, [VD_B] = 0x01};
static const int marking_bits[] = {[VD_IDR] = 2, [VD_I] = 1, [VD_B] = 0};

/* Table A-1: frame size and macroblocks a second. */
static unsigned choose_level(unsigned mbs, double rate)
{
    static const struct {
        unsigned level, size, speed;
    } levels[] = {
        {10, 99, 1485},     {11, 396, 3000},     {12, 396, 6000},     {13, 396, 11880},   {21, 792, 19800},
        {22, 1620, 20250},  {30, 1620, 40500},   {31, 3600, 108000},  {32, 5120, 216000}, {40, 8192, 245760},
        {42, 8704, 522240}, {50, 22080, 589824}, {51, 36864, 983040},
    };
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (mbs <= levels[i].size && mbs * rate <= levels[i].speed)
            return levels[i].level;
    return 52;
}

static void put_vui(struct vd_bits *bits, const struct vd_vui *vui, bool reorders)
{
    vd_put_colours(bits, vui);
    vd_put(bits, 1, vui->rate != 0);
    if (vui->rate) {
        vd_put(bits, 32, vui->rate_base);
        vd_put(bits, 32, 2 * vui->rate); /* ticks are of fields */
        vd_put(bits, 1, 0);
    }
    vd_put(bits, 3, 0); /* no HRD of NAL units or VCL, no pic_struct */
    vd_put(bits, 1, 1); /* restrictions: one picture waits for others at most */
    vd_put(bits, 1, 1);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 10);
    vd_put_ue(bits, 10);
    vd_put_ue(bits, reorders);
    vd_put_ue(bits, reorders ? 2 : 1);
}

static void put_headers(struct vd_bits *bits, const struct vd_sequence *sequence)
{
    unsigned wide = (unsigned)(sequence->width + 15) / 16, high = (unsigned)(sequence->height + 15) / 16;
    unsigned right = (wide * 16 - (unsigned)sequence->width) / 2, below = (high * 16 - (unsigned)sequence->height) / 2;
    const struct vd_vui *vui = &sequence->vui;
    double rate = vui->rate ? (double)vui->rate / vui->rate_base : 0;

    vd_nal_begin(bits, (const uint8_t[]){0x67}, 1);
    vd_put(bits, 8, sequence->profile);
    vd_put(bits, 8, sequence->profile == 66 ? 0xc0 : 0); /* the baseline is the constrained one */
    vd_put(bits, 8, sequence->level ? sequence->level : choose_level(wide * high, rate));
    vd_put_ue(bits, 0);
    if (sequence->profile == 100) {
        vd_put_ue(bits, 1); /* 4:2:0, twice 8 bits, no bypass, no matrices */
        vd_put_ue(bits, 0);
        vd_put_ue(bits, 0);
        vd_put(bits, 2, 0);
    }
    vd_put_ue(bits, 0); /* frame_num has 4 bits */
    vd_put_ue(bits, 0); /* the order of output is in the slices, in 8 bits */
    vd_put_ue(bits, ORDER_BITS - 4);
    vd_put_ue(bits, 1); /* max_num_ref_frames */
    vd_put(bits, 1, 0);
    vd_put_ue(bits, wide - 1);
    vd_put_ue(bits, high - 1);
    vd_put(bits, 1, 1); /* frames alone */
    vd_put(bits, 1, 1);
    vd_put(bits, 1, right || below);
    if (right || below) {
        vd_put_ue(bits, 0);
        vd_put_ue(bits, right);
        vd_put_ue(bits, 0);
        vd_put_ue(bits, below);
    }
    vd_put(bits, 1, 1);
    put_vui(bits, vui, sequence->reorders);
    vd_nal_end(bits);

    vd_nal_begin(bits, (const uint8_t[]){0x68}, 1);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 2, 0); /* CAVLC; no field orders */
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 0);
    vd_put(bits, 3, 0);
    vd_put_se(bits, 0);
    vd_put_se(bits, 0);
    vd_put_se(bits, 0);
    vd_put(bits, 3, 4); /* slices say how they are deblocked */
    vd_nal_end(bits);
}

static void put_delimiter(struct vd_bits *bits)
{
    vd_nal_begin(bits, (const uint8_t[]){0x09}, 1);
    vd_put(bits, 3, 0);
    vd_nal_end(bits);
}

static void put_picture(struct vd_bits *bits, const struct vd_sequence *sequence, const struct vd_samples *samples,
                        const struct vd_place *place)
{
    vd_nal_begin(bits, &units[place->kind], 1);
    vd_put_ue(bits, 0);
    vd_put_ue(bits, 7); /* all slices are I */
    vd_put_ue(bits, 0);
    vd_put(bits, 4, place->references % 16);
    if (place->kind == VD_IDR)
        vd_put_ue(bits, place->number % 2); /* idr_pic_id: neighbours differ */
    vd_put(bits, ORDER_BITS, 2 * place->order % (1 << ORDER_BITS));
    vd_put(bits, marking_bits[place->kind], 0);
    vd_put_se(bits, 0);
    vd_put_ue(bits, 1); /* no deblocking */
    for (int y = 0; y < sequence->height; y += 16)
        for (int x = 0; x < sequence->width; x += 16) {
            uint16_t block[VD_BLOCK];
            vd_take_block(block, samples, x, y, sequence->width, sequence->height);
            vd_put_ue(bits, PCM);
            vd_put_align(bits);
            for (int i = 0; i < VD_BLOCK; i++)
                vd_put(bits, 8, block[i]);
        }
    vd_nal_end(bits);
}

/* NULL, or what in the slice's header is not as put_picture() writes it. */
static const char *read_header(struct vd_reader *reader)
{
    uint8_t unit = (uint8_t)vd_get(reader, 8);
    int kind = VD_IDR;
    while (kind <= VD_B && units[kind] != unit)
        kind++;
    if (kind > VD_B)
        return "no slice of these kinds";
    if (vd_get_ue(reader) != 0)
        return "more slices than one";
    if (vd_get_ue(reader) != 7)
        return "no I slice";
    if (vd_get_ue(reader) != 0)
        return "another parameter set";
    vd_get(reader, 4);
    if (kind == VD_IDR)
        vd_get_ue(reader);
    vd_get(reader, ORDER_BITS);
    vd_get(reader, marking_bits[kind]);
    if (vd_get_se(reader) != 0 || vd_get_ue(reader) != 1)
        return "deblocking";
    return NULL;
}

static const char *read_picture(const uint8_t *nal, size_t size, const struct vd_surface *surface)
{
    uint8_t *plain = malloc(size);
    if (!plain)
        abort();
    struct vd_reader reader = {plain, vd_unescape(plain, nal, size), 0};
    const char *wrong = read_header(&reader);
    for (int y = 0; y < surface->height && !wrong; y += 16)
        for (int x = 0; x < surface->width && !wrong; x += 16) {
            if (vd_get_ue(&reader) != PCM) {
                wrong = "another macroblock than I_PCM";
                break;
            }
            uint16_t block[VD_BLOCK];
            reader.at = (reader.at + 7) / 8 * 8;
            for (int i = 0; i < VD_BLOCK; i++)
                block[i] = (uint16_t)vd_get(&reader, 8);
            vd_give_block(block, surface, x, y);
        }
    if (!wrong && reader.at > 8 * reader.size)
        wrong = "cut off";
    free(plain);
    return wrong;
}

const struct vd_coding vd_h264 = {"h264", put_headers, put_delimiter, put_picture, read_picture};
