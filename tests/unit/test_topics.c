/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real broker says of settings, and making topics, is tested on one: the mock cluster has no such requests. */
#include "kafka.h"

#include "topic_table.h"

#include "vidriera/topics.h"

struct told {
    char lines[4096];
    int good, bad;
};

static void tell(void *opaque, bool good, const char *line)
{
    struct told *told = opaque;
    size_t used = strlen(told->lines);
    snprintf(told->lines + used, sizeof told->lines - used, "%s\n", line);
    *(good ? &told->good : &told->bad) += 1;
}

static void fits(void **state)
{
    static const struct {
        struct vd_topic_setting setting;
        const char *value;
        bool fits;
    } rows[] = {
        {{"retention.ms", "-1", VD_SETTING_AT_LEAST, ""}, "-1", true},
        {{"retention.ms", "-1", VD_SETTING_AT_LEAST, ""}, "604800000", false},
        {{"retention.ms", "1000", VD_SETTING_AT_LEAST, ""}, "-1", true},
        {{"retention.ms", "1000", VD_SETTING_AT_LEAST, ""}, "1001", true},
        {{"retention.ms", "1000", VD_SETTING_AT_LEAST, ""}, "999", false},
        {{"segment.ms", "1000", VD_SETTING_AT_MOST, ""}, "999", true},
        {{"segment.ms", "1000", VD_SETTING_AT_MOST, ""}, "1001", false},
        {{"retention.ms", "1000", VD_SETTING_AT_MOST, ""}, "-1", false},
        {{"cleanup.policy", "compact,delete", VD_SETTING_SAME, ""}, "delete,compact", true},
        {{"cleanup.policy", "compact,delete", VD_SETTING_SAME, ""}, "compact", false},
        {{"cleanup.policy", "compact", VD_SETTING_SAME, ""}, "compact,delete", false},
        {{"cleanup.policy", "delete", VD_SETTING_SAME, ""}, "deleted", false},
        {{"cleanup.policy", "delete", VD_SETTING_SAME, ""}, "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (vd_topic_setting_fits(&rows[i].setting, rows[i].value) != rows[i].fits)
            fail_msg("%s: %s against %s", rows[i].setting.name, rows[i].value, rows[i].setting.value);
}

/* A table that its own check would complain of. */
static void table_fits_itself(void **state)
{
    (void)state;
    for (int i = 0; i < VD_TOPICS; i++) {
        const struct vd_topic_row *row = vd_topic_row((enum vd_topic)i);
        assert_true(row->partitions > 0);
        for (const struct vd_topic_setting *setting = row->settings; setting->name; setting++)
            assert_true(vd_topic_setting_fits(setting, setting->value));
    }
}

/* The mock would make what it is asked for. */
static void take_away(struct mock *mock, enum vd_topic topic)
{
    rd_kafka_mock_topic_set_error(mock->cluster, vd_topic_name(topic), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static void tells_missing(void **state)
{
    struct mock mock;
    struct told told = {0};
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    take_away(&mock, VD_TOPIC_JOBS);
    take_away(&mock, VD_TOPIC_DLQ);
    assert_int_equal(vd_topics_check(&mock.setup, false, 1000, tell, &told, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_string_equal(err.text, "kafka: missing: vidriera.jobs, vidriera.jobs.dlq; "
                                  "make what is missing with: vidriera topics --create");
    assert_non_null(strstr(told.lines, "vidriera.jobs: missing\n"));
    assert_non_null(strstr(told.lines, "vidriera.jobs.dlq: missing\n"));
    assert_null(strstr(told.lines, "vidriera.results: missing"));
    mock_close(&mock);
}

/* A broker that tells no settings is good enough, and said to be so; one that makes no topics is not. */
static void limited_broker(void **state)
{
    struct mock mock;
    struct told told = {0};
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 12);
    assert_int_equal(vd_topics_check(&mock.setup, true, 500, tell, &told, &err), 0);
    assert_int_equal(told.bad, VD_TOPICS);
    assert_non_null(strstr(told.lines, "vidriera.jobs: there; its settings cannot be read: "));
    take_away(&mock, VD_TOPIC_JOBS);
    assert_int_equal(vd_topics_check(&mock.setup, true, 500, tell, &told, &err), -1);
    assert_true(err.code == VD_CONFIG || err.code == VD_UNAVAILABLE);
    mock_close(&mock);
}

static void refused(void **state)
{
    struct mock mock;
    struct told told = {0};
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    rd_kafka_mock_topic_set_error(mock.cluster, "vidriera.jobs", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(vd_topics_check(&mock.setup, false, 2000, tell, &told, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_string_equal(err.text, "vidriera.jobs: it cannot be looked up: this user may not; "
                                  "allow it Describe on topic vidriera.jobs");
    mock_close(&mock);
}

static void no_broker(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"}, wrong = {"no.such.setting", "1"};
    struct vd_bus_setup setup = {.kafka = &pair, .count = 1};
    struct told told = {0};
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_topics_check(&setup, false, 300, tell, &told, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_non_null(strstr(err.text, "127.0.0.1:1 within 0.3 s"));
    assert_non_null(strstr(err.text, "Connection refused"));
    setup.kafka = &wrong;
    assert_int_equal(vd_topics_check(&setup, false, 300, tell, &told, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_int_equal(told.good + told.bad, 0);
}

static void embedded(void **state)
{
    struct vd_bus_setup setup = {.embedded = true};
    struct told told = {0};
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_topics_check(&setup, true, 0, tell, &told, &err), 0);
    assert_int_equal(told.good, VD_TOPICS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fits),          cmocka_unit_test(table_fits_itself),
                                       cmocka_unit_test(tells_missing), cmocka_unit_test(limited_broker),
                                       cmocka_unit_test(refused),       cmocka_unit_test(no_broker),
                                       cmocka_unit_test(embedded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
