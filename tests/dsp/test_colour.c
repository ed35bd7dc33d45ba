/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours in words and in codes, against published values and the text of ITU-T H.273. */
#include "vidriera/effect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    struct vd_rgb rgb;
    int matrix;
    bool full;
    int depth;
    double code[3];
} rows[] = {
    /* The usual 8-bit triples, before rounding. */
    {{0, 0, 255}, 1, false, 8, {31.8118, 240, 117.7303}},
    {{255, 0, 0}, 1, false, 8, {62.5594, 102.3358, 240}},
    {{0, 255, 0}, 1, false, 8, {172.6288, 41.6642, 26.2697}},
    {{255, 0, 0}, 5, false, 8, {81.481, 90.2032, 240}},
    {{255, 0, 0}, 6, false, 8, {81.481, 90.2032, 240}},
    {{0, 0, 255}, 6, false, 8, {40.966, 240, 109.786}},
    {{255, 255, 255}, 6, false, 8, {235, 128, 128}},
    {{0, 0, 0}, 1, false, 8, {16, 128, 128}},
    {{255, 255, 255}, 9, false, 10, {940, 512, 512}},
    {{0, 0, 0}, 9, false, 12, {256, 2048, 2048}},
    {{255, 0, 0}, 4, false, 8, {81.7, 90.2472, 240}},
    {{255, 0, 0}, 7, false, 8, {62.428, 101.9934, 240}},
    {{0, 0, 255}, 7, false, 8, {35.053, 240, 115.6345}},
    {{255, 0, 0}, 9, false, 10, {294.1252, 386.8915, 960}},
    {{0, 0, 255}, 10, false, 10, {115.9468, 960, 475.968}},
    /* Full range; the chroma of pure blue and red would be max + 0.5. */
    {{0, 0, 255}, 1, true, 8, {18.411, 255, 116.309}},
    {{255, 0, 0}, 6, true, 8, {76.245, 84.9723, 255}},
    {{255, 255, 255}, 1, true, 10, {1023, 512, 512}},
    {{255, 0, 0}, 1, true, 12, {870.597, 1578.8272, 4095}},
    {{128, 128, 128}, 6, true, 8, {128, 128, 128}},
    /* YCgCo. */
    {{255, 255, 255}, 8, false, 8, {235, 128, 128}},
    {{0, 255, 0}, 8, false, 8, {125.5, 237.5, 128}},
    {{255, 0, 0}, 8, false, 8, {70.75, 73.25, 237.5}},
    {{0, 0, 255}, 8, true, 8, {63.75, 64.25, 0.5}},
    {{0, 255, 0}, 8, true, 10, {511.5, 1023, 512}},
};

static void codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double out[3];
        assert_int_equal(vd_colour_codes(rows[i].rgb, rows[i].matrix, rows[i].full, rows[i].depth, out), 0);
        for (int k = 0; k < 3; k++) {
            if (!(fabs(out[k] - rows[i].code[k]) < 2e-4))
                fail_msg("row %zu, component %d: %.5f, not %.5f", i, k, out[k], rows[i].code[k]);
        }
    }
}

/* vd_tint_b() counts on it. */
static void codes_stay_within_the_depth(void **state)
{
    (void)state;
    const int matrices[] = {1, 4, 5, 6, 7, 8, 9, 10};
    for (size_t m = 0; m < sizeof matrices / sizeof matrices[0]; m++) {
        for (int k = 0; k < 6 * 6 * 6 * 2 * 5; k++) {
            struct vd_rgb rgb = {(uint8_t)(k % 6 * 51), (uint8_t)(k / 6 % 6 * 51), (uint8_t)(k / 36 % 6 * 51)};
            int depth = 8 + k / 432;
            double out[3];
            assert_int_equal(vd_colour_codes(rgb, matrices[m], k / 216 % 2, depth, out), 0);
            for (int i = 0; i < 3; i++)
                assert_true(out[i] >= 0 && out[i] <= (1 << depth) - 1);
        }
    }
}

static void matrices_without_such_a_form(void **state)
{
    (void)state;
    const int matrices[] = {-1, 0, 2, 3, 11, 12, 13, 14, 15, 255};
    double out[3];
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; i++)
        assert_int_equal(vd_colour_codes((struct vd_rgb){1, 2, 3}, matrices[i], false, 8, out), -1);
}

static void words(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int rgb;
    } good[] = {
        {"#000000", 0},          {"#0000ff", 0xff},       {"#FF8001", 0xff8001}, {"#abcdef", 0xabcdef},
        {"blue", 0xff},          {"Red", 0xff0000},       {"GREEN", 0x008000},   {"DarkOrange", 0xff8c00},
        {"lightgrey", 0xd3d3d3}, {"LightGray", 0xd3d3d3}, {"grey", 0x808080},    {"darkslategrey", 0x2f4f4f},
        {"aqua", 0xffff},        {"tan", 0xd2b48c},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct vd_rgb c;
        if (vd_colour_parse(good[i].text, &c) != 0 || (c.r << 16 | c.g << 8 | c.b) != good[i].rgb)
            fail_msg("%s", good[i].text);
    }

    const char *bad[] = {
        "",
        "#",
        "#fff",
        "#12345",
        "#1234567",
        "#12345678",
        "#12345g",
        "# 12345",
        "#+12345",
        "#0x1234",
        "0000ff",
        "facade",
        "0x0000ff",
        "0xff",
        "red@0.5",
        "#ff0000@1",
        "random",
        "bikeshed",
        "Random",
        "re",
        "redd",
        " red",
        "red ",
        "rgb(1,2,3)",
        "none",
        "lightlightlightlightlightlightgrey",
        "r\xc3\xa9"
        "d",
        "#\x11\x11\x11\x11\x11\x11",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vd_rgb c = {1, 2, 3};
        if (vd_colour_parse(bad[i], &c) != -1)
            fail_msg("'%s' was taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),
        cmocka_unit_test(codes_stay_within_the_depth),
        cmocka_unit_test(matrices_without_such_a_form),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
