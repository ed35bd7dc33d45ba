/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mock cluster, and what is needed to look at it from the other side: plain librdkafka, nothing of ours. */
#ifndef TESTS_UNIT_KAFKA_H
#define TESTS_UNIT_KAFKA_H

#include "capture.h"

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>
/* after rdkafka.h */
#include <librdkafka/rdkafka_mock.h>

struct mock {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    struct vd_pair pairs[4];
    struct vd_bus_setup setup; /* of a client of it */
};

/* Without topics. */
static inline void mock_open(struct mock *mock)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* it says that it has nobody to connect to */
    *mock = (struct mock){.rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0)};
    assert_non_null(mock->rk);
    mock->cluster = rd_kafka_mock_cluster_new(mock->rk, 1);
    assert_non_null(mock->cluster);
    mock->pairs[0] = (struct vd_pair){"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock->cluster)};
    mock->setup = (struct vd_bus_setup){.kafka = mock->pairs, .count = 1, .source = "unit"};
}

static inline void mock_close(struct mock *mock)
{
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
}

static inline void mock_topics(struct mock *mock, int partitions)
{
    for (int i = 0; i < VD_TOPICS; i++)
        assert_int_equal(rd_kafka_mock_topic_create(mock->cluster, vd_topic_name((enum vd_topic)i), partitions, 1), 0);
}

/* A producer, or a consumer of nothing yet. */
static inline rd_kafka_t *client_open(const char *servers, rd_kafka_type_t type)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", servers, NULL, 0), RD_KAFKA_CONF_OK);
    if (type == RD_KAFKA_CONSUMER)
        assert_int_equal(rd_kafka_conf_set(conf, "group.id", "unit", NULL, 0), RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(type, conf, NULL, 0);
    assert_non_null(rk);
    return rk;
}

/* NULL text: a tombstone. There when this returns. */
static inline void client_put(rd_kafka_t *producer, enum vd_topic topic, const char *key, const char *text)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(vd_topic_name(topic)),
                                       RD_KAFKA_V_KEY(key, strlen(key)),
                                       RD_KAFKA_V_VALUE((void *)text, text ? strlen(text) : 0), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

static inline int client_partitions(rd_kafka_t *client, const char *name)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    assert_int_equal(rd_kafka_metadata(client, 0, topic, &metadata, 10000), 0);
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return count;
}

#endif
