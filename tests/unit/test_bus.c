/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders and results on a broker that does as it should: librdkafka's mock cluster. */
#include "bus_fixture.h"

#include <jansson.h>

static struct mock mock;
static rd_kafka_t *producer;

static int open_mock(void **state)
{
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, PARTITIONS);
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

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct vd_bus *bus = bus_open(&mock);
    put_job(producer, 3, "first");
    put_job(producer, 3, "second");
    struct vd_message *first = bus_order(bus);
    assert_memory_equal(first->value, "first", 5);
    assert_int_equal(first->value_size, 5);
    put_job(producer, 4, "other");
    struct vd_message *other = bus_order(bus); /* not the second, which has been there for longer */
    assert_int_equal(other->partition, 4);
    bus_answer(bus, first);
    bus_expect(bus, VD_BUS_PUBLISHED);
    struct vd_message *second = bus_order(bus);
    assert_int_equal(second->partition, 3);
    assert_int_equal(second->offset, 1);
    assert_int_equal(bus_offset(bus, 3), 1);
    assert_int_equal(bus_offset(bus, 4), -1);
    vd_message_free(second);
    vd_message_free(other);
    vd_bus_close(bus, 5000);
}

static void check_result(void *opaque, const rd_kafka_message_t *record)
{
    bool *seen = opaque;
    char text[100], key[VD_JOB_ID];
    int partition;
    snprintf(key, sizeof key, "%.*s", (int)record->key_len, (const char *)record->key);
    assert_int_equal(sscanf(key, "job-%d-0", &partition), 1);
    snprintf(text, sizeof text, "{\"job\":\"%s\"}", key);
    assert_int_equal(record->len, strlen(text));
    assert_memory_equal(record->payload, text, record->len);
    snprintf(text, sizeof text, "%s/completed", key);
    assert_header(record, "ce_id", text);
    assert_header(record, "ce_subject", key);
    assert_header(record, "ce_type", "vidriera.job.completed.v1");
    assert_header(record, "ce_source", "unit");
    assert_header(record, "ce_specversion", "1.0");
    assert_header(record, "content-type", "application/json");
    assert_header(record, "traceparent", "");
    assert_false(seen[partition]);
    seen[partition] = true;
}

static void test_all_partitions(void **state)
{
    (void)state;
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *orders[PARTITIONS] = {NULL};
    bool seen[PARTITIONS] = {false};
    for (int i = 0; i < PARTITIONS; i++)
        put_job(producer, i, "{}");
    for (int i = 0; i < PARTITIONS; i++) {
        struct vd_message *order = bus_order(bus);
        assert_null(orders[order->partition]);
        orders[order->partition] = order;
    }
    for (int i = 0; i < PARTITIONS; i++)
        bus_answer(bus, orders[i]);
    assert_in_range(vd_bus_pending(bus), 1, PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        bus_expect(bus, VD_BUS_PUBLISHED);
    assert_int_equal(vd_bus_pending(bus), 0);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(bus_offset(bus, i), 1);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, check_result, seen), PARTITIONS);
    assert_int_equal(topic_each(&mock, VD_TOPIC_DLQ, NULL, NULL), 0);
}

static void test_many_in_order(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct vd_bus *bus = bus_open(&mock);
    for (int i = 0; i < MANY; i++)
        put_job(producer, i % 2, "{}");
    int next[2] = {0};
    for (int done = 0; done < MANY;) {
        struct vd_bus_event event = bus_wait(bus, LONG_MS);
        if (event.type == VD_BUS_ORDER) {
            assert_int_equal(event.message->offset, next[event.message->partition]++);
            bus_answer(bus, event.message);
            continue;
        }
        assert_int_equal(event.type, VD_BUS_PUBLISHED);
        vd_publication_free(event.publication);
        done++;
    }
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, NULL, NULL), MANY);
}

/* A worker that starts after another goes on where that one was. */
static void test_goes_on_after_restart(void **state)
{
    (void)state;
    put_job(producer, 0, "first");
    put_job(producer, 0, "second");
    struct vd_bus *bus = bus_open(&mock);
    bus_answer(bus, bus_order(bus));
    bus_expect(bus, VD_BUS_PUBLISHED);
    struct vd_message *unfinished = bus_order(bus);
    vd_bus_close(bus, 5000);
    bus = bus_open(&mock);
    struct vd_message *again = bus_order(bus);
    assert_int_equal(again->offset, unfinished->offset);
    vd_message_free(unfinished); /* it outlives its bus */
    vd_message_free(again);
    vd_bus_close(bus, 5000);
}

static void test_offset_alone(void **state)
{
    (void)state;
    put_job(producer, 0, "{}");
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *order = bus_order(bus);
    int mark;
    struct vd_publication_setup setup = {.message = order, .job = "twice", .opaque = &mark};
    vd_bus_publish(bus, vd_publication_create(&setup));
    vd_message_free(order);
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_PUBLISHED);
    assert_ptr_equal(vd_publication_opaque(event.publication), &mark);
    vd_publication_free(event.publication);
    assert_int_equal(bus_offset(bus, 0), 1);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, NULL, NULL), 0);
}

static void test_control(void **state)
{
    (void)state;
    client_put(producer, VD_TOPIC_CONTROL, "job-1", "{\"job\":\"job-1\",\"action\":\"cancel\"}");
    struct vd_bus *bus = bus_open(&mock);
    struct vd_bus_event event = bus_wait(bus, LONG_MS); /* what was said before the start counts */
    assert_int_equal(event.type, VD_BUS_CONTROL);
    assert_string_equal(event.job, "job-1");
    assert_string_equal(event.action, "cancel");
    struct capture capture;
    char said[2000];
    capture_begin(&capture, STDERR_FILENO);
    client_put(producer, VD_TOPIC_CONTROL, "job-1", "{\"action\":\"explode\"}");
    client_put(producer, VD_TOPIC_CONTROL, "job-1", "cancel");
    client_put(producer, VD_TOPIC_CONTROL, "", "{\"action\":\"cancel\"}");
    client_put(producer, VD_TOPIC_CONTROL, "job-1", NULL);
    event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_CONTROL);
    assert_string_equal(event.job, "job-1");
    assert_string_equal(event.action, "");
    vd_bus_close(bus, 5000);
    capture_end(&capture, said, sizeof said);
    assert_non_null(strstr(said, "vidriera.control: offset"));
}

static void test_clears_control(void **state)
{
    (void)state;
    put_job(producer, 0, "{}");
    struct vd_bus *bus = bus_open(&mock);
    struct vd_message *order = bus_order(bus);
    struct vd_publication_setup setup = {
        .message = order, .job = "gone", .result = "{}", .status = "cancelled", .clear_control = true};
    vd_bus_publish(bus, vd_publication_create(&setup));
    vd_message_free(order);
    bool published = false, cleared = false;
    while (!published || !cleared) {
        struct vd_bus_event event = bus_wait(bus, LONG_MS);
        published |= event.type == VD_BUS_PUBLISHED;
        cleared |= event.type == VD_BUS_CONTROL && strcmp(event.job, "gone") == 0 && !*event.action;
        assert_int_not_equal(event.type, VD_BUS_NOTHING);
        vd_publication_free(event.publication);
    }
    vd_bus_close(bus, 5000);
}

static void count_status(void *opaque, const rd_kafka_message_t *record)
{
    int *tombstones = opaque;
    assert_memory_equal(record->key, "job", 3);
    *tombstones += record->payload == NULL;
}

static void test_status(void **state)
{
    (void)state;
    int tombstones = 0;
    struct vd_bus *bus = bus_open(&mock);
    vd_bus_status(bus, "job", "{\"state\":\"running\"}");
    vd_bus_status(bus, "job", NULL);
    vd_bus_close(bus, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_STATUS, count_status, &tombstones), 2);
    assert_int_equal(tombstones, 1);
}

static void test_cluster(void **state)
{
    (void)state;
    struct vd_bus *bus = bus_open(&mock);
    struct vd_bus_event event = {0};
    while (event.type != VD_BUS_UP)
        vd_bus_next(bus, true, &event);
    assert_string_not_equal(vd_bus_cluster(bus), "");
    assert_non_null(strstr(vd_bus_cluster(bus), mock.pairs[0].value)); /* another mock's is another */
    vd_bus_close(bus, 5000);
}

int main(void)
{
#define BUS_TEST(test) cmocka_unit_test_setup_teardown(test, open_mock, close_mock)
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_one_at_a_time),         BUS_TEST(test_all_partitions), BUS_TEST(test_many_in_order),
        BUS_TEST(test_goes_on_after_restart), BUS_TEST(test_offset_alone),   BUS_TEST(test_control),
        BUS_TEST(test_clears_control),        BUS_TEST(test_status),         BUS_TEST(test_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
