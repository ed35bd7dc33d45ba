/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What passes for the work of a device, and every way in which one is known, or feared, to get a picture wrong. */
#include "judged.h"

enum { HEIGHT = 362 };

/* Takes nothing; changes a right picture, number 3 of the pattern, into what a broken device would make of it. */
typedef void spoil_fn(AVFrame *made, const struct vd_pattern *pattern);

static void each(AVFrame *frame, int (*code)(int plane, int x, int y, int was))
{
    for (int plane = 0; plane < 3; plane++) {
        struct vd_area area = vd_plane_area(frame, plane);
        for (int y = 0; y < area.height; y++)
            for (int x = 0; x < area.width; x++)
                set_code(frame, plane, x, y, code(plane, x, y, get_code(frame, plane, x, y)));
    }
}

static void tint_anew(AVFrame *made, const struct vd_pattern *pattern, const struct vd_effect_params *params,
                      const struct vd_layout *layout)
{
    AVFrame *plain = untinted(pattern, 3);
    assert_true(av_frame_copy(made, plain) >= 0);
    av_frame_free(&plain);
    tint_as(made, params, layout);
}

static void leave_as_it_is(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)made;
    (void)pattern;
}

static int shaken(int plane, int x, int y, int was)
{
    return was + (x * 7 + y * 13 + plane) % 5 - 2;
}

static void shake(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    each(made, shaken);
}

static int drowned(int plane, int x, int y, int was)
{
    (void)plane;
    return was + ((x + y) % 2 ? 40 : -40);
}

static void drown(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    each(made, drowned);
}

static void forget_tint(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    params.strength = 0;
    tint_anew(made, pattern, &params, &layout);
}

static void swap_halves(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    struct vd_rgb left = params.left;
    params.left = params.right;
    params.right = left;
    tint_anew(made, pattern, &params, &layout);
}

static void take_other_colour(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    params.right.g = 24;
    tint_anew(made, pattern, &params, &layout);
}

static void take_other_matrix(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    layout.matrix = AVCOL_SPC_BT709;
    tint_anew(made, pattern, &params, &layout);
}

static void take_other_range(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    layout.full_range = true;
    tint_anew(made, pattern, &params, &layout);
}

static void weaken(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    params.strength = 0.28;
    tint_anew(made, pattern, &params, &layout);
}

static void shift_middle(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    params.split += 40; /* 2.56 of 640 columns, one sample of colour */
    tint_anew(made, pattern, &params, &layout);
}

static void tint_twice(AVFrame *made, const struct vd_pattern *pattern)
{
    struct vd_effect_params params;
    const struct vd_layout layout = layout_of(pattern);
    vd_effect_defaults(&params);
    tint_as(made, &params, &layout);
}

/* What an encoder leaves below the picture has come into it: YUV of zeros, which is green. */
static void paint_stripe(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    for (int plane = 0; plane < 3; plane++) {
        struct vd_area area = vd_plane_area(made, plane);
        for (int y = area.height - (plane ? 1 : 2); y < area.height; y++)
            for (int x = 0; x < area.width; x++)
                set_code(made, plane, x, y, 0);
    }
}

static void paint_corner(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 8; x++)
            set_code(made, 0, x, y, 0);
}

/* Colour that begins some rows early: the height that a surface has, not the picture. */
static void shift_colour(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    for (int plane = 1; plane < 3; plane++) {
        struct vd_area area = vd_plane_area(made, plane);
        for (int y = 0; y + 3 < area.height; y++)
            for (int x = 0; x < area.width; x++)
                set_code(made, plane, x, y, get_code(made, plane, x, y + 3));
    }
}

static void swap_colours(AVFrame *made, const struct vd_pattern *pattern)
{
    (void)pattern;
    uint8_t *data = made->data[1];
    made->data[1] = made->data[2];
    made->data[2] = data;
}

static void lose_colour(AVFrame *made, const struct vd_pattern *pattern)
{
    int grey = 1 << (vd_format_depth(pattern->format) - 1);
    for (int plane = 1; plane < 3; plane++) {
        struct vd_area area = vd_plane_area(made, plane);
        for (int y = 0; y < area.height; y++)
            for (int x = 0; x < area.width; x++)
                set_code(made, plane, x, y, grey);
    }
}

static void come_late(AVFrame *made, const struct vd_pattern *pattern)
{
    AVFrame *before = tinted_right(pattern, 2);
    assert_true(av_frame_copy(made, before) >= 0);
    av_frame_free(&before);
}

static const struct row {
    const char *name;
    spoil_fn *spoil;
    const char *words; /* of what is said; NULL: it passes */
} rows[] = {
    {"right", leave_as_it_is, NULL},
    {"right, but for noise", shake, NULL},
    {"not tinted", forget_tint, "off by"},
    {"halves swapped", swap_halves, "left half is off by"},
    {"another colour", take_other_colour, "right half is off by"},
    {"another matrix", take_other_matrix, "half is off by"},
    {"another range", take_other_range, "half is off by"},
    {"weaker", weaken, "half is off by"},
    {"middle shifted", shift_middle, "off by"},
    {"tinted twice", tint_twice, "half is off by"},
    {"green stripe", paint_stripe, "off by"},
    {"black corner", paint_corner, "8x8 samples at 0,0"},
    {"colour shifted", shift_colour, "Cb is off by"},
    {"colours swapped", swap_colours, "Cb of the left half is off by"},
    {"no colour", lose_colour, "Cb of the left half is off by"},
    {"one picture late", come_late, "Y is off by"},
    {"ruined by noise", drown, "dB from what it ought to be"},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* The fourth of some pictures is the spoiled one: what is seen is not a mean of them all. */
static void judge_row(const struct row *row, int height, bool deep)
{
    const struct vd_pattern pattern = pattern_of(height, deep);
    struct vd_judge judge = {.what = "what it tints"};
    struct vd_err err = {0};
    int ret = 1;
    for (int i = 0; i < 5 && ret > 0; i++) {
        AVFrame *right = tinted_right(&pattern, i), *made = tinted_right(&pattern, i);
        if (i == 3)
            row->spoil(made, &pattern);
        ret = vd_judge_next(&judge, right, made, &err);
        av_frame_free(&right);
        av_frame_free(&made);
    }
    assert_int_equal(ret, row->words ? -1 : 1);
    if (!row->words)
        return;
    assert_int_equal(err.code, VD_UNAVAILABLE);
    if (!strstr(err.text, row->words) || !strstr(err.text, "what it tints is wrong: picture 4"))
        fail_msg("it says: %s", err.text);
}

static void judges(void **state)
{
    const struct row *row = *state;
    judge_row(row, 368, false);
    judge_row(row, HEIGHT, false);
    judge_row(row, HEIGHT, true);
}

static void assert_says(const AVFrame *right, const AVFrame *made, int pairs, const char *words)
{
    struct vd_judge judge = {.what = "what it tints", .apart.pairs = pairs};
    struct vd_err err = {0};
    assert_int_equal(vd_judge_next(&judge, right, made, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    if (!strstr(err.text, words))
        fail_msg("it says: %s", err.text);
}

static void counts_and_measures(void **state)
{
    const struct vd_pattern pattern = pattern_of(HEIGHT, false), higher = pattern_of(368, false),
                            deeper = pattern_of(HEIGHT, true);
    AVFrame *one = untinted(&pattern, 0), *high = untinted(&higher, 0), *deep = untinted(&deeper, 0);
    struct vd_judge judge = {.what = "what it tints", .apart.pairs = 5};
    (void)state;
    assert_says(one, NULL, 5, "fewer pictures");
    assert_says(NULL, one, 5, "more pictures");
    assert_says(NULL, NULL, 0, "fewer pictures");
    assert_says(one, high, 0, "picture 1 is 640x368 yuv420p instead of 640x362");
    assert_says(one, deep, 0, "yuv420p10le instead of");
    assert_int_equal(vd_judge_next(&judge, NULL, NULL, NULL), 0);
    av_frame_free(&one);
    av_frame_free(&high);
    av_frame_free(&deep);
}

int main(void)
{
    struct CMUnitTest tests[ROWS + 1];
    for (int i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){.name = rows[i].name, .test_func = judges, .initial_state = (void *)&rows[i]};
    tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(counts_and_measures);
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
