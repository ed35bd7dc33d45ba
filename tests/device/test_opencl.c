/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The opencl backend on PoCL: its pictures against the processor's, byte by byte, for every layout and wherever they lie,
 * the copies it counts, and what is said of each failure. The device's answers are bent by -Wl,--wrap.
 */
#include "opencl_answers.h"
#include "opencl_pictures.h"

#include <stdio.h>

/* copies: of one picture. held: somebody else has it, so that it must stay as it is. */
static void check(struct vd_device *device, const struct look *look, enum place place, bool held, int copies)
{
    struct vd_err err = {0};
    struct vd_device *cpu = device_at("cpu");
    struct vd_filter *theirs = filter_on(cpu, look), *ours = filter_on(device, look);
    AVBufferPool *pool = pool_for(look);
    for (uint32_t seed = 1; seed < 3; seed++) {
        AVFrame *frame = noise(look, place, pool, seed), *expected = noise(look, SCATTERED, NULL, seed);
        AVFrame *before = noise(look, SCATTERED, NULL, seed), *other = held ? av_frame_clone(frame) : NULL;
        const uint8_t *data = frame->data[0];
        int64_t copied = vd_filter_facts(ours).copies;
        bool moves = held || look->source != look->target || frame->width != picture_of(look).padded_width ||
                     frame->height != picture_of(look).padded_height;
        assert_int_equal(vd_filter_process(theirs, &expected, &err), 0);
        if (vd_filter_process(ours, &frame, &err) < 0)
            fail_msg("%s", err.text);
        assert_same_pixels(frame, expected);
        assert_int_equal(frame->pts, seed);
        assert_int_equal(vd_filter_facts(ours).copies - copied, copies);
        assert_int_equal(vd_filter_facts(ours).frames, seed);
        if (look->strength > 0)
            assert_int_equal(frame->data[0] != data, moves);
        if (held)
            assert_same_pixels(other, before);
        av_frame_free(&frame);
        av_frame_free(&expected);
        av_frame_free(&before);
        av_frame_free(&other);
    }
    assert_string_equal(vd_filter_facts(ours).kernel, "opencl-buffer");
    av_buffer_pool_uninit(&pool);
    vd_filter_close(theirs);
    vd_filter_close(ours);
    vd_device_close(cpu);
}

static void test_own_memory(void **state)
{
    struct vd_device *device = device_at("opencl");
    (void)state;
    for (int f = 0; f < FORMATS; f++)
        for (int s = 0; s < SIZES; s++)
            for (int edge = VD_EDGE_LEFT; edge <= VD_EDGE_BOTTOM; edge++) {
                struct look look = {formats[f], formats[f], sizes[s][0], sizes[s][1], (enum vd_edge)edge, 0.3, 1};
                check(device, &look, POOL, false, 0);
                check(device, &look, POOL, true, 0);
            }
    vd_device_close(device);
    assert_int_equal(made, 0);
}

static void test_other_places(void **state)
{
    struct vd_device *device = device_at("opencl");
    (void)state;
    for (int f = 0; f < FORMATS; f++)
        for (int edge = VD_EDGE_LEFT; edge <= VD_EDGE_BOTTOM; edge++) {
            struct look look = {formats[f], formats[f], 66, 34, (enum vd_edge)edge, 0.3, 1};
            check(device, &look, UPWARDS, false, 0);
            check(device, &look, UPWARDS, true, 0);
            for (int place = CROOKED; place <= SCATTERED; place++) {
                check(device, &look, (enum place)place, false, 2);
                check(device, &look, (enum place)place, true, 1); /* what comes out is in our own memory */
            }
        }
    vd_device_close(device);
    assert_int_equal(made, 0);
}

/* As on a card with memory of its own. */
static void test_device_apart(void **state)
{
    (void)state;
    apart = true;
    struct vd_device *device = device_at("opencl");
    apart = false;
    for (int f = 0; f < FORMATS; f++)
        for (int s = 0; s < SIZES; s++) {
            struct look look = {formats[f], formats[f], sizes[s][0], sizes[s][1], (enum vd_edge)(s % 4), 0.3, 1};
            check(device, &look, POOL, false, 2);
            check(device, &look, UPWARDS, false, 2);
            check(device, &look, SCATTERED, true, 2);
        }
    struct look grey = {AV_PIX_FMT_GRAY10, AV_PIX_FMT_YUV420P10, 161, 91, VD_EDGE_LEFT, 0.3, 1};
    check(device, &grey, POOL, false, 2);
    vd_device_close(device);
    assert_int_equal(made, 0);
}

static void test_grey(void **state)
{
    static const enum AVPixelFormat grey[][2] = {{AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P},
                                                 {AV_PIX_FMT_GRAY10, AV_PIX_FMT_YUV420P10},
                                                 {AV_PIX_FMT_GRAY12, AV_PIX_FMT_YUV420P12}};
    struct vd_device *device = device_at("opencl");
    (void)state;
    for (int f = 0; f < 3; f++)
        for (int s = 0; s < SIZES; s++)
            for (int edge = VD_EDGE_LEFT; edge <= VD_EDGE_BOTTOM; edge++) {
                struct look look = {grey[f][0], grey[f][1], sizes[s][0], sizes[s][1], (enum vd_edge)edge, 0.3, 1};
                check(device, &look, POOL, false, 0);
                check(device, &look, CROOKED, true, 1);
            }
    vd_device_close(device);
    assert_int_equal(made, 0);
}

/* Nothing is to be done, or only what the encoder's size asks for; and two fields, whose last rows are repeated apart. */
static void test_identity_and_fields(void **state)
{
    struct vd_device *device = device_at("opencl");
    (void)state;
    for (int f = 0; f < FORMATS; f++)
        for (int s = 0; s < SIZES; s++) {
            struct look look = {formats[f], formats[f], sizes[s][0], sizes[s][1], VD_EDGE_LEFT, 0, 1};
            check(device, &look, POOL, s & 1, 0);
            look.strength = 0.3;
            look.row_step = 2;
            check(device, &look, POOL, s & 1, 0);
        }
    vd_device_close(device);
}

/* More pictures at once than views are kept; a pool that is given up; frames that outlive everything. */
static void test_many_pictures(void **state)
{
    enum { PICTURES = 110 };
    struct look look = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, 64, 48, VD_EDGE_LEFT, 0.3, 1};
    struct vd_err err = {0};
    struct vd_device *device = device_at("opencl"), *cpu = device_at("cpu");
    struct vd_filter *filter = filter_on(device, &look), *theirs = filter_on(cpu, &look);
    AVFrame *frame[PICTURES] = {NULL}, *expected = NULL;
    (void)state;
    for (int round = 0; round < 3; round++) {
        AVBufferPool *pool = pool_for(&look);
        int before = made_views;
        for (int i = 0; i < PICTURES; i++) {
            av_frame_free(&frame[i]);
            frame[i] = noise(&look, POOL, pool, (uint32_t)i);
            assert_int_equal(vd_filter_process(filter, &frame[i], &err), 0);
            assert_true(made <= 96);
        }
        assert_int_equal(made_views - before, PICTURES);
        for (int i = 0; i < PICTURES; i++) {
            expected = noise(&look, SCATTERED, NULL, (uint32_t)i);
            assert_int_equal(vd_filter_process(theirs, &expected, &err), 0);
            assert_same_pixels(frame[i], expected);
            av_frame_free(&expected);
        }
        av_buffer_pool_uninit(&pool);
    }
    assert_int_equal(vd_filter_facts(filter).copies, 0);
    vd_filter_close(filter);
    vd_filter_close(theirs);
    vd_device_close(device);
    vd_device_close(cpu);
    assert_int_equal(made, 0);
    for (int i = 0; i < PICTURES; i++) {
        memset(frame[i]->data[0], 1, (size_t)frame[i]->linesize[0]);
        av_frame_free(&frame[i]);
    }
}

/* A view is made once for each buffer, and goes with the memory that the pool has given up. */
static void test_views_are_kept(void **state)
{
    struct look look = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, 64, 48, VD_EDGE_LEFT, 0.3, 1};
    struct vd_err err = {0};
    struct vd_device *device = device_at("opencl");
    struct vd_filter *filter = filter_on(device, &look);
    AVBufferPool *pool = pool_for(&look);
    AVFrame *frame;
    (void)state;
    int before = made_views;
    for (uint32_t i = 0; i < 50; i++) {
        frame = noise(&look, POOL, pool, i);
        assert_int_equal(vd_filter_process(filter, &frame, &err), 0);
        av_frame_free(&frame);
    }
    assert_int_equal(made_views - before, 1);
    assert_int_equal(made, 1);
    av_buffer_pool_uninit(&pool);
    pool = pool_for(&look);
    frame = noise(&look, POOL, pool, 1);
    assert_int_equal(vd_filter_process(filter, &frame, &err), 0);
    av_frame_free(&frame);
    assert_int_equal(made, 1);
    av_buffer_pool_uninit(&pool);
    vd_filter_close(filter);
    vd_device_close(device);
}

static void test_traits(void **state)
{
    static const char *const words[] = {"opencl", "opencl:0", "opencl:portable computing"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct vd_device *device = device_at(words[i]);
        const struct vd_device_traits *traits = vd_device_traits(device);
        assert_string_equal(traits->backend, "opencl");
        assert_int_equal(traits->family, VD_FAMILY_SOFTWARE);
        assert_int_equal(traits->surface, AV_PIX_FMT_NONE);
        assert_null(traits->hardware);
        assert_true(traits->model[0]);
        char by_name[200];
        snprintf(by_name, sizeof by_name, "opencl:%s", traits->model);
        vd_device_close(device);
        vd_device_close(device_at(by_name));
    }
}

/* After it a runtime may read no file, and start no compiler. */
static void test_opening_tries_all(void **state)
{
    (void)state;
    ran = 0;
    vd_device_close(device_at("opencl"));
    assert_int_equal(ran, WRITE | READ | MAP | UNMAP);
}

static void check_refusal(const char *words, const char *said)
{
    struct vd_err err = {0};
    assert_null(vd_device_open(words, &err));
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_string_equal(err.stage, "open");
    if (!strstr(err.text, said))
        fail_msg("not said: %s\nbut: %s", said, err.text);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refusal("opencl:99", "opencl:99: no such OpenCL device; take a number or a part of a name: 0 is ");
    check_refusal("opencl:-1", "opencl:-1: no such OpenCL device; ");
    check_refusal("opencl:nonsense", "opencl:nonsense: no such OpenCL device; ");
    no_platforms = -1001;
    check_refusal("opencl", "opencl: no OpenCL driver here; install the driver of your GPU");
    no_platforms = CL_OUT_OF_HOST_MEMORY;
    check_refusal("opencl", "opencl: its drivers cannot be listed: CL_OUT_OF_HOST_MEMORY; ");
    no_platforms = 0;
    no_devices = CL_DEVICE_NOT_FOUND;
    check_refusal("opencl:0", "opencl: no OpenCL device here; install ");
    no_devices = 0;
    no_build = CL_BUILD_PROGRAM_FAILURE;
    check_refusal("opencl", "the OpenCL kernel does not build: CL_BUILD_PROGRAM_FAILURE: ");
    no_build = 0;
    no_launch = CL_OUT_OF_RESOURCES;
    check_refusal("opencl", ": the kernels do not run: CL_OUT_OF_RESOURCES; see vidriera doctor");
    no_launch = 0;
    launch_ends = CL_OUT_OF_RESOURCES;
    check_refusal("opencl", ": the kernels do not run: CL_OUT_OF_RESOURCES; see vidriera doctor");
    launch_ends = 0;
    assert_int_equal(made, 0);
}

/* at: when that is known. */
static void check_launch_fails(cl_int *at)
{
    struct look look = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, 66, 34, VD_EDGE_LEFT, 0.3, 1};
    struct vd_device *device = device_at("opencl");
    for (int held = 0; held < 2; held++)
        for (int place = POOL; place <= SCATTERED; place++) {
            struct vd_filter *filter = filter_on(device, &look);
            AVBufferPool *pool = pool_for(&look);
            AVFrame *frame = noise(&look, (enum place)place, pool, 1), *other = held ? av_frame_clone(frame) : NULL;
            struct vd_err err = {0};
            *at = CL_OUT_OF_RESOURCES;
            assert_int_equal(vd_filter_process(filter, &frame, &err), -1);
            *at = 0;
            assert_null(frame);
            assert_int_equal(err.code, VD_UNAVAILABLE);
            assert_string_equal(err.stage, "effect");
            assert_non_null(strstr(err.text, "fails on a picture: CL_OUT_OF_RESOURCES; see vidriera doctor"));
            av_frame_free(&other);
            vd_filter_close(filter);
            av_buffer_pool_uninit(&pool);
        }
    check(device, &look, POOL, false, 0);
    vd_device_close(device);
    assert_int_equal(made, 0);
}

static void test_launch_fails(void **state)
{
    (void)state;
    check_launch_fails(&no_launch);
    check_launch_fails(&launch_ends);
}

/* 0 where the tests can run. */
static int available(void)
{
    struct vd_err err = {0};
    struct vd_device *device = vd_device_open("opencl", &err);
    if (!device)
        fprintf(stderr, "%s\n", err.text);
    vd_device_close(device);
    return device ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traits),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_own_memory),
        cmocka_unit_test(test_other_places),
        cmocka_unit_test(test_device_apart),
        cmocka_unit_test(test_grey),
        cmocka_unit_test(test_many_pictures),
        cmocka_unit_test(test_views_are_kept),
        cmocka_unit_test(test_launch_fails),
        cmocka_unit_test(test_identity_and_fields),
        cmocka_unit_test(test_opening_tries_all),
    };
    if (available() < 0)
        return getenv("CI") || getenv("OCL_ICD_VENDORS") ? 1 : 77; /* SKIP_RETURN_CODE; where PoCL is, it must open */
    return cmocka_run_group_tests_name("opencl", tests, NULL, NULL);
}
