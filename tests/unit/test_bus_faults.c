/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a broker can do to a worker: refuse, go away, give its partitions to others. */
#include "bus_fixture.h"

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

/* As Kafka's protocol numbers its requests. */
enum { PRODUCE = 0, ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END_TXN = 26, TXN_OFFSET_COMMIT = 28 };

static void test_refused_requests(void **state)
{
    static const struct {
        int16_t request;
        rd_kafka_resp_err_t first, second; /* answers */
    } faults[] = {
        {PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 0},
        {PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, 0},
        {PRODUCE, RD_KAFKA_RESP_ERR__TRANSPORT, 0},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, 0},
        {ADD_OFFSETS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
        {ADD_OFFSETS, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, 0},
        {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 0},
        {TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID},
        {END_TXN, RD_KAFKA_RESP_ERR__TRANSPORT, 0},
        {END_TXN, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, 0},
        {END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 0},
        {END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 0},
    };
    (void)state;
    struct vd_bus *bus = bus_open(&mock);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        print_message("request %d: %s\n", faults[i].request, rd_kafka_err2name(faults[i].first));
        put_job(producer, 0, "{}");
        struct vd_message *order = bus_order(bus);
        assert_int_equal(order->offset, i);
        rd_kafka_mock_push_request_errors(mock.cluster, faults[i].request, faults[i].second ? 2 : 1, faults[i].first,
                                          faults[i].second);
        bus_answer(bus, order);
        bus_expect(bus, VD_BUS_PUBLISHED);
        assert_int_equal(bus_offset(bus, 0), i + 1);
        rd_kafka_mock_clear_request_errors(mock.cluster, faults[i].request);
    }
    assert_int_equal(bus_wait(bus, 0).type, VD_BUS_NOTHING);
    vd_bus_close(bus, 5000);
    assert_true(topic_each(&mock, VD_TOPIC_RESULTS, NULL, NULL) >= (int)(sizeof faults / sizeof *faults));
}

static void test_fenced_for_good(void **state)
{
    (void)state;
    mock.setup.instance = "one";
    struct vd_bus *bus = bus_open(&mock);
    put_job(producer, 0, "{}");
    struct vd_message *order = bus_order(bus);
    rd_kafka_mock_push_request_errors(mock.cluster, END_TXN, 3, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
                                      RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    bus_answer(bus, order);
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_FATAL);
    assert_int_equal(event.err.code, VD_CONFIG);
    assert_non_null(strstr(event.err.text, "instance one"));
    assert_int_equal(bus_offset(bus, 0), -1);
    vd_bus_close(bus, 5000);
}

struct tally {
    int published[PARTITIONS][2];
    int count, unowned;
};

/* Answers what comes, and counts; what came may be kept unanswered. */
static void serve(struct vd_bus *bus, struct tally *tally, struct vd_message **keep)
{
    struct vd_bus_event event = bus_wait(bus, 10);
    if (event.type == VD_BUS_ORDER && keep)
        keep[event.message->partition] = event.message;
    else if (event.type == VD_BUS_ORDER)
        bus_answer(bus, event.message);
    else if (event.type == VD_BUS_UNOWNED)
        tally->unowned++;
    else if (event.type == VD_BUS_PUBLISHED)
        tally->count++;
    else
        assert_int_equal(event.type, VD_BUS_NOTHING);
    vd_publication_free(event.publication);
}

/* Two jobs in each partition; the first ones are out at one worker when another comes. */
static void test_second_worker(void **state)
{
    (void)state;
    struct tally tally = {.count = 0};
    struct vd_message *kept[PARTITIONS] = {NULL};
    struct vd_bus *first = bus_open(&mock);
    for (int i = 0; i < 2 * PARTITIONS; i++)
        put_job(producer, i / 2, "{}");
    for (int i = 0; i < PARTITIONS; i++) {
        struct vd_message *order = bus_order(first);
        kept[order->partition] = order;
    }
    struct vd_bus *second = bus_open(&mock);
    while (tally.count == 0) { /* the second worker has finished something: it has partitions */
        serve(first, &tally, kept);
        serve(second, &tally, NULL);
    }
    for (int i = 0; i < PARTITIONS; i++)
        bus_answer(first, kept[i]);
    while (tally.count < 2 * PARTITIONS) {
        serve(first, &tally, NULL);
        serve(second, &tally, NULL);
    }
    assert_in_range(tally.unowned, 1, PARTITIONS - 1);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(bus_offset(first, i), 2);
    assert_int_equal(vd_bus_pending(first) + vd_bus_pending(second), 0);
    vd_bus_close(first, 5000);
    vd_bus_close(second, 5000);
    assert_int_equal(topic_each(&mock, VD_TOPIC_RESULTS, NULL, NULL), 2 * PARTITIONS);
}

static void test_broker_away(void **state)
{
    (void)state;
    struct vd_bus *bus = bus_open_with(&mock, &(struct vd_pair){"session.timeout.ms", "60000"});
    put_job(producer, 0, "{}");
    struct vd_message *order = bus_order(bus);
    rd_kafka_mock_broker_set_down(mock.cluster, -1);
    bus_answer(bus, order);
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_DOWN);
    assert_non_null(strstr(event.err.text, "no broker answers"));
    assert_int_equal(vd_bus_pending(bus), 1);
    rd_kafka_mock_broker_set_up(mock.cluster, -1);
    bus_expect(bus, VD_BUS_PUBLISHED);
    int64_t until = vd_monotonic_ms() +
                    LONG_MS; /* the mock's own way of committing may still wait for its coordinator */
    while (bus_offset(bus, 0) != 1)
        assert_true(vd_left_ms(until) > 0);
    vd_bus_close(bus, 5000);
}

static void assert_closes(struct vd_bus *bus, int timeout_ms)
{
    int64_t began = vd_monotonic_ms();
    vd_bus_close(bus, timeout_ms);
    assert_in_range(vd_monotonic_ms() - began, 0, timeout_ms + 3000);
}

static void test_closes_without_broker(void **state)
{
    (void)state;
    struct vd_bus *bus = bus_open(&mock);
    put_job(producer, 0, "{}");
    struct vd_message *order = bus_order(bus);
    rd_kafka_mock_broker_set_down(mock.cluster, -1);
    bus_answer(bus, order);
    assert_closes(bus, 1000);
}

static void test_never_a_broker(void **state)
{
    (void)state;
    mock.pairs[0].value = "127.0.0.1:9"; /* nobody listens to discard */
    struct vd_bus *bus = bus_open(&mock);
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_DOWN);
    assert_string_equal(vd_bus_cluster(bus), "");
    int64_t offset;
    assert_int_equal(vd_bus_committed(bus, 0, 100, &offset), -1);
    assert_closes(bus, 1000);
}

static void test_closes_at_once(void **state)
{
    (void)state;
    assert_closes(bus_open(&mock), 1000);
}

int main(void)
{
#define BUS_TEST(test) cmocka_unit_test_setup_teardown(test, open_mock, close_mock)
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_refused_requests), BUS_TEST(test_fenced_for_good),       BUS_TEST(test_second_worker),
        BUS_TEST(test_broker_away),      BUS_TEST(test_closes_without_broker), BUS_TEST(test_never_a_broker),
        BUS_TEST(test_closes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
