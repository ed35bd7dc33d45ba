/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include "vidriera/sender.h"

enum { WAIT_MS = 10000 };

static void assert_next(struct vd_follower *follower, const char *wanted_job, bool wanted_result, const char *state)
{
    char job[VD_JOB_ID];
    bool result;
    json_t *document;
    assert_int_equal(vd_follower_next(follower, WAIT_MS, job, &result, &document), 1);
    assert_string_equal(job, wanted_job);
    assert_int_equal(result, wanted_result);
    assert_string_equal(json_string_value(json_object_get(document, "state")), state);
    json_decref(document);
}

static void assert_nothing(struct vd_follower *follower)
{
    char job[VD_JOB_ID];
    bool result;
    json_t *document;
    assert_int_equal(vd_follower_next(follower, 0, job, &result, &document), 0);
    assert_null(document);
}

/* From the moment of opening: nothing of before, everything after. */
static void from_now_on(void **state)
{
    struct mock mock;
    struct vd_follower *follower;
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 3);
    rd_kafka_t *producer = client_open(mock.pairs[0].value, RD_KAFKA_PRODUCER);
    for (int i = 0; i < 20; i++) {
        char job[16];
        snprintf(job, sizeof job, "old-%d", i);
        client_put(producer, VD_TOPIC_RESULTS, job, "{\"state\":\"old\"}");
    }
    assert_int_equal(vd_follower_open(&follower, &mock.setup, WAIT_MS, &err), 0);
    client_put(producer, VD_TOPIC_STATUS, "job-1", "{\"state\":\"running\"}");
    assert_next(follower, "job-1", false, "running");
    client_put(producer, VD_TOPIC_RESULTS, "job-1", "{\"state\":\"done\"}");
    assert_next(follower, "job-1", true, "done");
    for (int i = 0; i < 20; i++) /* over all partitions */
        client_put(producer, VD_TOPIC_RESULTS, (char[]){'j', (char)('a' + i), '\0'}, "{\"state\":\"done\"}");
    for (int i = 0; i < 20; i++) {
        char job[VD_JOB_ID];
        bool result;
        json_t *document;
        assert_int_equal(vd_follower_next(follower, WAIT_MS, job, &result, &document), 1);
        assert_int_equal(job[0], 'j');
        json_decref(document);
    }
    assert_nothing(follower);
    vd_follower_close(follower);
    rd_kafka_destroy(producer);
    mock_close(&mock);
}

static void skips_nonsense(void **state)
{
    struct mock mock;
    struct vd_follower *follower;
    struct vd_err err;
    char endless[VD_JOB_ID + 1];
    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    mock_open(&mock);
    mock_topics(&mock, 1);
    rd_kafka_t *producer = client_open(mock.pairs[0].value, RD_KAFKA_PRODUCER);
    assert_int_equal(vd_follower_open(&follower, &mock.setup, WAIT_MS, &err), 0);
    client_put(producer, VD_TOPIC_STATUS, "job-1", NULL);
    client_put(producer, VD_TOPIC_STATUS, "job-1", "not JSON");
    client_put(producer, VD_TOPIC_STATUS, "job-1", "[1]");
    client_put(producer, VD_TOPIC_STATUS, endless, "{\"state\":\"running\"}");
    client_put(producer, VD_TOPIC_STATUS, "", "{\"state\":\"running\"}");
    client_put(producer, VD_TOPIC_STATUS, "job-2", "{\"state\":\"running\"}");
    assert_next(follower, "job-2", false, "running");
    vd_follower_close(follower);
    rd_kafka_destroy(producer);
    mock_close(&mock);
}

static void cannot_open(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"}, wrong = {"no.such.setting", "1"};
    struct vd_bus_setup setup = {.kafka = &pair, .count = 1};
    struct mock mock;
    struct vd_follower *follower;
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_follower_open(&follower, &setup, 300, &err), -1);
    assert_null(follower);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_non_null(strstr(err.text, "127.0.0.1:1 within 0.3 s"));
    assert_non_null(strstr(err.text, "Connection refused"));
    setup.kafka = &wrong;
    assert_int_equal(vd_follower_open(&follower, &setup, 300, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    mock_open(&mock);
    mock_topics(&mock, 1);
    rd_kafka_mock_topic_set_error(mock.cluster, "vidriera.status", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(vd_follower_open(&follower, &mock.setup, WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_non_null(strstr(err.text, "there is no topic vidriera.status"));
    mock_close(&mock);
    vd_follower_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(from_now_on), cmocka_unit_test(skips_nonsense),
                                       cmocka_unit_test(cannot_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
