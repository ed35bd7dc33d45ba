/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bus on a mock cluster, and what others see of it. */
#ifndef TESTS_UNIT_BUS_FIXTURE_H
#define TESTS_UNIT_BUS_FIXTURE_H

#include "kafka.h"

#include "deadline.h"

#include <poll.h>

enum { PARTITIONS = 12, LONG_MS = 30000 };

/* extra: one more pair, or NULL. */
static inline struct vd_bus *bus_open_with(const struct mock *mock, const struct vd_pair *extra)
{
    /* the mock cluster rebalances as late as a second before the session's end */
    struct vd_pair pairs[] = {
        mock->pairs[0],
        {"session.timeout.ms", "5000"},
        {"heartbeat.interval.ms", "100"},
        extra ? *extra : (struct vd_pair){"check.crcs", "true"},
    };
    struct vd_err err = {0};
    struct vd_bus *bus = NULL;
    struct vd_bus_setup setup = mock->setup;
    setup.kafka = pairs;
    setup.count = sizeof pairs / sizeof *pairs;
    setup.embedded = true;
    assert_int_equal(vd_bus_open(&bus, &setup, &err), 0);
    return bus;
}

static inline struct vd_bus *bus_open(const struct mock *mock)
{
    return bus_open_with(mock, NULL);
}

/* The next event but that a broker answers; VD_BUS_NOTHING: none within the time. */
static inline struct vd_bus_event bus_wait(struct vd_bus *bus, int timeout_ms)
{
    struct vd_bus_event event;
    int64_t until = vd_monotonic_ms() + timeout_ms;
    for (;;) {
        vd_bus_next(bus, true, &event);
        if (event.type == VD_BUS_UP)
            continue;
        if (event.type != VD_BUS_NOTHING || vd_left_ms(until) == 0)
            return event;
        struct pollfd fd = {vd_bus_fd(bus), POLLIN, 0};
        int left = vd_left_ms(until);
        poll(&fd, 1, left < 1000 ? left : 1000);
    }
}

static inline struct vd_message *bus_order(struct vd_bus *bus)
{
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, VD_BUS_ORDER);
    assert_non_null(event.message);
    return event.message;
}

/* A result for the message, with its partition and offset as the job's name; the message is freed. */
static inline void bus_answer(struct vd_bus *bus, struct vd_message *message)
{
    char job[VD_JOB_ID], text[128];
    snprintf(job, sizeof job, "job-%d-%lld", message->partition, (long long)message->offset);
    snprintf(text, sizeof text, "{\"job\":\"%s\"}", job);
    struct vd_publication_setup setup = {.message = message, .job = job, .result = text, .status = "completed"};
    vd_bus_publish(bus, vd_publication_create(&setup));
    vd_message_free(message);
}

static inline void bus_expect(struct vd_bus *bus, enum vd_bus_event_type type)
{
    struct vd_bus_event event = bus_wait(bus, LONG_MS);
    assert_int_equal(event.type, type);
    vd_publication_free(event.publication);
}

static inline int64_t bus_offset(struct vd_bus *bus, int partition)
{
    int64_t offset = -2;
    assert_int_equal(vd_bus_committed(bus, partition, 10000, &offset), 0);
    return offset;
}

static inline void put_job(rd_kafka_t *producer, int partition, const char *text)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_JOBS)),
                                       RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_VALUE((void *)text, strlen(text)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

/* All records of a topic, oldest first in each partition, told one by one. Returns how many there are. */
static inline int topic_each(const struct mock *mock, enum vd_topic topic,
                             void (*each)(void *opaque, const rd_kafka_message_t *record), void *opaque)
{
    rd_kafka_t *rk = client_open(mock->pairs[0].value, RD_KAFKA_CONSUMER);
    int count = 0;
    const char *name = vd_topic_name(topic);
    int partitions = client_partitions(rk, name);
    for (int i = 0; i < partitions; i++) {
        int64_t low, high;
        assert_int_equal(rd_kafka_query_watermark_offsets(rk, name, i, &low, &high, 10000), 0);
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, name, i)->offset = low;
        if (low < high)
            assert_int_equal(rd_kafka_assign(rk, list), 0);
        for (int64_t next = low; next < high; count++) {
            rd_kafka_message_t *record = rd_kafka_consumer_poll(rk, 10000);
            assert_non_null(record);
            assert_int_equal(record->err, 0);
            next = record->offset + 1;
            if (each)
                each(opaque, record);
            rd_kafka_message_destroy(record);
        }
        rd_kafka_topic_partition_list_destroy(list);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return count;
}

/* "" when it is not there. */
static inline void header_text(const rd_kafka_message_t *record, const char *name, char *text, size_t size)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    *text = '\0';
    if (rd_kafka_message_headers(record, &headers) == 0 &&
        rd_kafka_header_get_last(headers, name, &value, &length) == 0)
        snprintf(text, size, "%.*s", (int)length, (const char *)value);
}

static inline void assert_header(const rd_kafka_message_t *record, const char *name, const char *wanted)
{
    char text[600];
    header_text(record, name, text, sizeof text);
    assert_string_equal(text, wanted);
}

#endif
