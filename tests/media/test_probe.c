/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices that work and devices that do not, tried as auto and doctor try them. */
#include "scratch.h"

#include "src/device/backend.h"

#include "vidriera/dsp.h"
#include "vidriera/slot.h"

#include <libavutil/mem.h>

static const struct vd_limits *limits(void)
{
    static struct vd_job job;
    vd_job_defaults(&job);
    return &job.limits;
}

static const struct row {
    const char *name;
    struct vd_media_probe probe;
    const char *decoder, *encoder;
} rows[] = {
    {"h264 640x368", {640, 368, VD_CODEC_H264, false}, "h264", "libx264"},
    {"h264 640x362", {640, 362, VD_CODEC_AUTO, false}, "h264", "libx264"},
    {"hevc 640x368", {640, 368, VD_CODEC_HEVC, true}, "hevc", "libx265"},
    {"hevc 640x362", {640, 362, VD_CODEC_HEVC, true}, "hevc", "libx265"},
    {"av1 640x362", {640, 362, VD_CODEC_AV1, false}, "libdav1d", "libsvtav1"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char *text_of(const json_t *report, const char *member)
{
    const char *text = json_string_value(json_object_get(report, member));
    assert_non_null(text);
    return text;
}

static void assert_works(const json_t *report, const struct row *row)
{
    assert_int_equal(json_object_size(report), 7);
    assert_true(json_is_null(json_object_get(report, "model")));
    assert_string_equal(text_of(report, "decoder"), row->decoder);
    assert_string_equal(text_of(report, "encoder"), row->encoder);
    assert_string_equal(text_of(report, "kernel"), vd_dsp()->name);
    assert_int_equal(json_integer_value(json_object_get(report, "copies_per_frame")), 0);
    assert_true(json_number_value(json_object_get(report, "psnr")) > 35);
    assert_true(json_number_value(json_object_get(report, "tint_gb_per_s")) > 0);
}

static void processor_works(void **state)
{
    const struct row *row = *state;
    struct vd_err err = {0};
    json_t *report;
    struct vd_device *cpu = vd_device_open("cpu", &err);
    if (vd_media_probe(&row->probe, cpu, limits(), &report, &err) < 0)
        fail_msg("%s", err.text);
    assert_works(report, row);
    json_decref(report);
    vd_device_close(cpu);
}

/* ---- a device of the worst kind: host pictures, and what it does to them is a test's ---- */

static int open_nothing(struct vd_device *device, const char *place, struct vd_err *err)
{
    (void)device;
    (void)place;
    (void)err;
    return 0;
}

static void close_nothing(struct vd_device *device)
{
    (void)device;
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    filter->facts.kernel = "none";
    return vd_cpu_start(filter, &filter->own, err);
}

static void stop(struct vd_filter *filter)
{
    vd_cpu_stop(filter->own);
}

static int forget_tint(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    (void)filter;
    (void)frame;
    (void)err;
    return 0;
}

/* Even where nothing is to be done: as an encoder that takes in what lies below the picture. */
static int paint_stripe(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    if (vd_cpu_process(filter, filter->own, frame, err) < 0 || av_frame_make_writable(*frame) < 0)
        return -1;
    memset((*frame)->data[0] + (ptrdiff_t)((*frame)->height - 2) * (*frame)->linesize[0], 0,
           (size_t)(*frame)->linesize[0] * 2);
    return 0;
}

static int is_lost(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    (void)filter;
    av_frame_free(frame);
    return vd_fail(err, VD_UNAVAILABLE, "effect", "the device is lost: a test took it; plug it in");
}

static int is_busy(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    (void)filter;
    av_frame_free(frame);
    return vd_fail(err, VD_AGAIN, "effect", "the device is busy: a test has it; try again later");
}

static int has_no_memory(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    (void)filter;
    av_frame_free(frame);
    return vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
}

static const struct broken {
    const char *name;
    int (*process)(struct vd_filter *filter, AVFrame **frame, struct vd_err *err);
    enum vd_code code;
    const char *words;
} broken[] = {
    {"does not tint", forget_tint, VD_UNAVAILABLE, "what it tints is wrong: picture 1"},
    {"takes in a stripe", paint_stripe, VD_UNAVAILABLE, "what its encoder makes is wrong: picture 1"},
    {"fails", is_lost, VD_UNAVAILABLE, "the device is lost"},
    {"is busy", is_busy, VD_AGAIN, "the device is busy"},
    {"takes too much", has_no_memory, VD_UNAVAILABLE, "no memory for a picture"},
};

enum { BROKEN = sizeof broken / sizeof *broken };

static void is_refused(void **state)
{
    const struct broken *row = *state;
    const struct vd_backend backend = {.name = "broken",
                                       .words = "broken",
                                       .open = open_nothing,
                                       .close = close_nothing,
                                       .start = start,
                                       .process = row->process,
                                       .stop = stop};
    const struct vd_media_probe probe = {640, 362, VD_CODEC_H264, false};
    struct vd_device *device = av_mallocz(sizeof *device);
    struct vd_err err = {0};
    json_t *report;
    device->backend = &backend;
    device->traits = (struct vd_device_traits){
        .backend = backend.name, .family = VD_FAMILY_SOFTWARE, .surface = AV_PIX_FMT_NONE};
    assert_int_equal(vd_media_probe(&probe, device, limits(), &report, &err), -1);
    assert_null(report);
    if (err.code != row->code || !strstr(err.text, row->words))
        fail_msg("it says: %s", err.text);
    vd_device_close(device);
}

/* In a process that can open nothing any more: this program, started as a slot. */
static void works_locked_in(void **state)
{
    struct vd_slot slot;
    struct vd_slot_message message;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_slot_start(&slot, &(struct vd_slot_setup){.limits = limits(), .device = "cpu"}, &err), 0);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(vd_slot_probe(&slot, &rows[i].probe, limits()), 0);
        vd_slot_receive(&slot, &message);
        if (message.event == VD_SLOT_FAILED)
            fail_msg("%s: %s", rows[i].name, message.err.text);
        if (message.event == VD_SLOT_DIED)
            fail_msg("%s: it died: signal %d, status %d", rows[i].name, message.signal, message.status);
        assert_int_equal(message.event, VD_SLOT_DONE);
        assert_works(message.report, &rows[i]);
        json_decref(message.report);
    }
    assert_int_equal(vd_slot_finish(&slot), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return vd_slot_main();
    vd_media_log_init();
    struct CMUnitTest tests[ROWS + BROKEN + 1];
    for (int i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = processor_works, .initial_state = (void *)&rows[i]};
    for (int i = 0; i < BROKEN; i++)
        tests[ROWS + i] = (struct CMUnitTest){
            .name = broken[i].name, .test_func = is_refused, .initial_state = (void *)&broken[i]};
    tests[ROWS + BROKEN] = (struct CMUnitTest)cmocka_unit_test(works_locked_in);
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
