/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include "vidriera/job.h"

static void names(void **state)
{
    static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                          "medium",    "slow",      "slower",   "veryslow", "placebo"};
    enum vd_codec codec;
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_string_equal(vd_preset_name(i), presets[i]);
    assert_null(vd_preset_name(10));
    assert_null(vd_preset_name(-1));
    for (int i = VD_CODEC_AUTO; i <= VD_CODEC_AV1; i++) {
        assert_int_equal(vd_codec_parse(vd_codec_name((enum vd_codec)i), &codec), 0);
        assert_int_equal(codec, i);
    }
    assert_int_equal(vd_codec_parse("H264", &codec), -1);
}

/* What is sent arrives, every member with a value of its own. */
static void round_trip(void **state)
{
    struct vd_job job, back;
    struct vd_err err = {0};
    (void)state;
    vd_job_defaults(&job);
    job.recipe = (struct vd_recipe){
        .effect = {.name = "none", .left = {1, 2, 3}, .right = {253, 254, 255}, .strength = 0.1, .split = 3333},
        .codec = VD_CODEC_AV1,
        .preset = "placebo",
        .quality = 50.5};
    job.limits = (struct vd_limits){1, 2, 3, 4, INT64_C(5) << 40, 6, false};
    job.threads = 7;
    strcpy(job.container, "mkv");
    strcpy(job.extension, "3gp");
    job.decode_only = true;
    json_t *object = vd_job_to_json(&job);
    assert_non_null(object);
    assert_int_equal(vd_job_from_json(object, &back, &err), 0);
    json_t *again = vd_job_to_json(&back);
    assert_true(json_equal(object, again));
    assert_int_equal(back.recipe.effect.right.b, 255);
    assert_int_equal(back.limits.memory_bytes, INT64_C(5) << 40);
    assert_int_equal(back.threads, 7);
    assert_true(back.decode_only);
    json_decref(again);
    json_decref(object);
}

/* A file may be called anything. */
static void any_extension(void **state)
{
    struct vd_job job, back;
    (void)state;
    vd_job_defaults(&job);
    strcpy(job.extension, "mp\xff");
    json_t *object = vd_job_to_json(&job);
    assert_non_null(object);
    assert_int_equal(vd_job_from_json(object, &back, NULL), 0);
    assert_string_equal(back.extension, "");
    json_decref(object);
}

/* Each is one change to an order that is good: "member" or "member.member", and the value; nothing: it goes missing. */
static void refusals(void **state)
{
    static const struct {
        const char *object, *member, *value;
    } rows[] = {
        {NULL, "codec", "\"vp8\""},
        {NULL, "codec", NULL},
        {NULL, "codec", "1"},
        {NULL, "preset", "\"fastest\""},
        {NULL, "preset", "\"a preset whose name is far too long\""},
        {NULL, "quality", "52"},
        {NULL, "quality", "-1"},
        {NULL, "threads", "-1"},
        {NULL, "threads", "\"1\""},
        {NULL, "threads", "4294967297"},
        {NULL, "container", "\"exe\""},
        {NULL, "extension", "\"an extension that is too long\""},
        {NULL, "decode_only", "0"},
        {NULL, "surprise", "1"},
        {"limits", "pixels", "0"},
        {"limits", "surprise", "1"},
        {"limits", "stall_s", NULL},
        {"effect", "left", "[0, 0, 256]"},
        {"effect", "left", "[0, 0]"},
        {"effect", "left", "[0, 0, 0, 0]"},
        {"effect", "strength", "1.5"},
        {"effect", "split", "10001"},
        {"effect", "split", "-1"},
        {"effect", "name", "\"an effect whose name is too long\""},
        {"effect", "surprise", "1"},
    };
    struct vd_job job;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vd_err err = {0};
        vd_job_defaults(&job);
        json_t *object = vd_job_to_json(&job);
        json_t *inner = rows[i].object ? json_object_get(object, rows[i].object) : object;
        if (rows[i].value)
            json_object_set_new(inner, rows[i].member, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(inner, rows[i].member);
        if (vd_job_from_json(object, &job, &err) == 0)
            fail_msg("%s = %s was taken", rows[i].member, rows[i].value ? rows[i].value : "(nothing)");
        assert_int_equal(err.code, VD_DEFECT);
        json_decref(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(round_trip),
                                       cmocka_unit_test(any_extension), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
