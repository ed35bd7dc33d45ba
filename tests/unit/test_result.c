/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With --print: a document of each status, one a line, and those with "replay"; for the schema. */
#include "capture.h"

#include "vidriera/result.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

/* As a media process reports, bytes and digests by its parent included. */
static json_t *report_of(void)
{
    json_error_t why;
    json_t *report = json_loads(
        "{\"input\": {\"duration_s\": 1.5, \"frames\": 37, \"video\": {\"codec\": \"h264\", \"width\": 160, "
        "\"height\": "
        "90, \"pix_fmt\": \"yuv420p\"}, \"audio\": [{\"codec\": \"aac\", \"sample_rate\": 48000, \"channels\": 2, "
        "\"packets\": 70}], \"bytes\": 1000, \"digest\": \"xxh3-128:99aa06d3014798d86001c324468d497f\"}, "
        "\"output\": {\"container\": \"mp4\", \"frames\": 37, \"duration_s\": 1.5, \"width\": 160, \"height\": 90, "
        "\"codec\": \"h264\", \"encoder\": \"libx264\", \"pix_fmt\": \"yuv420p\", \"bytes\": 900, \"digest\": "
        "\"xxh3-128:00aa06d3014798d86001c324468d497f\"}, "
        "\"device\": {\"backend\": \"cpu\", \"decoder\": \"h264\", \"kernel\": \"avx2\", \"encoder\": \"libx264\", "
        "\"fallback\": null, \"copies_per_frame\": 0}, "
        "\"verify\": {\"frames_match\": true, \"audio_identical\": true, \"duration_drift_s\": 0.0}, "
        "\"dropped\": [\"a data stream\"], \"warnings\": [\"the source is damaged\"], "
        "\"metrics\": {\"wall_s\": 0.5, \"cpu_s\": 0.9, \"fps\": 74.0, \"speed\": 3.0, \"peak_rss_bytes\": 40000000}}",
        0, &why);
    if (!report)
        fail_msg("report: %s", why.text);
    return report;
}

static json_t *make(enum vd_status status, const json_t *report, const struct vd_err *err)
{
    struct vd_effect_params effect;
    vd_effect_defaults(&effect);
    json_t *meta = json_pack("{s:s}", "patient", "p1");
    struct vd_outcome outcome = {.status = status,
                                 .job = "j1",
                                 .session = "room",
                                 .input_root = "recordings",
                                 .input_path = "room/a.mp4",
                                 .output_root = "processed",
                                 .output_path = "room/a.mp4",
                                 .effect = &effect,
                                 .report = report,
                                 .err = err,
                                 .attempt = 2,
                                 .started = 1700000000.25,
                                 .finished = 1700000001.5,
                                 .worker = "w1",
                                 .meta = meta};
    json_t *document = vd_result_make(&outcome);
    json_decref(meta);
    assert_non_null(document);
    return document;
}

static const char *text_at(const json_t *object, const char *member, const char *inner)
{
    json_t *value = json_object_get(object, member);
    return json_string_value(inner ? json_object_get(value, inner) : value);
}

static void want_members(const json_t *document, const char *wanted)
{
    char names[400] = "";
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)document, name, value) {
        strcat(names, *names ? " " : "");
        strcat(names, name);
    }
    assert_string_equal(names, wanted);
}

static void statuses(void **state)
{
    static const char *const names[] = {"completed", "failed", "rejected", "cancelled"};
    enum vd_status status;
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_string_equal(vd_status_name((enum vd_status)i), names[i]);
        assert_int_equal(vd_status_parse(names[i], &status), 0);
        assert_int_equal(status, i);
    }
    assert_int_equal(vd_status_parse("done", &status), -1);
}

static void want_words(const json_t *words, const char *(*next)(int i), int count)
{
    assert_int_equal(json_array_size(words), count);
    for (int i = 0; i < count; i++)
        assert_string_equal(json_string_value(json_array_get(words, (size_t)i)), next(i));
}

static const char *code_name(int i)
{
    return vd_code_name((enum vd_code)(i + 1));
}

static const char *status_name(int i)
{
    return vd_status_name((enum vd_status)i);
}

/* The schema's words are the tables'. */
static void schema_words(void **state)
{
    json_t *codes, *effects, *outcomes;
    json_t *schema = json_load_file(VD_ROOT "/docs/schemas/vidriera.result.v1.json", 0, NULL);
    (void)state;
    assert_int_equal(json_unpack(schema, "{s:{s:{s:{s:{s:o}}}, s:{s:{s:{s:o}}}, s:{s:o}}}", "properties", "error",
                                 "properties", "code", "enum", &codes, "effect", "properties", "name", "enum", &effects,
                                 "status", "enum", &outcomes),
                     0);
    want_words(codes, code_name, VD_CONFIG);
    want_words(effects, vd_effect_name, 2);
    assert_null(vd_effect_name(2));
    want_words(outcomes, status_name, 4);
    json_decref(schema);
}

static void completed(void **state)
{
    json_t *report = report_of();
    struct vd_err none = {0};
    json_t *document = make(VD_COMPLETED, report, &none);
    (void)state;
    json_decref(report);
    want_members(document, "schema job status session input output effect device metrics verify dropped warnings "
                           "attempt started finished worker version meta");
    assert_string_equal(text_at(document, "schema", NULL), "vidriera.result.v1");
    assert_string_equal(text_at(document, "job", NULL), "j1");
    assert_string_equal(text_at(document, "status", NULL), "completed");
    assert_string_equal(text_at(document, "session", NULL), "room");
    assert_string_equal(text_at(document, "input", "root"), "recordings");
    assert_string_equal(text_at(document, "input", "digest"), "xxh3-128:99aa06d3014798d86001c324468d497f");
    assert_string_equal(text_at(document, "output", "root"), "processed");
    assert_string_equal(text_at(document, "output", "path"), "room/a.mp4");
    assert_string_equal(text_at(document, "effect", "left"), "#0000ff");
    assert_string_equal(text_at(document, "started", NULL), "2023-11-14T22:13:20.250Z");
    assert_string_equal(text_at(document, "finished", NULL), "2023-11-14T22:13:21.500Z");
    assert_string_equal(text_at(document, "worker", NULL), "w1");
    assert_string_equal(text_at(document, "meta", "patient"), "p1");
    assert_int_equal(json_integer_value(json_object_get(document, "attempt")), 2);
    json_decref(document);
}

static void rejected(void **state)
{
    struct vd_err err = {VD_USAGE, "", "job: unknown field \"foo\""};
    struct vd_outcome outcome = {.status = VD_REJECTED, .job = "j1", .input_root = "", .input_path = "", .err = &err};
    char before[32];
    vd_time_text((double)time(NULL), before);
    json_t *document = vd_result_make(&outcome);
    (void)state;
    want_members(document, "schema job status session input error attempt started finished worker version meta");
    assert_true(json_is_null(json_object_get(document, "session")));
    assert_true(json_is_null(json_object_get(json_object_get(document, "input"), "path")));
    assert_true(json_is_null(json_object_get(json_object_get(document, "input"), "root")));
    assert_string_equal(text_at(document, "error", "class"), "reject");
    assert_string_equal(text_at(document, "error", "code"), "usage");
    assert_string_equal(text_at(document, "error", "message"), "job: unknown field \"foo\"");
    assert_string_equal(text_at(document, "error", "stage"), "");
    assert_int_equal(json_object_size(json_object_get(document, "meta")), 0);
    char host[256] = "", after[32];
    gethostname(host, sizeof host - 1);
    vd_time_text((double)time(NULL) + 1, after);
    assert_string_equal(text_at(document, "worker", NULL), host);
    assert_true(strcmp(before, text_at(document, "finished", NULL)) <= 0);
    assert_true(strcmp(text_at(document, "finished", NULL), after) <= 0);
    json_decref(document);
}

/* The media was made and could not be published: what is known of it stays in the document. */
static void failed_late(void **state)
{
    json_t *report = report_of();
    struct vd_err err = {VD_IO, "commit", "the disk is full"};
    json_t *document = make(VD_FAILED, report, &err);
    (void)state;
    assert_string_equal(text_at(document, "status", NULL), "failed");
    assert_string_equal(text_at(document, "error", "class"), "host");
    assert_non_null(json_object_get(document, "verify"));
    json_decref(document);
    json_decref(report);
}

/* A name of other bytes than UTF-8 makes no document impossible. */
static void names_that_are_no_text(void **state)
{
    struct vd_outcome outcome = {.input_path = "na\xefve.mp4", .worker = "\xff"};
    json_t *document = vd_result_make(&outcome);
    (void)state;
    assert_true(json_is_null(json_object_get(json_object_get(document, "input"), "path")));
    assert_true(json_is_null(json_object_get(document, "worker")));
    json_decref(document);
}

static void times(void **state)
{
    char text[32];
    (void)state;
    vd_time_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    vd_time_text(951782400.9996, text);
    assert_string_equal(text, "2000-02-29T00:00:00.999Z");
    vd_time_text(-0.25, text);
    assert_string_equal(text, "1969-12-31T23:59:59.750Z");
}

static const struct vd_replay replay = {
    "cluster",        "vidriera.jobs",     11, INT64_C(1) << 40, UINT64_MAX, UINT64_C(1) << 63,
    INT64_C(5) << 32, 1700000000123456789,
};

static void replays(void **state)
{
    static const struct {
        const char *member, *value;
    } bad[] = {{"cluster", "1"},    {"topic", "null"},   {"partition", "2147483648"},
               {"partition", "-1"}, {"offset", "\"1\""}, {"offset", "-1"},
               {"dev", "1.5"},      {"inode", NULL},     {"bytes", "-1"},
               {"mtime_ns", "\"\""}};
    struct vd_replay got;
    struct vd_err none = {0};
    json_t *document = make(VD_COMPLETED, NULL, &none);
    (void)state;
    assert_int_equal(vd_replay_get(document, &got), -1);
    assert_int_equal(vd_replay_put(document, &replay), 0);
    char *text = json_dumps(document, 0);
    json_decref(document);
    document = json_loads(text, 0, NULL);
    assert_int_equal(vd_replay_get(document, &got), 0);
    assert_string_equal(got.cluster, replay.cluster);
    assert_string_equal(got.topic, replay.topic);
    assert_true(got.partition == replay.partition && got.offset == replay.offset && got.dev == replay.dev &&
                got.inode == replay.inode && got.bytes == replay.bytes && got.mtime_ns == replay.mtime_ns);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vd_replay_put(document, &replay);
        json_t *object = json_object_get(document, "replay");
        if (bad[i].value)
            json_object_set_new(object, bad[i].member, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(object, bad[i].member);
        if (vd_replay_get(document, &got) == 0)
            fail_msg("%s = %s was taken", bad[i].member, bad[i].value ? bad[i].value : "(nothing)");
    }
    char longer[300];
    memset(longer, 't', sizeof longer);
    vd_replay_put(document, &replay);
    json_object_set_new(json_object_get(document, "replay"), "topic", json_stringn(longer, sizeof longer));
    assert_int_equal(vd_replay_get(document, &got), -1);
    json_object_set_new(document, "replay", json_string("no object"));
    assert_int_equal(vd_replay_get(document, &got), -1);
    free(text);
    json_decref(document);
}

/* The event's text as a document. */
static json_t *event_of(const json_t *document)
{
    char *text = vd_result_event(document);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));
    assert_true(strlen(text) <= 512 * 1024);
    json_t *event = json_loads(text, 0, NULL);
    assert_non_null(event);
    free(text);
    return event;
}

static void events(void **state)
{
    json_t *report = report_of();
    struct vd_err none = {0};
    json_t *document = make(VD_COMPLETED, report, &none);
    (void)state;
    vd_replay_put(document, &replay);
    json_t *event = event_of(document), *before = json_deep_copy(document);
    assert_null(json_object_get(event, "replay"));
    assert_true(json_equal(before, document));
    json_object_del(document, "replay");
    assert_true(json_equal(event, document));
    json_decref(before);
    json_decref(event);
    json_decref(document);
    json_decref(report);
}

static json_t *lines(size_t count, size_t bytes)
{
    char *text = malloc(bytes);
    json_t *list = json_array();
    memset(text, 'w', bytes);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_stringn(text, bytes));
    free(text);
    return list;
}

static bool warns_of(const json_t *event, const char *what)
{
    size_t i;
    json_t *line;
    json_array_foreach (json_object_get(event, "warnings"), i, line)
        if (strstr(json_string_value(line), what))
            return true;
    return false;
}

static void large_events(void **state)
{
    json_t *report = report_of();
    struct vd_err none = {0};
    json_t *document = make(VD_COMPLETED, report, &none), *before;
    (void)state;
    json_object_set_new(document, "meta", json_pack("{s:o}", "large", lines(600, 1000)));
    json_object_set_new(document, "warnings", lines(100, 1000));
    before = json_deep_copy(document);
    json_t *event = event_of(document);
    assert_int_equal(json_object_size(json_object_get(event, "meta")), 0);
    assert_int_equal(json_array_size(json_object_get(event, "warnings")), 101);
    assert_true(warns_of(event, "meta is left out"));
    assert_true(json_equal(before, document));
    json_decref(event);

    json_object_set_new(document, "warnings", lines(300, 1000));
    json_object_set_new(document, "dropped", lines(300, 1000));
    event = event_of(document);
    assert_in_range(json_array_size(json_object_get(event, "dropped")), 60, 66);
    assert_in_range(json_array_size(json_object_get(event, "warnings")), 63, 69);
    assert_true(warns_of(event, "meta is left out") && warns_of(event, "warnings: the last 235 are left out") &&
                warns_of(event, "dropped: the last 235 are left out"));
    assert_string_equal(text_at(event, "output", "path"), "room/a.mp4");
    json_decref(event);
    json_decref(before);
    json_decref(document);
    json_decref(report);
}

static long allocations_left;

static void *failing_malloc(size_t size)
{
    if (allocations_left-- != 0)
        return malloc(size);
    errno = ENOMEM;
    return NULL;
}

/* The n-th allocation fails, for every n: a whole document or none, and nothing leaks. */
static void no_memory(void **state)
{
    json_t *report = report_of(), *document = NULL;
    struct vd_err err = {VD_IO, "commit", "the disk is full"};
    struct vd_outcome outcome = {
        .status = VD_FAILED, .job = "j", .report = report, .output_path = "a.mp4", .err = &err, .worker = "w"};
    long n = 0;
    (void)state;
    json_t *whole = vd_result_make(&outcome);
    json_set_alloc_funcs(failing_malloc, free);
    for (; !document; n++) {
        allocations_left = n;
        document = vd_result_make(&outcome);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(n > 20);
    json_object_del(whole, "finished");
    json_object_del(document, "finished");
    assert_true(json_equal(whole, document));
    json_decref(whole);
    json_decref(document);
    json_decref(report);
}

static int print(void)
{
    json_t *report = report_of();
    struct vd_err errors[] = {[VD_FAILED] = {VD_INPUT, "decode", "it is broken"},
                              [VD_REJECTED] = {VD_NO_INPUT, "open", "there is none"},
                              [VD_CANCELLED] = {VD_AGAIN, "", "cancelled"}};
    for (int status = VD_COMPLETED; status <= VD_CANCELLED; status++) {
        json_t *document = make((enum vd_status)status, status == VD_COMPLETED ? report : NULL, &errors[status]);
        json_dumpf(document, stdout, JSON_COMPACT);
        puts("");
        vd_replay_put(document, &replay);
        json_dumpf(document, stdout, JSON_COMPACT);
        puts("");
        json_decref(document);
    }
    struct vd_outcome unreadable = {.status = VD_REJECTED, .job = "vidriera.jobs-0-1", .err = &errors[VD_REJECTED]};
    json_t *document = vd_result_make(&unreadable);
    json_dumpf(document, stdout, JSON_COMPACT);
    puts("");
    json_decref(document);
    json_decref(report);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(schema_words),
        cmocka_unit_test(completed),
        cmocka_unit_test(rejected),
        cmocka_unit_test(failed_late),
        cmocka_unit_test(times),
        cmocka_unit_test(names_that_are_no_text),
        cmocka_unit_test(replays),
        cmocka_unit_test(events),
        cmocka_unit_test(large_events),
        cmocka_unit_test(no_memory),
    };
    if (argc == 2 && !strcmp(argv[1], "--print"))
        return print();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
