/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a feed gives of a cluster, and dead letters that go back. */
#include "kafka.h"

#include "feed_inner.h"

#include "vidriera/log.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

enum { WAIT_MS = 10000, SLICE_MS = 100 };

static struct mock mock;
static rd_kafka_t *producer;
static struct vd_feed *feed;
static struct vd_feed_record record;

static int make(void **state)
{
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 2);
    producer = client_open(mock.pairs[0].value, RD_KAFKA_PRODUCER);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    vd_feed_close(feed, WAIT_MS);
    feed = NULL;
    rd_kafka_destroy(producer);
    mock_close(&mock);
    return 0;
}

static void open_feed(int history)
{
    struct vd_err err = {0};
    if (vd_feed_open(&feed, &mock.setup, history, &err) < 0)
        fail_msg("%s", err.text);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_at(enum vd_topic topic, int partition, const char *key, const char *text)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(topic)),
                                       RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, strlen(key)),
                                       RD_KAFKA_V_VALUE((void *)text, text ? strlen(text) : 0), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
}

/* Reads until all of before was given; how many of each topic there were. */
static void catch_up(int counts[VD_TOPICS])
{
    memset(counts, 0, VD_TOPICS * sizeof *counts);
    for (double end = seconds() + 20; !vd_feed_caught_up(feed);) {
        if (vd_feed_next(feed, SLICE_MS, &record))
            counts[record.topic]++;
        assert_true(seconds() < end);
    }
}

static void assert_record(enum vd_topic topic, const char *key, const char *value)
{
    assert_int_equal(vd_feed_next(feed, WAIT_MS, &record), 1);
    assert_int_equal(record.topic, topic);
    assert_int_equal(record.key_size, strlen(key));
    assert_memory_equal(record.key, key, strlen(key));
    assert_int_equal(record.value_size, value ? strlen(value) : 0);
    assert_int_equal(record.value == NULL, value == NULL);
    if (value)
        assert_memory_equal(record.value, value, strlen(value));
}

static void commit(int partition, int64_t offset)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", mock.pairs[0].value, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "vidriera", NULL, 0);
    rd_kafka_t *group = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, vd_topic_name(VD_TOPIC_JOBS), partition)->offset = offset;
    assert_int_equal(rd_kafka_commit(group, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(group);
}

/* The lag of a partition, once it is that. */
static void assert_lag(int partition, int64_t committed, int64_t end)
{
    struct vd_feed_lag lags[8];
    for (double until = seconds() + 20;;) {
        int count = vd_feed_lags(feed, lags, 8);
        if (count > partition && lags[partition].committed == committed && lags[partition].end == end)
            return;
        if (seconds() > until)
            fail_msg("partition %d of %d: %lld of %lld", partition, count,
                     count > partition ? (long long)lags[partition].committed : -1,
                     count > partition ? (long long)lags[partition].end : -1);
        vd_feed_next(feed, SLICE_MS, &record);
    }
}

static void gives_what_was_there_and_what_comes(void **state)
{
    int counts[VD_TOPICS];
    (void)state;
    for (int i = 0; i < 5; i++) {
        put_at(VD_TOPIC_JOBS, i % 2, "j", "{}");
        put_at(VD_TOPIC_RESULTS, i % 2, "r", "{}");
        put_at(VD_TOPIC_STATUS, i % 2, "s", "{}");
    }
    put_at(VD_TOPIC_DLQ, 0, "d", "{}");
    put_at(VD_TOPIC_CONTROL, 0, "c", "{}"); /* not for it */
    commit(0, 2);
    open_feed(500);
    assert_false(vd_feed_caught_up(feed));
    catch_up(counts);
    assert_int_equal(counts[VD_TOPIC_JOBS], 3); /* offset 2 of one, both of the other */
    assert_int_equal(counts[VD_TOPIC_RESULTS], 5);
    assert_int_equal(counts[VD_TOPIC_STATUS], 5);
    assert_int_equal(counts[VD_TOPIC_DLQ], 1);
    assert_int_equal(counts[VD_TOPIC_CONTROL], 0);
    put_at(VD_TOPIC_STATUS, 1, "job-1", "{\"state\":\"running\"}");
    assert_record(VD_TOPIC_STATUS, "job-1", "{\"state\":\"running\"}");
    assert_int_equal(record.partition, 1);
    assert_int_equal(record.offset, 2);
    assert_true(record.timestamp_ms > 0);
    assert_int_equal(record.header_count, 0);
    put_at(VD_TOPIC_STATUS, 1, "job-1", NULL);
    assert_record(VD_TOPIC_STATUS, "job-1", NULL);
    assert_int_equal(vd_feed_next(feed, 0, &record), 0);
    assert_true(vd_feed_caught_up(feed));
}

static void the_newest_of_the_history(void **state)
{
    int counts[VD_TOPICS];
    (void)state;
    for (int i = 0; i < 200; i++)
        put_at(VD_TOPIC_RESULTS, i % 2, "r", "{}");
    open_feed(40);
    catch_up(counts);
    assert_in_range(counts[VD_TOPIC_RESULTS], 40, 100);
    assert_int_equal(record.offset, 99);
}

static void tells_how_far_the_group_is(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        put_at(VD_TOPIC_JOBS, i % 2, "j", "{}");
    commit(1, 1);
    open_feed(10);
    assert_lag(0, 0, 3); /* none: the first that is there */
    assert_lag(1, 1, 3);
    commit(1, 3);
    put_at(VD_TOPIC_JOBS, 0, "j", "{}");
    assert_lag(1, 3, 3);
    assert_lag(0, 0, 4);
}

static void learns_of_a_topic_made_anew(void **state)
{
    struct vd_feed_lag lag = {0};
    (void)state;
    vd_feed_lag_learn(&lag, -1, 500, 700);
    assert_int_equal(lag.committed, 500);
    vd_feed_lag_learn(&lag, -1, 0, RD_KAFKA_OFFSET_INVALID); /* nothing is told */
    assert_int_equal(lag.committed, 500);
    assert_int_equal(lag.end, 700);
    vd_feed_lag_learn(&lag, 650, 0, 710);
    assert_int_equal(lag.committed, 650);
    assert_int_equal(lag.end, 710);
    vd_feed_lag_learn(&lag, -1, 0, 3); /* made anew, and the group knows nothing of it */
    assert_int_equal(lag.committed, 0);
    assert_int_equal(lag.end, 3);
    vd_feed_lag_learn(&lag, 2, 0, 4);
    assert_int_equal(lag.committed, 2);
    assert_int_equal(lag.end, 4);
}

/* No broker: nothing comes, nothing waits. When it is there, all is. */
static void a_broker_that_comes_late(void **state)
{
    struct vd_feed_lag lags[4];
    int counts[VD_TOPICS];
    (void)state;
    put_at(VD_TOPIC_RESULTS, 0, "r", "{}");
    assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), 0);
    double before = seconds();
    open_feed(10);
    assert_int_equal(vd_feed_next(feed, 300, &record), 0);
    assert_int_equal(vd_feed_lags(feed, lags, 4), 0);
    assert_false(vd_feed_caught_up(feed));
    assert_true(seconds() - before < 5);
    assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), 0);
    catch_up(counts);
    assert_int_equal(counts[VD_TOPIC_RESULTS], 1);
}

static void a_broker_that_goes_away(void **state)
{
    int counts[VD_TOPICS];
    (void)state;
    open_feed(10);
    catch_up(counts);
    assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), 0);
    assert_int_equal(vd_feed_next(feed, 500, &record), 0);
    assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), 0);
    put_at(VD_TOPIC_RESULTS, 0, "r", "{}");
    assert_record(VD_TOPIC_RESULTS, "r", "{}");
}

static void await_hearing(bool wanted)
{
    for (double until = seconds() + 30; vd_feed_hears(feed) != wanted; vd_feed_next(feed, SLICE_MS, &record))
        assert_true(seconds() < until);
}

/* Nothing is sent by it, and it knows whether somebody listens. */
static void hears_whether_a_broker_is_there(void **state)
{
    (void)state;
    assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), 0);
    open_feed(10);
    assert_int_equal(vd_feed_next(feed, 500, &record), 0);
    assert_false(vd_feed_hears(feed));
    assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), 0);
    await_hearing(true);
    assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), 0);
    await_hearing(false);
    assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), 0);
    await_hearing(true);
}

/* It counts as nothing to read, and is told once. */
static void a_topic_that_is_not_for_us(void **state)
{
    static const char words[] = "what vidriera.jobs.dlq tells of jobs is not shown: this user may not";
    struct capture capture;
    char said[4096];
    int counts[VD_TOPICS];
    (void)state;
    put_at(VD_TOPIC_RESULTS, 0, "r", "{}");
    rd_kafka_mock_topic_set_error(mock.cluster, vd_topic_name(VD_TOPIC_DLQ),
                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    capture_begin(&capture, STDERR_FILENO);
    open_feed(10);
    catch_up(counts);
    vd_feed_refused(feed, VD_TOPIC_DLQ);
    capture_end(&capture, said, sizeof said);
    assert_int_equal(counts[VD_TOPIC_RESULTS], 1);
    const char *told = strstr(said, words);
    assert_non_null(told);
    assert_null(strstr(told + 1, words));
}

static void cannot_open(void **state)
{
    const struct vd_pair wrong = {"no.such.setting", "1"};
    const struct vd_bus_setup setup = {.kafka = &wrong, .count = 1};
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_feed_open(&feed, &setup, 10, &err), -1);
    assert_null(feed);
    assert_int_equal(err.code, VD_CONFIG);
    vd_feed_close(NULL, 0);
}

/* --- dead letters */

static void put_letter(const char *key, const char *text, const char *job, const char *origin, const char *cut)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    rd_kafka_header_add(headers, "traceparent", -1, "00-11", -1);
    rd_kafka_header_add(headers, "vidriera.error.code", -1, "input", -1);
    rd_kafka_header_add(headers, "__connect.errors.topic", -1, "vidriera.jobs", -1);
    rd_kafka_header_add(headers, "__connect.errors.partition", -1, "1", -1);
    rd_kafka_header_add(headers, "__connect.errors.offset", -1, "77", -1);
    rd_kafka_header_add(headers, VD_RETRY_HEADER, -1, "vidriera.jobs-0-1", -1); /* it was one before */
    rd_kafka_header_add(headers, "vidriera.job", -1, job, -1);
    rd_kafka_header_add(headers, "vidriera.origin", -1, origin, -1);
    if (cut)
        rd_kafka_header_add(headers, "vidriera.truncated", -1, cut, -1);
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_DLQ)),
                                       RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)text, strlen(text)),
                                       RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
}

static void assert_header_is(int at, const char *name, const char *value)
{
    assert_true(at < record.header_count);
    assert_string_equal(record.headers[at].name, name);
    assert_int_equal(record.headers[at].size, strlen(value));
    assert_memory_equal(record.headers[at].value, value, strlen(value));
}

static void a_letter_goes_back(void **state)
{
    struct vd_err err = {0};
    (void)state;
    put_letter("anybody", "{\"old\":1}", "job-1", "vidriera.jobs-1-5", NULL);
    put_letter("anybody", "{\"new\":1}", "job-1", "vidriera.jobs-1-9", NULL);
    put_letter("other", "{}", "job-2", "vidriera.jobs-0-3", NULL);
    if (vd_letter_retry(&mock.setup, "job-1", WAIT_MS, &err) < 0)
        fail_msg("%s", err.text);
    open_feed(0);
    do
        assert_int_equal(vd_feed_next(feed, WAIT_MS, &record), 1);
    while (record.topic != VD_TOPIC_JOBS);
    assert_memory_equal(record.key, "anybody", 7);
    assert_int_equal(record.value_size, 9);
    assert_memory_equal(record.value, "{\"new\":1}", 9);
    assert_int_equal(record.header_count, 2);
    assert_header_is(0, "traceparent", "00-11");
    assert_header_is(1, VD_RETRY_HEADER, "vidriera.jobs-1-9");
}

/* Behind so many others that it is not among those that are looked at first. */
static void an_old_one_among_many(void **state)
{
    enum { OTHERS = 1100 };
    struct vd_err err = {0};
    int counts[VD_TOPICS];
    (void)state;
    put_letter("k", "{\"n\":1}", "job-1", "vidriera.jobs-1-5", NULL);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_DLQ)),
                                           RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_VALUE("{}", 2),
                                           RD_KAFKA_V_HEADER("vidriera.job", "job-2", -1), RD_KAFKA_V_END),
                         0);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
    if (vd_letter_retry(&mock.setup, "job-1", WAIT_MS, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(vd_letter_retry(&mock.setup, "job-3", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    open_feed(0);
    catch_up(counts);
    assert_int_equal(counts[VD_TOPIC_JOBS], 1);
}

/* It takes connections and says nothing. All waiting is over at the deadline, of the search and of its end. */
static void a_broker_that_is_silent(void **state)
{
    enum { TIMEOUT_MS = 1200, MORE_MS = 700 };
    struct vd_err err = {0};
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    char address[64];
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size) | listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    const struct vd_pair silent = {"bootstrap.servers", address};
    const struct vd_bus_setup setup = {.kafka = &silent, .count = 1};
    double before = seconds();
    assert_int_equal(vd_letter_retry(&setup, "job-1", TIMEOUT_MS, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_non_null(strstr(err.text, "no answer from 127.0.0.1"));
    assert_true(seconds() - before < (TIMEOUT_MS + MORE_MS) / 1000.0);
    close(fd);
}

static void no_letter(void **state)
{
    struct vd_err err = {0};
    const struct vd_pair nobody = {"bootstrap.servers", "127.0.0.1:1"};
    const struct vd_bus_setup away = {.kafka = &nobody, .count = 1};
    (void)state;
    assert_int_equal(vd_letter_retry(&mock.setup, "job-1", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    put_letter("job-1", "{", "job-1", "vidriera.jobs-0-1", "100000");
    assert_int_equal(vd_letter_retry(&mock.setup, "job-1", WAIT_MS, &err), -1);
    assert_int_equal(err.code, VD_INPUT);
    double before = seconds();
    assert_int_equal(vd_letter_retry(&away, "job-1", 300, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_int_equal(vd_order_again(&away, "job-1", "{}", "vidriera.jobs-0-1", 300, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_true(seconds() - before < 5);
}

static void an_order_made_anew(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_order_again(&mock.setup, "job-1", "{\"id\":\"job-1\"}", "vidriera.jobs-0-4", WAIT_MS, &err), 0);
    open_feed(0);
    assert_record(VD_TOPIC_JOBS, "job-1", "{\"id\":\"job-1\"}");
    assert_int_equal(record.header_count, 2);
    assert_header_is(1, VD_RETRY_HEADER, "vidriera.jobs-0-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_what_was_there_and_what_comes, make, drop),
        cmocka_unit_test_setup_teardown(the_newest_of_the_history, make, drop),
        cmocka_unit_test_setup_teardown(tells_how_far_the_group_is, make, drop),
        cmocka_unit_test(learns_of_a_topic_made_anew),
        cmocka_unit_test_setup_teardown(a_broker_that_comes_late, make, drop),
        cmocka_unit_test_setup_teardown(a_broker_that_goes_away, make, drop),
        cmocka_unit_test_setup_teardown(hears_whether_a_broker_is_there, make, drop),
        cmocka_unit_test_setup_teardown(a_topic_that_is_not_for_us, make, drop),
        cmocka_unit_test_setup_teardown(cannot_open, make, drop),
        cmocka_unit_test_setup_teardown(a_letter_goes_back, make, drop),
        cmocka_unit_test_setup_teardown(an_old_one_among_many, make, drop),
        cmocka_unit_test_setup_teardown(a_broker_that_is_silent, make, drop),
        cmocka_unit_test_setup_teardown(no_letter, make, drop),
        cmocka_unit_test_setup_teardown(an_order_made_anew, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
