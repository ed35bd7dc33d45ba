/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a cluster onto a board, and what people ask for. */
#include "tree.h"

#include "kafka.h"

#include "vidriera/news.h"
#include "vidriera/now.h"
#include "vidriera/state.h"

enum { WAIT_MS = 20000 };

static struct mock mock;
static rd_kafka_t *producer, *consumer;
static struct vd_board *board;
static struct vd_news *news;

static int make(void **state)
{
    static const struct vd_board_setup setup = {.kind = "watch", .worker = "unit", .patience_s = 1000};
    tree_make(state);
    mock_open(&mock);
    mock_topics(&mock, 1);
    producer = client_open(mock.pairs[0].value, RD_KAFKA_PRODUCER);
    consumer = client_open(mock.pairs[0].value, RD_KAFKA_CONSUMER);
    board = vd_board_create(&setup);
    assert_non_null(board);
    return 0;
}

static int drop(void **state)
{
    vd_news_stop(news);
    news = NULL;
    vd_board_destroy(board);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    mock_close(&mock);
    return tree_drop(state);
}

static void start(bool embedded)
{
    struct vd_err err = {0};
    mock.setup.embedded = embedded;
    if (vd_news_start(&news, &mock.setup, &roots, board, &err) < 0)
        fail_msg("%s", err.text);
}

/* "state" of the job, "+retry" and "+cancel" when it may; empty: it is not there. */
static void state_of(const char *name, char text[64])
{
    size_t i;
    json_t *look = vd_board_look(board, 0, true), *job;
    *text = 0;
    json_array_foreach (json_object_get(look, "jobs"), i, job)
        if (!strcmp(json_string_value(json_object_get(job, "job")), name))
            snprintf(text, 64, "%s%s%s", json_string_value(json_object_get(job, "state")),
                     json_is_true(json_object_get(job, "retry")) ? "+retry" : "",
                     json_is_true(json_object_get(job, "cancel")) ? "+cancel" : "");
    json_decref(look);
}

static void await_state(const char *name, const char *wanted)
{
    char got[64];
    uint64_t version = 0;
    for (double until = vd_monotonic() + WAIT_MS / 1000.0;;) {
        version = vd_board_await(board, version, 200);
        state_of(name, got);
        if (!strcmp(got, wanted))
            return;
        if (vd_monotonic() > until)
            fail_msg("%s: %s, and not %s", name, got, wanted);
    }
}

static const char *stamp(double seconds)
{
    static char text[32];
    vd_time_text(vd_wall() + seconds, text);
    return text;
}

static void put_json(enum vd_topic topic, const char *key, json_t *value)
{
    char *text = json_dumps(value, 0);
    client_put(producer, topic, key, text);
    free(text);
    json_decref(value);
}

static json_t *result(const char *job, const char *status)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "job", job, "status", status, "finished", stamp(1), "input",
                     "root", "recordings", "path", "a/x.mp4");
}

/* The next message of a topic. */
static rd_kafka_message_t *take(enum vd_topic topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, vd_topic_name(topic), 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, WAIT_MS);
    assert_non_null(message);
    assert_int_equal(message->err, 0);
    return message;
}

static void assert_retry_header(const rd_kafka_message_t *message, const char *origin)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_int_equal(rd_kafka_header_get_last(headers, "vidriera.retry", &value, &size), 0);
    assert_int_equal(size, strlen(origin));
    assert_memory_equal(value, origin, size);
}

static void a_job_goes_through(void **state)
{
    (void)state;
    client_put(producer, VD_TOPIC_JOBS, "job-1", "{\"id\":\"job-1\",\"input\":{\"path\":\"a/x.mp4\"}}");
    client_put(producer, VD_TOPIC_JOBS, "x", "{\"input\":{\"path\":\"a/y.mp4\"}}");
    client_put(producer, VD_TOPIC_JOBS, "x", "junk");
    client_put(producer, VD_TOPIC_JOBS, "x", NULL);
    start(false);
    await_state("job-1", "waiting+cancel");
    await_state("vidriera.jobs-0-1", "waiting");
    await_state("vidriera.jobs-0-2", "waiting");
    put_json(VD_TOPIC_STATUS, "job-1",
             json_pack("{s:s, s:s, s:i, s:i}", "state", "running", "time", stamp(0), "partition", 0, "offset", 0));
    await_state("job-1", "running+cancel");
    put_json(VD_TOPIC_STATUS, "job-2",
             json_pack("{s:s, s:s, s:i, s:i}", "state", "running", "time", stamp(0), "partition", 0, "offset", 1));
    await_state("job-2", "running+cancel");
    await_state("vidriera.jobs-0-1", "");
    put_json(VD_TOPIC_RESULTS, "job-1", result("job-1", "completed"));
    await_state("job-1", "completed");
    client_put(producer, VD_TOPIC_STATUS, "job-1", NULL);
    client_put(producer, VD_TOPIC_STATUS, "job-1", "junk");
    client_put(producer, VD_TOPIC_RESULTS, "job-1", "junk");
    client_put(producer, VD_TOPIC_RESULTS, "../x", "{}");
    /* what the broker did not take whole has no time of its own */
    put_json(VD_TOPIC_RESULTS, "job-3", json_pack("{s:s, s:s}", "job", "job-3", "status", "completed"));
    await_state("job-3", "completed");
    await_state("job-1", "completed");
}

static void put_letter(const char *job, const char *origin)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_DLQ)), RD_KAFKA_V_KEY("k", 1),
                                       RD_KAFKA_V_VALUE("{}", 2), RD_KAFKA_V_HEADER("vidriera.job", job, -1),
                                       RD_KAFKA_V_HEADER("vidriera.origin", origin, -1), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
}

static void a_letter_is_retried(void **state)
{
    struct vd_err err = {0};
    (void)state;
    put_json(VD_TOPIC_RESULTS, "job-1", result("job-1", "failed"));
    start(false);
    await_state("job-1", "failed");
    assert_int_equal(vd_news_retry(news, "job-1", &err), -1); /* not known of a letter */
    assert_int_equal(err.code, VD_NO_INPUT);
    put_letter("job-1", "vidriera.jobs-0-9");
    await_state("job-1", "failed+retry");
    if (vd_news_retry(news, "job-1", &err) < 0)
        fail_msg("%s", err.text);
    rd_kafka_message_t *message = take(VD_TOPIC_JOBS);
    assert_retry_header(message, "vidriera.jobs-0-9");
    rd_kafka_message_destroy(message);
    assert_int_equal(vd_news_retry(news, "nobody", &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
}

/* What is not read yet is not taken for nothing, nor what nobody may read. */
static void tells_what_is_read(void **state)
{
    (void)state;
    char queue[200] = "";
    bool read = false;
    rd_kafka_mock_topic_set_error(mock.cluster, vd_topic_name(VD_TOPIC_RESULTS),
                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    put_json(VD_TOPIC_STATUS, "job-1", json_pack("{s:s, s:s}", "state", "running", "time", stamp(0)));
    json_t *look = vd_board_look(board, 0, true);
    assert_true(json_is_false(json_object_get(look, "read")));
    json_decref(look);
    start(false);
    uint64_t version = 0;
    for (double until = vd_monotonic() + WAIT_MS / 1000.0; !read && vd_monotonic() < until;) {
        version = vd_board_await(board, version, 200);
        look = vd_board_look(board, 0, true);
        const char *words = json_string_value(json_object_get(json_object_get(look, "needs"), "queue"));
        read = json_is_true(json_object_get(look, "read"));
        snprintf(queue, sizeof queue, "%s", words ? words : "");
        if (read)
            assert_int_equal(json_array_size(json_object_get(look, "jobs")), 1);
        json_decref(look);
    }
    assert_true(read);
    assert_string_equal(queue, "vidriera.results cannot be read; allow this user Describe and Read on it");
}

static void cancels(void **state)
{
    struct vd_err err = {0};
    (void)state;
    client_put(producer, VD_TOPIC_JOBS, "job-1", "{\"id\":\"job-1\",\"input\":{\"path\":\"a/x.mp4\"}}");
    put_json(VD_TOPIC_RESULTS, "job-2", result("job-2", "completed"));
    start(false);
    await_state("job-1", "waiting+cancel");
    await_state("job-2", "completed");
    static const char *const others[] = {"job-2", "nobody", "../x"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(vd_news_cancel(news, others[i], &err), -1);
        assert_int_equal(err.code, VD_NO_INPUT);
    }
    if (vd_news_cancel(news, "job-1", &err) < 0)
        fail_msg("%s", err.text);
    rd_kafka_message_t *message = take(VD_TOPIC_CONTROL);
    assert_memory_equal(message->key, "job-1", 5);
    assert_non_null(strstr(message->payload, "\"cancel\""));
    rd_kafka_message_destroy(message);
}

/* The embedded broker has forgotten everything; the folders have not. */
static void an_embedded_broker_that_was_started_anew(void **state)
{
    struct vd_err err = {0};
    struct vd_replay replay = {.topic = "vidriera.jobs", .partition = 2, .offset = 4};
    (void)state;
    static const char *const jobs[][2] = {{"job-1", "failed"}, {"job-2", "completed"}};
    for (size_t i = 0; i < 2; i++) {
        json_t *made = result(jobs[i][0], jobs[i][1]);
        json_object_set_new(made, "session", json_string("a"));
        json_object_set_new(made, "meta", json_pack("{s:i}", "n", 1));
        json_object_set_new(made, "effect", json_pack("{s:s, s:f}", "name", "split_tint", "strength", 0.25));
        assert_int_equal(vd_replay_put(made, &replay), 0);
        json_object_set_new(
            json_object_get(made, "replay"), "order",
            json_pack("{s:{s:s, s:f}, s:s}", "output", "codec", "hevc", "quality", 21.0, "device", "cpu"));
        assert_int_equal(vd_done_write(&roots, made, &err), 0);
        json_decref(made);
    }
    start(true);
    await_state("job-1", "failed+retry");
    await_state("job-2", "completed");
    if (vd_news_retry(news, "job-1", &err) < 0)
        fail_msg("%s", err.text);
    rd_kafka_message_t *message = take(VD_TOPIC_JOBS);
    assert_retry_header(message, "vidriera.jobs-2-4");
    json_t *order = json_loadb(message->payload, message->len, 0, NULL),
           *wanted = json_pack("{s:s, s:{s:s, s:s}, s:s, s:{s:i}, s:{s:s, s:f}, s:{s:s, s:f}, s:s}", "id", "job-1",
                               "input", "root", "recordings", "path", "a/x.mp4", "session", "a", "meta", "n", 1,
                               "effect", "name", "split_tint", "strength", 0.25, "output", "codec", "hevc", "quality",
                               21.0, "device", "cpu");
    assert_true(json_equal(order, wanted));
    json_decref(order);
    json_decref(wanted);
    rd_kafka_message_destroy(message);
    assert_int_equal(vd_job_retry(&mock.setup, &roots, "job-2", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    assert_int_equal(vd_job_retry(&mock.setup, NULL, "job-1", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    /* one that does not tell how it was to be done */
    json_t *silent = result("job-4", "failed");
    assert_int_equal(vd_replay_put(silent, &replay), 0);
    assert_int_equal(vd_done_write(&roots, silent, &err), 0);
    json_decref(silent);
    assert_int_equal(vd_job_retry(&mock.setup, &roots, "job-4", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    assert_non_null(strstr(err.text, "makes no order"));
}

static void without_a_broker(void **state)
{
    const struct vd_pair nobody = {"bootstrap.servers", "127.0.0.1:1"}, wrong = {"no.such.setting", "1"};
    struct vd_bus_setup setup = {.kafka = &nobody, .count = 1};
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_news_start(&news, &setup, NULL, board, &err), 0);
    assert_int_equal(vd_job_cancel(&setup, "job-1", 300, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_int_equal(vd_job_retry(&setup, NULL, "job-1", 300, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    double before = vd_monotonic();
    json_t *look = vd_board_look(board, 0, true);
    assert_true(json_is_false(json_object_get(look, "read")));
    json_decref(look);
    vd_news_stop(news);
    assert_true(vd_monotonic() - before < 10);
    setup.kafka = &wrong;
    assert_int_equal(vd_news_start(&news, &setup, NULL, board, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_null(news);
    vd_news_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_goes_through, make, drop),
        cmocka_unit_test_setup_teardown(a_letter_is_retried, make, drop),
        cmocka_unit_test_setup_teardown(tells_what_is_read, make, drop),
        cmocka_unit_test_setup_teardown(cancels, make, drop),
        cmocka_unit_test_setup_teardown(an_embedded_broker_that_was_started_anew, make, drop),
        cmocka_unit_test_setup_teardown(without_a_broker, make, drop),
    };
    return cmocka_run_group_tests_name("news", tests, NULL, NULL);
}
