/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include "vidriera/order.h"

#include <errno.h>

static struct vd_recipe usual(void)
{
    struct vd_job job;
    vd_job_defaults(&job);
    return job.recipe;
}

static int parse(struct vd_order *order, const char *text, struct vd_err *err)
{
    struct vd_recipe recipe = usual();
    return vd_order_parse(order, text, strlen(text), NULL, 0, &recipe, err);
}

/* What a row's headers and value are as a message. */
static int parse_row(struct vd_order *order, const json_t *row, struct vd_err *err)
{
    struct vd_recipe recipe = usual();
    struct vd_header headers[8];
    int count = 0;
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(row, "headers"), name, value) {
        assert_true(count < 8);
        headers[count++] = (struct vd_header){name, json_string_value(value), json_string_length(value)};
    }
    json_t *body = json_object_get(row, json_object_get(row, "order") ? "order" : "message");
    char *text = body ? json_dumps(body, JSON_COMPACT) : strdup(json_string_value(json_object_get(row, "text")));
    int ret = vd_order_parse(order, text, strlen(text), headers, count, &recipe, err);
    free(text);
    return ret;
}

/* orders.json, which the schema is held against as well. */
static void examples(void **state)
{
    json_error_t why;
    size_t i;
    json_t *row, *rows = json_load_file(VD_ROOT "/tests/unit/orders.json", JSON_REJECT_DUPLICATES, &why);
    (void)state;
    if (!rows)
        fail_msg("orders.json:%d: %s", why.line, why.text);
    json_array_foreach (rows, i, row) {
        struct vd_order order;
        struct vd_err err = {0};
        const char *name = json_string_value(json_object_get(row, "case"));
        const char *says = json_string_value(json_object_get(row, "says"));
        bool ok = parse_row(&order, row, &err) == 0;
        if (ok != json_is_true(json_object_get(row, "ok")))
            fail_msg("%s: %s %s", name, ok ? "taken" : "refused:", err.text);
        if (!ok && (err.code != VD_USAGE || !says || !strstr(err.text, says)))
            fail_msg("%s: says %s; wanted %s", name, err.text, says ? says : "words");
        if (ok != (order.meta != NULL))
            fail_msg("%s: meta is %sthere", name, ok ? "not " : "");
        vd_order_finish(&order);
    }
    assert_true(json_array_size(rows) > 100);
    json_decref(rows);
}

static const char *codec_name(int i)
{
    return i <= VD_CODEC_AV1 ? vd_codec_name((enum vd_codec)i) : NULL;
}

/* The schema's words are the tables'. */
static void schema_words(void **state)
{
    static const struct {
        const char *object, *field, *(*next)(int i);
    } rows[] = {
        {"effect", "name", vd_effect_name}, {"output", "codec", codec_name}, {"output", "preset", vd_preset_name}};
    json_t *schema = json_load_file(VD_ROOT "/docs/schemas/vidriera.job.v1.json", 0, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *words = NULL;
        assert_int_equal(json_unpack(schema, "{s:{s:{s:{s:{s:o}}}}}", "properties", rows[i].object, "properties",
                                     rows[i].field, "enum", &words),
                         0);
        for (size_t word = 0; word < json_array_size(words); word++)
            assert_string_equal(json_string_value(json_array_get(words, word)), rows[i].next((int)word));
        assert_null(rows[i].next((int)json_array_size(words)));
    }
    json_decref(schema);
}

static void every_field(void **state)
{
    struct vd_order order;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(parse(&order,
                           "{\"id\": \"j1\", \"input\": {\"root\": \"failed\", \"path\": \"s/a.mp4\"}, \"session\": "
                           "\"other\", \"effect\": {\"name\": \"none\", \"left\": \"#010203\", \"right\": \"White\", "
                           "\"strength\": 0.25, \"split\": 0.3333}, \"output\": {\"codec\": \"av1\", \"preset\": "
                           "\"slow\", \"quality\": 30.5}, \"device\": \"cuda:1\", \"meta\": {\"a\": [1]}}",
                           &err),
                     0);
    const struct vd_effect_params *effect = &order.recipe.effect;
    assert_string_equal(order.id, "j1");
    assert_string_equal(order.root, "failed");
    assert_string_equal(order.path, "s/a.mp4");
    assert_string_equal(order.session, "other");
    assert_string_equal(effect->name, "none");
    assert_true(effect->left.r == 1 && effect->left.g == 2 && effect->left.b == 3);
    assert_true(effect->right.r == 255 && effect->right.g == 255 && effect->right.b == 255);
    assert_true(effect->strength == 0.25);
    assert_int_equal(effect->split, 3333);
    assert_int_equal(order.recipe.codec, VD_CODEC_AV1);
    assert_string_equal(order.recipe.preset, "slow");
    assert_true(order.recipe.quality == 30.5);
    assert_string_equal(order.device, "cuda:1");
    assert_int_equal(json_array_size(json_object_get(order.meta, "a")), 1);
    vd_order_finish(&order);
    assert_null(order.meta);
    assert_string_equal(order.id, "");
}

/* Where the order is silent the recipe given holds, not the program's defaults. */
static void silence(void **state)
{
    static const char text[] = "{\"input\": {\"path\": \"room 1/x/a.mp4\"}, \"effect\": {\"split\": 0.75}}";
    struct vd_recipe recipe = {.effect = {.name = "none", .strength = 0.5, .split = 1}, .preset = "fast", .quality = 1};
    struct vd_order order;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_order_parse(&order, text, strlen(text), NULL, 0, &recipe, &err), 0);
    assert_string_equal(order.id, "");
    assert_string_equal(order.root, "recordings");
    assert_string_equal(order.session, "room 1");
    assert_string_equal(order.device, "");
    assert_string_equal(order.recipe.effect.name, "none");
    assert_true(order.recipe.effect.strength == 0.5);
    assert_int_equal(order.recipe.effect.split, 7500);
    assert_string_equal(order.recipe.preset, "fast");
    assert_int_equal(json_object_size(order.meta), 0);
    vd_order_finish(&order);
    assert_int_equal(parse(&order, "{\"input\": {\"path\": \"a.mp4\"}}", &err), 0);
    assert_string_equal(order.session, "");
    vd_order_finish(&order);
}

/* A rejection names its job by what can be read, wherever the fault is. */
static void what_is_left_of_a_refusal(void **state)
{
    static const struct {
        const char *text, *id, *root, *path, *session, *says;
    } rows[] = {
        {"{\"foo\": 1, \"id\": \"j\", \"input\": {\"path\": \"s/a.mp4\"}, \"bar\": 2}", "j", "recordings", "s/a.mp4",
         "s", "\"foo\""},
        {"{\"id\": \"j\", \"input\": {\"path\": \"../a.mp4\", \"root\": \"failed\"}}", "j", "failed", "", "", "path"},
        {"{\"id\": \"j\", \"input\": {\"path\": \"a.mp4\", \"root\": \"etc\"}}", "j", "", "a.mp4", "", "root"},
        {"{\"id\": \"a/b\", \"input\": {\"path\": \"a.mp4\"}}", "", "recordings", "a.mp4", "", "id"},
        {"{\"id\": \"j\", \"input\": {}, \"meta\": {\"a\": 1}}", "j", "recordings", "", "", "input.path: missing"},
        {"{\"id\": \"j\", \"input\": 5}", "j", "", "", "", "input: 5"},
        {"{\"id\": \"j\"}", "j", "", "", "", "input: missing"},
        {"{\"id\": \"j\", ", "", "", "", "", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vd_order order;
        struct vd_err err = {0};
        assert_int_equal(parse(&order, rows[i].text, &err), -1);
        assert_string_equal(order.id, rows[i].id);
        assert_string_equal(order.root, rows[i].root);
        assert_string_equal(order.path, rows[i].path);
        assert_string_equal(order.session, rows[i].session);
        assert_null(order.meta);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: says %s", rows[i].text, err.text);
    }
}

static int parse_bytes(const void *value, size_t size, struct vd_err *err)
{
    struct vd_recipe recipe = usual();
    struct vd_order order;
    int ret = vd_order_parse(&order, value, size, NULL, 0, &recipe, err);
    vd_order_finish(&order);
    return ret;
}

static void no_data(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(parse_bytes(NULL, 0, &err), -1);
    assert_int_equal(err.code, VD_USAGE);
    assert_non_null(strstr(err.text, "no data"));
    assert_int_equal(parse_bytes("", 0, &err), -1);
    assert_non_null(strstr(err.text, "no data"));
}

static void bytes_that_are_not_text(void **state)
{
    static const char *const bad[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8"};
    static const char nul[] = "{\"input\": {\"path\": \"a\0.mp4\"}}", after[] = "{\"input\": {\"path\": \"a.mp4\"}}\0";
    char text[100];
    struct vd_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int size = snprintf(text, sizeof text, "{\"input\": {\"path\": \"%s.mp4\"}}", bad[i]);
        assert_int_equal(parse_bytes(text, (size_t)size, &err), -1);
        size = snprintf(text, sizeof text, "{\"input\": {\"path\": \"a.mp4\"}, \"x-a\": \"%s\"}", bad[i]);
        assert_int_equal(parse_bytes(text, (size_t)size, &err), -1);
        assert_int_equal(err.code, VD_USAGE);
        assert_non_null(strstr(err.text, "UTF-8"));
    }
    assert_int_equal(parse_bytes(nul, sizeof nul - 1, &err), -1);
    assert_int_equal(parse_bytes(after, sizeof after - 1, &err), -1);
}

static void sizes(void **state)
{
    char *text = malloc(VD_ORDER_BYTES + 2);
    struct vd_err err = {0};
    (void)state;
    int used = sprintf(text, "{\"input\": {\"path\": \"a.mp4\"}, \"meta\": {\"a\": \"");
    memset(text + used, 'a', VD_ORDER_BYTES + 2 - (size_t)used);
    memcpy(text + VD_ORDER_BYTES - 3, "\"}} ", 4);
    assert_int_equal(parse_bytes(text, VD_ORDER_BYTES, &err), 0);
    assert_int_equal(parse_bytes(text, VD_ORDER_BYTES + 1, &err), -1);
    assert_int_equal(err.code, VD_USAGE);
    assert_non_null(strstr(err.text, "65537 bytes are too many; a job has 65536 at most"));
    free(text);
}

/* An order whose meta makes it so deep, as data of an event or alone. Brackets in text are no depth. */
static int parse_deep(int depth, bool event, struct vd_err *err)
{
    static const struct vd_header header = {"content-type", "application/cloudevents+json", 28};
    char text[400], open[40] = "", close[40] = "";
    struct vd_recipe recipe = usual();
    struct vd_order order;
    for (int i = 0; i < depth - 2; i++) {
        open[i] = '[';
        close[i] = ']';
    }
    int size = snprintf(text, sizeof text,
                        "%s{\"input\": {\"path\": \"[{[{[{[{[{[{[{[{[\\\"[{[{\"}, \"meta\": {\"a\": %s0%s}}%s",
                        event ? "{\"specversion\": \"1.0\", \"data\": " : "", open, close, event ? "}" : "");
    int ret = vd_order_parse(&order, text, (size_t)size, &header, event, &recipe, err);
    vd_order_finish(&order);
    return ret;
}

static void depths(void **state)
{
    struct vd_err err = {0};
    (void)state;
    for (int event = 0; event <= 1; event++) {
        assert_int_equal(parse_deep(VD_ORDER_DEPTH, event, &err), 0);
        assert_int_equal(parse_deep(VD_ORDER_DEPTH + 1, event, &err), -1);
        assert_int_equal(err.code, VD_USAGE);
        assert_non_null(strstr(err.text, "a job has 16 levels at most"));
    }
}

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define OTHER_PARENT "01-0000000000000000000000000000000a-0000000000000001-00"

static void want_trace(const struct vd_header *headers, int count, const char *text, const char *wanted)
{
    struct vd_recipe recipe = usual();
    struct vd_order order;
    vd_order_parse(&order, text, strlen(text), headers, count, &recipe, NULL);
    assert_string_equal(order.traceparent, wanted);
    vd_order_finish(&order);
}

static void traces(void **state)
{
    static const char job[] = "{\"input\": {\"path\": \"a.mp4\"}}";
    static const char event[] = "{\"specversion\": \"1.0\", \"traceparent\": \"" PARENT "\", \"data\": "
                                "{\"input\": {\"path\": \"a.mp4\"}}}";
    static const char *const bad[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        PARENT "-more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01",
    };
    struct vd_header headers[3] = {{"traceparent", PARENT "garbage", 55}};
    (void)state;
    want_trace(headers, 1, job, PARENT);
    want_trace(headers, 1, "no JSON", PARENT);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        headers[0] = (struct vd_header){"traceparent", bad[i], strlen(bad[i])};
        want_trace(headers, 1, job, "");
    }
    headers[0] = (struct vd_header){"traceparent", NULL, 0};
    want_trace(headers, 1, job, "");
    headers[0] = (struct vd_header){"ce_traceparent", PARENT, 55};
    want_trace(headers, 1, job, PARENT);
    headers[1] = (struct vd_header){"traceparent", OTHER_PARENT, 55};
    want_trace(headers, 2, job, OTHER_PARENT);
    headers[0] = (struct vd_header){"content-type", "application/cloudevents+json", 28};
    want_trace(headers, 1, event, PARENT);
    want_trace(headers, 2, event, OTHER_PARENT);
}

static void paths(void **state)
{
    static char longest[VD_ORDER_PATH + 1];
    struct vd_err err = {0};
    (void)state;
    memset(longest, 'n', VD_ORDER_PATH - 1);
    for (int i = 255; i < VD_ORDER_PATH - 1; i += 256)
        longest[i] = '/';
    assert_int_equal(vd_order_path_check(longest, &err), 0);
    strcat(longest, "n");
    assert_int_equal(vd_order_path_check(longest, &err), -1);
    assert_non_null(strstr(err.text, "at most 4095 bytes"));
    assert_int_equal(vd_order_path_check("s/..a/b..", &err), 0);
    assert_int_equal(vd_order_path_check("s/..", &err), -1);
    assert_int_equal(err.code, VD_USAGE);
    assert_int_equal(vd_order_path_check("s/.vidriera-final", &err), -1);
    assert_int_equal(vd_order_path_check("s/na\xefve.mp4", &err), -1);
    assert_string_equal(err.text, "s/na?ve.mp4: does not fit; give a name in UTF-8: rename the file or its folder");
}

/* parse(to_json(order)) is the order; only what differs from the recipe is said. */
static void want_round_trip(const char *text, const struct vd_recipe *recipe, const char *wanted)
{
    struct vd_order order, again;
    struct vd_err err = {0};
    assert_int_equal(vd_order_parse(&order, text, strlen(text), NULL, 0, recipe, &err), 0);
    json_t *object = vd_order_to_json(&order, recipe);
    char *said = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (strcmp(said, wanted) != 0)
        fail_msg("%s\nbecame %s\nwanted %s", text, said, wanted);
    free(said);
    said = json_dumps(object, JSON_COMPACT);
    assert_int_equal(vd_order_parse(&again, said, strlen(said), NULL, 0, recipe, &err), 0);
    assert_true(json_equal(order.meta, again.meta));
    json_decref(order.meta);
    json_decref(again.meta);
    order.meta = again.meta = NULL;
    char id[VD_JOB_ID], other[VD_JOB_ID];
    vd_job_id(&order, "", id);
    vd_job_id(&again, "", other);
    assert_string_equal(id, other); /* root, path, recipe */
    assert_string_equal(order.id, again.id);
    assert_string_equal(order.session, again.session);
    assert_string_equal(order.device, again.device);
    free(said);
    json_decref(object);
}

static void round_trips(void **state)
{
    static const char all[] =
        "{\"id\":\"j1\",\"input\":{\"root\":\"failed\",\"path\":\"s/"
        "a.mp4\"},\"session\":\"other\",\"effect\":{\"name\":"
        "\"none\",\"left\":\"#010203\",\"right\":\"#ffffff\",\"strength\":0.1,\"split\":0.3333},\"output\":{\"codec\":"
        "\"av1\",\"preset\":\"slow\",\"quality\":30.7},\"device\":\"cuda:1\",\"meta\":{\"a\":[1]}}";
    static const char least[] = "{\"input\":{\"path\":\"s/a.mp4\"}}";
    struct vd_recipe recipe = usual();
    (void)state;
    want_round_trip(least, &recipe, least);
    want_round_trip(all, &recipe, all);
    want_round_trip("{\"input\":{\"root\":\"recordings\",\"path\":\"s/a.mp4\"},\"session\":\"s\",\"effect\":{\"left\":"
                    "\"blue\",\"strength\":0.3},\"output\":{\"codec\":\"auto\",\"quality\":23},\"meta\":{},\"x-a\":1}",
                    &recipe, least);
    recipe.quality = 18;
    want_round_trip("{\"input\":{\"path\":\"a.mp4\"},\"output\":{\"quality\":23}}", &recipe,
                    "{\"input\":{\"path\":\"a.mp4\"},\"output\":{\"quality\":23.0}}");
}

static void job_ids(void **state)
{
    static const char *const others[] = {
        "{\"input\":{\"path\":\"s/b.mp4\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\",\"root\":\"failed\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"name\":\"none\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"left\":\"#0000fe\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"right\":\"#fe0000\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"strength\":0.30000000000000004}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"split\":0.5001}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"output\":{\"codec\":\"h264\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"output\":{\"preset\":\"slow\"}}",
        "{\"input\":{\"path\":\"s/a.mp4\"},\"output\":{\"quality\":23.5}}",
    };
    char id[VD_JOB_ID], other[VD_JOB_ID];
    struct vd_order order;
    (void)state;
    assert_int_equal(parse(&order, "{\"input\":{\"path\":\"s/a.mp4\"}}", NULL), 0);
    vd_job_id(&order, "xxh3-128:99aa06d3014798d86001c324468d497f", id);
    /* Whoever changes this processes every recording of every archive again. */
    assert_string_equal(id, "814ab79a569999d998dca6b78dd18174");
    assert_true(vd_job_id_valid(id));
    vd_job_id(&order, "xxh3-128:99aa06d3014798d86001c324468d497e", other);
    assert_string_not_equal(id, other);
    vd_order_finish(&order);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(parse(&order, others[i], NULL), 0);
        vd_job_id(&order, "xxh3-128:99aa06d3014798d86001c324468d497f", other);
        if (!strcmp(id, other))
            fail_msg("no other id: %s", others[i]);
        vd_order_finish(&order);
    }
    assert_int_equal(
        parse(&order, "{\"id\":\"j\",\"input\":{\"path\":\"s/a.mp4\"},\"session\":\"t\",\"meta\":{\"a\":1}}", NULL), 0);
    vd_job_id(&order, "xxh3-128:99aa06d3014798d86001c324468d497f", other);
    assert_string_equal(id, other); /* who asks, and why, makes no other recording */
    vd_order_finish(&order);
}

static long allocations_left;

static void *failing_malloc(size_t size)
{
    if (allocations_left-- != 0)
        return malloc(size);
    errno = ENOMEM;
    return NULL;
}

/* The n-th allocation fails, for every n: nothing leaks, and no order is refused for it. */
static void no_memory(void **state)
{
    static const char text[] = "{\"id\":\"j\",\"input\":{\"path\":\"s/a.mp4\"},\"effect\":{\"strength\":0.1,\"left\":"
                               "\"teal\"},\"output\":{\"quality\":1},\"device\":\"cpu\",\"meta\":{\"a\":[\"b\"]}}";
    struct vd_recipe recipe = usual();
    struct vd_order order;
    int failures = 0;
    json_t *object = NULL;
    (void)state;
    json_set_alloc_funcs(failing_malloc, free);
    for (long n = 0; !object; n++) {
        struct vd_err err = {0};
        allocations_left = n;
        if (parse(&order, text, &err) == 0) {
            object = vd_order_to_json(&order, &recipe);
            failures += !object;
        } else if (err.code != VD_AGAIN) {
            json_set_alloc_funcs(malloc, free);
            fail_msg("allocation %ld: %s", n, err.text);
        } else {
            failures++;
        }
        vd_order_finish(&order);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 20);
    assert_int_equal(json_object_size(object), 6);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(schema_words),
        cmocka_unit_test(every_field),
        cmocka_unit_test(silence),
        cmocka_unit_test(what_is_left_of_a_refusal),
        cmocka_unit_test(no_data),
        cmocka_unit_test(bytes_that_are_not_text),
        cmocka_unit_test(sizes),
        cmocka_unit_test(depths),
        cmocka_unit_test(traces),
        cmocka_unit_test(paths),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(job_ids),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
