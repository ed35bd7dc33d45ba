/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times that rise, by the smallest shift, and jumps of a transport stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "compat.h"

enum { NONE = -1000000 };

static void check(const int64_t *in, const int64_t *out, int count, int missing, int risen)
{
    struct vd_clock clock;
    AVFrame *frame = av_frame_alloc();
    vd_clock_init(&clock, (AVRational){1, 1000}, (AVRational){1, 16000}, (AVRational){25, 1}, 0);
    for (int i = 0; i < count; i++) {
        frame->best_effort_timestamp = in[i] == NONE ? AV_NOPTS_VALUE : in[i];
        vd_frame_set_duration(frame, 40);
        assert_int_equal(vd_clock_stamp(&clock, frame), 640);
        assert_int_equal(frame->pts, out[i]);
    }
    assert_int_equal(clock.missing, missing);
    assert_int_equal(clock.risen, risen);
    av_frame_free(&frame);
}

static void test_rising_times_stay(void **state)
{
    static const int64_t in[] = {-7, 0, 33, 34, 1000}, out[] = {-112, 0, 528, 544, 16000};
    (void)state;
    check(in, out, 5, 0, 0);
}

static void test_missing_follow(void **state)
{
    static const int64_t in[] = {NONE, NONE, 100, NONE}, out[] = {0, 640, 1600, 2240};
    (void)state;
    check(in, out, 4, 3, 0);
}

static void test_equal_and_backward_move_least(void **state)
{
    static const int64_t in[] = {40, 40, 20, 41, 80}, out[] = {640, 641, 642, 656, 1280};
    (void)state;
    check(in, out, 5, 0, 2);
}

static void test_shift_and_usual_duration(void **state)
{
    struct vd_clock clock;
    AVFrame *frame = av_frame_alloc();
    (void)state;
    vd_clock_init(&clock, (AVRational){1, 1000}, (AVRational){1, 16000}, (AVRational){25, 1}, 8000);
    frame->best_effort_timestamp = -500;
    assert_int_equal(vd_clock_stamp(&clock, frame), 640); /* one of 25 a second */
    assert_int_equal(frame->pts, 0);
    av_frame_free(&frame);
}

/* In 1/1000 s: what goes in, and what comes out. */
static void check_splice(const int64_t (*times)[2], int count, int jumps)
{
    struct vd_splice splice = {0};
    for (int i = 0; i < count; i++)
        assert_int_equal(times[i][0] + vd_splice_offset(&splice, times[i][0], (AVRational){1, 1000}), times[i][1]);
    assert_int_equal(splice.jumps, jumps);
}

static void test_pause_stays(void **state)
{
    static const int64_t times[][2] = {{0, 0}, {40, 40}, {90000, 90000}, {90040, 90040}, {89990, 89990}};
    (void)state;
    check_splice(times, 5, 0);
}

/* Two streams jump back, one a packet after the other. */
static void test_jump_back_goes_on(void **state)
{
    static const int64_t times[][2] = {{95000000, 95000000}, {95000040, 95000040}, {500, 95000040},
                                       {95000060, 95000060}, {540, 95000080},      {560, 95000100}};
    (void)state;
    check_splice(times, 6, 1);
}

static void test_jump_back_twice(void **state)
{
    static const int64_t times[][2] = {{50000, 50000}, {100, 50000}, {30000, 79900}, {200, 79900}, {240, 79940}};
    (void)state;
    check_splice(times, 5, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rising_times_stay),
        cmocka_unit_test(test_missing_follow),
        cmocka_unit_test(test_equal_and_backward_move_least),
        cmocka_unit_test(test_shift_and_usual_duration),
        cmocka_unit_test(test_pause_stays),
        cmocka_unit_test(test_jump_back_goes_on),
        cmocka_unit_test(test_jump_back_twice),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
