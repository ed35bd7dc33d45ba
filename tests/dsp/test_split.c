/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plans and their application against a model that goes pixel by pixel: where does the viewer see this sample, and what
 * lies there? And the parameters that are refused.
 */
#include "formats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAD 5 /* bytes after each row that nobody may touch */

struct picture {
    struct vd_planes planes;
    int width[3], height[3], count; /* samples, both components of interleaved ones */
    size_t bytes[3];
};

static struct picture picture(const struct vd_layout *l)
{
    struct picture p = {.count = l->interleaved ? 2 : 3};
    for (int i = 0; i < p.count; i++) {
        p.width[i] = i ? (l->width + (1 << l->log2_chroma_w) - 1) / (1 << l->log2_chroma_w) : l->width;
        p.height[i] = i ? (l->height + (1 << l->log2_chroma_h) - 1) / (1 << l->log2_chroma_h) : l->height;
        if (i && l->interleaved)
            p.width[i] *= 2;
        p.planes.stride[i] = p.width[i] * (l->depth > 8 ? 2 : 1) + PAD;
        p.bytes[i] = (size_t)p.planes.stride[i] * (size_t)p.height[i];
        p.planes.data[i] = malloc(p.bytes[i]);
        assert_non_null(p.planes.data[i]);
    }
    return p;
}

static void free_picture(struct picture *p)
{
    for (int i = 0; i < p->count; i++)
        free(p->planes.data[i]);
}

static unsigned get(const struct picture *p, const struct vd_layout *l, int plane, int x, int y)
{
    const uint8_t *row = p->planes.data[plane] + y * p->planes.stride[plane];
    uint16_t word;
    if (l->depth == 8)
        return row[x];
    memcpy(&word, row + 2 * x, 2);
    return word >> l->shift;
}

static void put(struct picture *p, const struct vd_layout *l, int plane, int x, int y, unsigned code)
{
    uint8_t *row = p->planes.data[plane] + y * p->planes.stride[plane];
    uint16_t word = (uint16_t)(code << l->shift);
    if (l->depth == 8)
        row[x] = (uint8_t)code;
    else
        memcpy(row + 2 * x, &word, 2);
}

static void fill(struct picture *p, const struct vd_layout *l, uint32_t seed)
{
    for (int i = 0; i < p->count; i++) {
        memset(p->planes.data[i], 0x77, p->bytes[i]);
        for (int y = 0; y < p->height[i]; y++) {
            for (int x = 0; x < p->width[i]; x++) {
                seed = seed * 1664525 + 1013904223;
                put(p, l, i, x, y, seed >> (32 - l->depth));
            }
        }
    }
}

/* Does the viewer see luma sample (x, y) in the left part? */
static bool is_left(const struct vd_layout *l, int split, int x, int y)
{
    bool turned = l->left == VD_EDGE_TOP || l->left == VD_EDGE_BOTTOM;
    int shown_width = turned ? l->height : l->width;
    int shown_x = l->left == VD_EDGE_LEFT    ? x
                  : l->left == VD_EDGE_RIGHT ? l->width - 1 - x
                  : l->left == VD_EDGE_TOP   ? y
                                             : l->height - 1 - y;
    return shown_x < (int)floor(shown_width * (double)split / 10000 + 1e-9);
}

/* 2 all left, 0 all right, 1 some of both: of the luma samples that lie under this sample. */
static int side(const struct vd_layout *l, int split, int plane, int x, int y)
{
    if (plane && l->interleaved)
        x /= 2;
    int w = plane ? 1 << l->log2_chroma_w : 1, h = plane ? 1 << l->log2_chroma_h : 1;
    bool left = false, right = false;
    for (int j = y * h; j < (y + 1) * h && j < l->height; j++) {
        for (int i = x * w; i < (x + 1) * w && i < l->width; i++) {
            if (is_left(l, split, i, j))
                left = true;
            else
                right = true;
        }
    }
    return left && right ? 1 : left ? 2 : 0;
}

static void assert_tinted(const struct picture *out, const struct picture *in, const struct vd_layout *l,
                          const struct vd_effect_params *params)
{
    double left[3], right[3];
    assert_int_equal(vd_colour_codes(params->left, l->matrix, l->full_range, l->depth, left), 0);
    assert_int_equal(vd_colour_codes(params->right, l->matrix, l->full_range, l->depth, right), 0);

    for (int i = 0; i < out->count; i++) {
        for (int y = 0; y < out->height[i]; y++) {
            for (int x = 0; x < out->width[i]; x++) {
                int component = i && l->interleaved ? 1 + x % 2 : i, where = side(l, params->split, i, x, y);
                double tint = (where * left[component] + (2 - where) * right[component]) / 2;
                double want = (1 - params->strength) * get(in, l, i, x, y) + params->strength * tint;
                if (!(fabs(get(out, l, i, x, y) - want) <= 0.5 + 1 / 128.0))
                    fail_msg("%dx%d depth %d chroma %d,%d%s edge %d split %d: plane %d (%d,%d) is %u, not %.3f",
                             l->width, l->height, l->depth, l->log2_chroma_w, l->log2_chroma_h,
                             l->interleaved ? " interleaved" : "", l->left, params->split, i, x, y,
                             get(out, l, i, x, y), want);
            }
            const uint8_t *pad = out->planes.data[i] + (y + 1) * out->planes.stride[i] - PAD;
            for (int k = 0; k < PAD; k++)
                assert_int_equal(pad[k], 0x77);
        }
    }
}

static void check(const struct vd_layout *l, const struct vd_effect_params *params)
{
    struct vd_effect_plan plan;
    struct vd_err err;
    assert_int_equal(vd_effect_plan(&plan, params, l, &err), 0);
    assert_int_equal(plan.identity, params->strength == 0 || strcmp(params->name, "none") == 0);
    assert_int_equal(plan.wide, l->depth > 8);

    struct picture in = picture(l), out = picture(l);
    assert_int_equal(plan.planes, in.count);
    fill(&in, l, 1);
    fill(&out, l, 2);
    vd_effect_apply(&plan, &out.planes, &in.planes);
    if (plan.identity) {
        for (int i = 0; i < in.count; i++)
            assert_memory_equal(out.planes.data[i], in.planes.data[i], in.bytes[i]);
    } else {
        assert_tinted(&out, &in, l, params);
    }
    vd_effect_apply(&plan, &in.planes, &in.planes);
    for (int i = 0; i < in.count; i++)
        assert_memory_equal(out.planes.data[i], in.planes.data[i], in.bytes[i]);
    free_picture(&in);
    free_picture(&out);
}

static void every_size(const int sizes[][2], size_t n_sizes, const int *splits, size_t n_splits)
{
    struct vd_effect_params params;
    vd_effect_defaults(&params);
    for (size_t i = 0; i < N_FORMATS * n_sizes * n_splits * 4; i++) {
        struct vd_layout l = formats[i % N_FORMATS];
        l.left = (enum vd_edge)(i / N_FORMATS % 4);
        l.width = sizes[i / N_FORMATS / 4 % n_sizes][0];
        l.height = sizes[i / N_FORMATS / 4 % n_sizes][1];
        params.split = splits[i / N_FORMATS / 4 / n_sizes];
        check(&l, &params);
    }
}

static void small_pictures(void **state)
{
    (void)state;
    static int sizes[81][2], splits[23];
    for (int i = 0; i < 81; i++) {
        sizes[i][0] = 1 + i % 9;
        sizes[i][1] = 1 + i / 9;
    }
    for (int i = 0; i < 19; i++)
        splits[i] = i * 10000 / 18;
    memcpy(splits + 19, (const int[]){1, 4999, 5001, 9999}, 4 * sizeof splits[0]);
    every_size((const int(*)[2])sizes, 81, splits, 23);
}

static void real_pictures(void **state)
{
    (void)state;
    const int sizes[][2] = {{853, 479}, {175, 143}, {320, 180}, {66, 50}};
    const int splits[] = {0, 3333, 5000, 6000, 10000};
    every_size(sizes, 4, splits, 5);
}

static void other_parameters(void **state)
{
    (void)state;
    struct vd_effect_params params = {
        .name = "split-tint",
        .left = {12, 200, 99},
        .right = {255, 255, 255},
        .split = 4321,
    };
    for (size_t i = 0; i < N_FORMATS * 5; i++) {
        struct vd_layout l = formats[i % N_FORMATS];
        l.width = 101;
        l.height = 35;
        params.strength = (double)(i / N_FORMATS) / 4;
        check(&l, &params);
    }
    strcpy(params.name, "none");
    params.strength = 0.5;
    struct vd_layout l = {.width = 33, .height = 7, .depth = 8, .matrix = 14}; /* a matrix that a tint would refuse */
    check(&l, &params);
}

/* The text of the design, by hand. */
static void known_plans(void **state)
{
    (void)state;
    struct vd_effect_params params;
    vd_effect_defaults(&params);
    struct vd_layout l = {.width = 853, .height = 479, .depth = 8, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 1};
    struct vd_effect_plan plan;

    assert_int_equal(vd_effect_plan(&plan, &params, &l, NULL), 0);
    assert_memory_equal(plan.plane[0].n, ((int[]){426, 0, 427}), sizeof plan.plane[0].n);
    assert_memory_equal(plan.plane[1].n, ((int[]){213, 0, 214}), sizeof plan.plane[0].n);
    assert_int_equal(plan.plane[1].rows, 240);

    l.left = VD_EDGE_RIGHT;
    assert_int_equal(vd_effect_plan(&plan, &params, &l, NULL), 0);
    assert_memory_equal(plan.plane[0].n, ((int[]){427, 0, 426}), sizeof plan.plane[0].n);
    assert_memory_equal(plan.plane[2].n, ((int[]){213, 1, 213}), sizeof plan.plane[0].n);

    l.left = VD_EDGE_BOTTOM;
    assert_int_equal(vd_effect_plan(&plan, &params, &l, NULL), 0);
    assert_true(plan.plane[1].by_rows);
    assert_memory_equal(plan.plane[0].n, ((int[]){240, 0, 239}), sizeof plan.plane[0].n);
    assert_memory_equal(plan.plane[1].n, ((int[]){120, 0, 120}), sizeof plan.plane[0].n);

    l.left = VD_EDGE_LEFT;
    l.width = 1278;
    l.interleaved = true;
    assert_int_equal(vd_effect_plan(&plan, &params, &l, NULL), 0);
    assert_memory_equal(plan.plane[0].n, ((int[]){639, 0, 639}), sizeof plan.plane[0].n);
    assert_memory_equal(plan.plane[1].n, ((int[]){638, 2, 638}), sizeof plan.plane[0].n);
}

static void refused(void **state)
{
    (void)state;
    const struct vd_layout l = {.width = 16, .height = 16, .depth = 8, .matrix = 1};
    struct vd_layout ictcp = l;
    ictcp.matrix = 14;
    struct vd_effect_params good;
    vd_effect_defaults(&good);
    const struct vd_effect_params name = {.name = "sepia"};
    const struct vd_effect_params bad_strengths[] = {
        {.name = "split-tint", .strength = -0.01},
        {.name = "split-tint", .strength = 1.01},
        {.name = "none", .strength = NAN},
    };
    const struct vd_effect_params bad_splits[] = {
        {.name = "split-tint", .split = -1},
        {.name = "none", .split = 10001},
    };
    struct vd_effect_plan plan;
    struct vd_err err = {0};

    assert_true(vd_effect_plan(&plan, &name, &l, &err) < 0);
    assert_int_equal(err.code, VD_USAGE);
    assert_non_null(strstr(err.text, "sepia"));
    assert_non_null(strstr(err.text, "none or split-tint"));
    for (int i = 0; i < 3; i++) {
        assert_true(vd_effect_plan(&plan, &bad_strengths[i], &l, &err) < 0);
        assert_int_equal(err.code, VD_USAGE);
        assert_non_null(strstr(err.text, "strength"));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(vd_effect_plan(&plan, &bad_splits[i], &l, &err) < 0);
        assert_int_equal(err.code, VD_USAGE);
        assert_non_null(strstr(err.text, "split"));
    }
    assert_true(vd_effect_plan(&plan, &good, &ictcp, &err) < 0);
    assert_int_equal(err.code, VD_INPUT);
    assert_non_null(strstr(err.text, "14"));
}

static void table(void **state)
{
    (void)state;
    struct vd_effect_params params;
    vd_effect_defaults(&params);
    bool has_default = false;
    int i = 0;
    for (; vd_effect_name(i); i++) {
        assert_true(strlen(vd_effect_name(i)) < sizeof params.name);
        has_default |= strcmp(vd_effect_name(i), params.name) == 0;
    }
    assert_true(has_default);
    assert_int_equal(i, 2);
    assert_null(vd_effect_name(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_plans),      cmocka_unit_test(small_pictures), cmocka_unit_test(real_pictures),
        cmocka_unit_test(other_parameters), cmocka_unit_test(refused),        cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
