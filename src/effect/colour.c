/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/effect.h"

#include <libavutil/parseutils.h>

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex(const char *digits, struct vd_rgb *rgb)
{
    uint8_t value[3];
    for (int i = 0; i < 3; i++) {
        int high = hex(digits[2 * i]);
        int low = high < 0 ? -1 : hex(digits[2 * i + 1]);
        if (low < 0)
            return -1;
        value[i] = (uint8_t)(16 * high + low);
    }
    if (digits[6])
        return -1;
    *rgb = (struct vd_rgb){value[0], value[1], value[2]};
    return 0;
}

/* Longer than any name, so that a text cut off here is none. */
#define NAME_SIZE 32

/* Small letters, and gray for grey: CSS takes both, FFmpeg's table has one of them for each colour. */
static void fold(char out[NAME_SIZE], const char *name)
{
    size_t n = 0;
    for (; n < NAME_SIZE - 1 && name[n]; n++)
        out[n] = (char)(name[n] | 0x20);
    out[n] = 0;

    char *grey = strstr(out, "grey");
    if (grey)
        grey[2] = 'a';
}

/* FFmpeg's table, but not its parser, which also takes random, bikeshed, 0x…, bare digits and @alpha, and logs. */
int vd_colour_parse(const char *text, struct vd_rgb *rgb)
{
    if (text[0] == '#')
        return parse_hex(text + 1, rgb);

    char wanted[NAME_SIZE], have[NAME_SIZE];
    fold(wanted, text);

    const uint8_t *known;
    const char *name;
    for (int i = 0; (name = av_get_known_color_name(i, &known)); i++) {
        fold(have, name);
        if (strcmp(wanted, have) == 0) {
            *rgb = (struct vd_rgb){known[0], known[1], known[2]};
            return 0;
        }
    }
    return -1;
}

/* ITU-T H.273 table 4: the shares of red and blue in luma. Constant luminance (10) is not linear in R'G'B': it is
 * taken as 9. */
static const struct {
    int matrix;
    double red, blue;
} shares[] = {
    {1, 0.2126, 0.0722}, /* BT.709 */
    {4, 0.30, 0.11},     /* FCC */
    {5, 0.299, 0.114},   /* BT.601, 625 lines */
    {6, 0.299, 0.114},   /* BT.601, 525 lines */
    {7, 0.212, 0.087},   /* SMPTE 240M */
    {9, 0.2627, 0.0593}, /* BT.2020 */
    {10, 0.2627, 0.0593},
};

#define YCGCO 8

/* Luma 0 to 1, chroma -0.5 to 0.5. */
static int analogue(struct vd_rgb rgb, int matrix, double out[3])
{
    const double r = rgb.r / 255.0, g = rgb.g / 255.0, b = rgb.b / 255.0;

    if (matrix == YCGCO) {
        out[0] = g / 2 + (r + b) / 4;
        out[1] = g / 2 - (r + b) / 4;
        out[2] = (r - b) / 2;
        return 0;
    }
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        if (shares[i].matrix != matrix)
            continue;
        double kr = shares[i].red, kb = shares[i].blue;
        out[0] = kr * r + (1 - kr - kb) * g + kb * b;
        out[1] = (b - out[0]) / (2 * (1 - kb));
        out[2] = (r - out[0]) / (2 * (1 - kr));
        return 0;
    }
    return -1;
}

int vd_colour_codes(struct vd_rgb rgb, int matrix, bool full_range, int depth, double out[3])
{
    double e[3];
    if (analogue(rgb, matrix, e) < 0)
        return -1;

    const double unit = 1 << (depth - 8), max = (1 << depth) - 1;
    for (int i = 0; i < 3; i++) {
        double code;
        if (full_range)
            code = max * e[i] + (i ? 128 * unit : 0);
        /* YCgCo is made of R, G and B that are limited already, so its chroma spans 219 as they do. */
        else if (i == 0 || matrix == YCGCO)
            code = (219 * e[i] + (i ? 128 : 16)) * unit;
        else
            code = (224 * e[i] + 128) * unit;

        /* Clip1 of H.273. It happens: saturated blue and red in full range have chroma max + 0.5. The tint relies on it
         * never overflowing. */
        out[i] = code < 0 ? 0 : code > max ? max : code;
    }
    return 0;
}
