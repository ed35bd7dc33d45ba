/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the records look like: dead letters, trace, and what is too large for the broker. */
#include "bus_fixture.h"

static struct mock mock;
static rd_kafka_t *producer;

static int open_mock(void **state)
{
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    producer = client_open(mock.pairs[0].value, RD_KAFKA_PRODUCER);
    return 0;
}

static int close_mock(void **state)
{
    (void)state;
    rd_kafka_destroy(producer);
    mock_close(&mock);
    return 0;
}

static const char original[] = "not\0JSON\xff";

static void put_original(void)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_JOBS)),
                                       RD_KAFKA_V_KEY("k\0y", 3), RD_KAFKA_V_VALUE((void *)original, sizeof original),
                                       RD_KAFKA_V_HEADER("twice", "1", 1), RD_KAFKA_V_HEADER("twice", NULL, 0),
                                       RD_KAFKA_V_HEADER("vidriera.error.stage", "mine", 4), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

static void check_original(void *opaque, const rd_kafka_message_t *record)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    (void)opaque;
    assert_int_equal(record->key_len, 3);
    assert_memory_equal(record->key, "k\0y", 3);
    assert_int_equal(record->len, sizeof original);
    assert_memory_equal(record->payload, original, sizeof original);
    assert_int_equal(rd_kafka_message_headers(record, &headers), 0);
    assert_int_equal(rd_kafka_header_get_all(headers, 0, &name, &value, &size), 0);
    assert_string_equal(name, "twice");
    assert_int_equal(size, 1);
    assert_int_equal(rd_kafka_header_get_all(headers, 1, &name, &value, &size), 0);
    assert_string_equal(name, "twice");
    assert_null(value);
    assert_header(record, "vidriera.error.stage", "mine"); /* what is there is not touched */
    assert_header(record, "vidriera.error.code", "usage");
    assert_header(record, "vidriera.error.class", "reject");
    assert_header(record, "vidriera.error.message", "job: not JSON; send JSON");
    assert_header(record, "vidriera.error.attempt", "2");
    assert_header(record, "vidriera.error.worker", "unit");
    assert_header(record, "__connect.errors.topic", "vidriera.jobs");
    assert_header(record, "__connect.errors.partition", "0");
    assert_header(record, "__connect.errors.offset", "0");
    assert_header(record, "__connect.errors.exception.message", "job: not JSON; send JSON");
    assert_header(record, "vidriera.truncated", "");
}

static void check_rejected(void *opaque, const rd_kafka_message_t *record)
{
    (void)opaque;
    assert_memory_equal(record->key, "vidriera.jobs-0-0", record->key_len);
    assert_header(record, "ce_id", "vidriera.jobs-0-0/rejected");
    assert_header(record, "ce_type", "vidriera.job.rejected.v1");
    assert_header(record, "ce_dataschema", "vidriera.result.v1");
    assert_header(record, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

static void reject(struct vd_bus *bus, struct vd_message *order)
{
    struct vd_err err = {.code = VD_USAGE, .stage = "job", .text = "job: not JSON; send JSON"};
    struct vd_publication_setup setup = {
        .message = order,
        .job = "vidriera.jobs-0-0",
        .result = "{\"status\":\"rejected\"}",
        .status = "rejected",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .dead_letter = &err,
        .attempt = 2,
    };
    vd_bus_publish(bus, vd_publication_create(&setup));
    vd_message_free(order);
    bus_expect(bus, VD_BUS_PUBLISHED);
}

static void test_dead_letter(void **state)
{
    (void)state;
    put_original();
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *order = bus_order(bus);
    assert_int_equal(order->key_size, 3);
    assert_int_equal(order->value_size, sizeof original);
    assert_int_equal(order->header_count, 3);
    reject(bus, order);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_DLQ, check_original, NULL), 1);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, check_rejected, NULL), 1);
}

/* A job without key and value, as a tombstone is. */
static void check_empty(void *opaque, const rd_kafka_message_t *record)
{
    (void)opaque;
    assert_null(record->key);
    assert_null(record->payload);
    assert_header(record, "vidriera.error.stage", "job");
}

static void test_empty_dead_letter(void **state)
{
    (void)state;
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_JOBS)), RD_KAFKA_V_END), 0);
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    struct vd_bus *bus = bus_open(&mock);
    reject(bus, bus_order(bus));
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_DLQ, check_empty, NULL), 1);
}

enum { HUGE_BYTES = 50000 };

static void check_cut(void *opaque, const rd_kafka_message_t *record)
{
    const char *huge = opaque;
    assert_in_range(record->len, 1, 4000);
    assert_memory_equal(record->payload, huge, record->len);
    assert_header(record, "vidriera.truncated", "50000");
}

static void test_dead_letter_is_cut(void **state)
{
    (void)state;
    char huge[HUGE_BYTES + 1];
    for (int i = 0; i < HUGE_BYTES; i++)
        huge[i] = (char)('a' + i % 26);
    huge[HUGE_BYTES] = '\0';
    put_job(producer, 0, huge);
    struct vd_bus *bus = bus_open_with(&mock, &(struct vd_pair){"message.max.bytes", "4000"});
    reject(bus, bus_order(bus));
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_DLQ, check_cut, huge), 1);
}

static void check_short_result(void *opaque, const rd_kafka_message_t *record)
{
    char text[400];
    (void)opaque;
    snprintf(text, sizeof text, "%.*s", (int)record->len, (const char *)record->payload);
    assert_non_null(strstr(text, "\"job\":\"job-0-0\""));
    assert_non_null(strstr(text, "\"status\":\"completed\""));
    assert_non_null(strstr(text, "too large"));
}

/* The broker has a limit of its own. */
static void test_result_too_large(void **state)
{
    (void)state;
    put_job(producer, 0, "{}");
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *order = bus_order(bus);
    rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    bus_answer(bus, order);
    bus_expect(bus, VD_BUS_PUBLISHED);
    assert_int_equal(bus_offset(bus, 0), 1);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, check_short_result, NULL), 1);
}

/* Refused at any length: the offset goes on without it. */
static void test_never_small_enough(void **state)
{
    (void)state;
    enum { REFUSALS = 4 };
    put_job(producer, 0, "{}");
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *order = bus_order(bus);
    for (int i = 0; i < REFUSALS; i++)
        rd_kafka_mock_push_request_errors(mock.cluster, 0, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    bus_answer(bus, order);
    bus_expect(bus, VD_BUS_PUBLISHED);
    assert_int_equal(bus_offset(bus, 0), 1);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, NULL, NULL), 0);
}

int main(void)
{
#define BUS_TEST(test) cmocka_unit_test_setup_teardown(test, open_mock, close_mock)
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_dead_letter),      BUS_TEST(test_empty_dead_letter),  BUS_TEST(test_dead_letter_is_cut),
        BUS_TEST(test_result_too_large), BUS_TEST(test_never_small_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
