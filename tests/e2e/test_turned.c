/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Left is where the viewer's left is. Here the ffmpeg program turns the picture as a player does, so that this does not
 * rest on how inspect.c reads a display matrix.
 */
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct turn {
    const char *name;
    int a, b, c, d; /* u = v = 0; x and y follow */
};

static const struct turn turns[] = {
    {"not turned", 1, 0, 0, 1}, {"by 90", 0, 1, -1, 0},
    {"by 180", -1, 0, 0, -1},   {"by 270", 0, -1, 1, 0},
    {"mirrored", -1, 0, 0, 1},  {"upside down", 1, 0, 0, -1},
    {"transposed", 0, 1, 1, 0}, {"transposed otherwise", 0, -1, -1, 0},
};

static struct folder folder;
static struct outcome outcome;

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proc_forget(&outcome);
    folder_drop(&folder);
    return 0;
}

/* By how much red exceeds blue, on average, in columns from..to. */
static double redness(const uint8_t *rgb, int width, int height, int from, int to)
{
    double sum = 0;
    for (int y = 0; y < height; y++)
        for (int x = from; x < to; x++)
            sum += rgb[3 * (y * width + x)] - rgb[3 * (y * width + x) + 2];
    return sum / ((to - from) * height);
}

static void test_turn(void **state)
{
    const struct turn *turn = *state;
    const int32_t one = 1 << 16;
    make_by(&folder, "ff -f lavfi -i color=gray:s=192x144:r=25:d=0.2" X264 "in.mp4");
    const int32_t matrix[9] = {turn->a * one,
                               turn->b * one,
                               0,
                               turn->c * one,
                               turn->d * one,
                               0,
                               turn->a + turn->c < 0 ? (turn->a ? 192 : 144) * one : 0,
                               turn->b + turn->d < 0 ? (turn->a ? 144 : 192) * one : 0,
                               1 << 30};
    patch_display_matrix(folder_path(&folder, "in.mp4"), matrix);
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --progress none"));
    if (proc_code(&outcome) != 0)
        fail_msg("exit %d: %s", proc_code(&outcome), outcome.err);
    make_by(&folder, "ff -i out.mp4 -frames:v 1 seen.png");

    int width, height;
    uint8_t *rgb = inspect_picture(folder_path(&folder, "seen.png"), &width, &height);
    assert_non_null(rgb);
    double left = redness(rgb, width, height, 0, width / 2 - 2);
    double right = redness(rgb, width, height, width / 2 + 2, width);
    free(rgb);
    assert_int_equal(width, turn->a ? 192 : 144);
    if (left > -60 || right < 60)
        fail_msg("red over blue: %.0f in the left half, %.0f in the right", left, right);
}

int main(void)
{
    enum { COUNT = sizeof(turns) / sizeof(*turns) };
    static struct CMUnitTest tests[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){turns[i].name, test_turn, setup, teardown, (void *)(uintptr_t)&turns[i]};
    return _cmocka_run_group_tests("turned", tests, COUNT, NULL, NULL);
}
