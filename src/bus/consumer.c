/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "consumer.h"

#include "deadline.h"
#include "kafka_conf.h"
#include "message.h"

#include "vidriera/log.h"
#include "vidriera/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARN_EVERY_MS = 10000 };

struct partition {
    int32_t id;
    unsigned epoch;
    bool held;
    bool out;
    int64_t next; /* what is below was given already: a rebalance may make librdkafka fetch it once more */
    rd_kafka_queue_t *queue;
};

struct vd_consumer {
    const struct vd_bus_setup *setup;
    struct vd_inbox *inbox;
    struct vd_publisher *publisher;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct partition *partitions;
    int count, turn;
    unsigned epoch;
    rd_kafka_topic_partition_list_t *leaving; /* revoked; unassigned as soon as no transaction holds any of it */
    int64_t warned_ms;
};

static int configure(const struct vd_bus_setup *setup, rd_kafka_conf_t *conf, struct vd_err *err)
{
    const struct vd_pair ours[] = {
        {"group.id", setup->group},        {"partition.assignment.strategy", "cooperative-sticky"},
        {"enable.auto.commit", "false"},   {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"}, {"isolation.level", "read_committed"},
    };
    const struct vd_pair defaults[] = {
        {"fetch.wait.max.ms", "50"},
        {"queued.max.messages.kbytes", "1024"}, /* of each partition */
        {"fetch.message.max.bytes", "262144"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (vd_kafka_conf_set(conf, ours[i].name, ours[i].value, err) < 0)
            return -1;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (vd_kafka_conf_default(conf, setup, defaults[i].name, defaults[i].value, err) < 0)
            return -1;
    if (setup->instance && *setup->instance)
        return vd_kafka_conf_set(conf, "group.instance.id", setup->instance, err);
    return 0;
}

int vd_consumer_open(struct vd_consumer **out, const struct vd_bus_setup *setup, struct vd_inbox *inbox,
                     struct vd_err *err)
{
    struct vd_consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return vd_fail(err, VD_AGAIN, "", "no memory; try again later");
    consumer->setup = setup;
    consumer->inbox = inbox;
    consumer->warned_ms = -WARN_EVERY_MS;
    rd_kafka_conf_t *conf = vd_kafka_conf(setup, "worker", err);
    if (!conf)
        goto free_consumer;
    if (configure(setup, conf, err) < 0) {
        rd_kafka_conf_destroy(conf);
        goto free_consumer;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_FETCH);
    consumer->rk = vd_kafka_new(RD_KAFKA_CONSUMER, &conf, err);
    if (!consumer->rk)
        goto free_consumer;
    rd_kafka_poll_set_consumer(consumer->rk);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->rk);
    vd_inbox_watch(inbox, consumer->queue);
    *out = consumer;
    return 0;

free_consumer:
    free(consumer);
    return -1;
}

rd_kafka_t *vd_consumer_handle(const struct vd_consumer *consumer)
{
    return consumer->rk;
}

void vd_consumer_join(struct vd_consumer *consumer, struct vd_publisher *publisher)
{
    consumer->publisher = publisher;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, vd_topic_name(VD_TOPIC_JOBS), RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code)
        vd_log(VD_LOG_ERROR, "kafka: cannot subscribe to %s: %s", vd_topic_name(VD_TOPIC_JOBS), rd_kafka_err2str(code));
}

static struct partition *find(struct vd_consumer *consumer, int32_t id)
{
    for (int i = 0; i < consumer->count; i++)
        if (consumer->partitions[i].id == id)
            return &consumer->partitions[i];
    return NULL;
}

static struct partition *find_or_add(struct vd_consumer *consumer, int32_t id)
{
    struct partition *partition = find(consumer, id);
    if (partition)
        return partition;
    partition = realloc(consumer->partitions, (size_t)(consumer->count + 1) * sizeof *partition);
    if (!partition)
        abort();
    consumer->partitions = partition;
    partition += consumer->count++;
    *partition = (struct partition){.id = id};
    return partition;
}

static void close_partition(struct partition *partition)
{
    if (partition->queue) {
        vd_inbox_unwatch(partition->queue);
        rd_kafka_queue_destroy(partition->queue);
    }
    partition->queue = NULL;
    partition->held = partition->out = false;
}

static void open_partition(struct vd_consumer *consumer, int32_t id)
{
    struct partition *partition = find_or_add(consumer, id);
    close_partition(partition);
    partition->queue = rd_kafka_queue_get_partition(consumer->rk, vd_topic_name(VD_TOPIC_JOBS), id);
    if (!partition->queue)
        return;
    rd_kafka_queue_forward(partition->queue, NULL);
    vd_inbox_watch(consumer->inbox, partition->queue);
    partition->epoch = ++consumer->epoch;
    partition->held = true;
    partition->next = 0;
    if (consumer->publisher)
        vd_publisher_hold(consumer->publisher, id, partition->epoch);
}

/* Takes the error. */
static void warn_of(rd_kafka_error_t *error, const char *what)
{
    if (error)
        vd_log(VD_LOG_WARNING, "kafka: %s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

static bool cooperative(const struct vd_consumer *consumer)
{
    const char *protocol = rd_kafka_rebalance_protocol(consumer->rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Tells librdkafka that the revoked partitions are let go. */
static void unassign(struct vd_consumer *consumer)
{
    if (cooperative(consumer))
        warn_of(rd_kafka_incremental_unassign(consumer->rk, consumer->leaving), "partitions cannot be given up");
    else
        rd_kafka_assign(consumer->rk, NULL);
    rd_kafka_topic_partition_list_destroy(consumer->leaving);
    consumer->leaving = NULL;
}

static void on_assign(struct vd_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    if (consumer->leaving)
        unassign(consumer);
    for (int i = 0; i < list->cnt; i++)
        open_partition(consumer, list->elems[i].partition);
    vd_log(VD_LOG_DEBUG, "kafka: %d more partitions", list->cnt);
    warn_of(rd_kafka_incremental_assign(consumer->rk, list), "partitions cannot be taken");
}

static void on_revoke(struct vd_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    if (consumer->leaving)
        unassign(consumer);
    for (int i = 0; i < list->cnt; i++) {
        struct partition *partition = find(consumer, list->elems[i].partition);
        if (partition)
            close_partition(partition);
        if (consumer->publisher)
            vd_publisher_release(consumer->publisher, list->elems[i].partition);
    }
    vd_log(VD_LOG_DEBUG, "kafka: %d partitions less%s", list->cnt,
           rd_kafka_assignment_lost(consumer->rk) ? ", lost" : "");
    consumer->leaving = rd_kafka_topic_partition_list_copy(list);
}

static void finish_revoke(struct vd_consumer *consumer)
{
    bool busy = false;
    if (!consumer->leaving)
        return;
    for (int i = 0; i < consumer->leaving->cnt && consumer->publisher && !busy; i++)
        busy = vd_publisher_busy(consumer->publisher, consumer->leaving->elems[i].partition);
    if (!busy || rd_kafka_assignment_lost(consumer->rk))
        unassign(consumer);
}

static void on_rebalance(struct vd_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    vd_metric_add(VD_METRIC_REBALANCES, 1, NULL, NULL);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assign(consumer, list);
    else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        on_revoke(consumer, list);
    else {
        vd_log(VD_LOG_WARNING, "kafka: rebalance: %s", rd_kafka_err2str(code));
        rd_kafka_assign(consumer->rk, NULL);
    }
}

static bool forbidden(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
}

static void on_fatal(struct vd_consumer *consumer, rd_kafka_resp_err_t code, const char *why)
{
    struct vd_err err;
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        vd_fail(&err, VD_CONFIG, "", "instance %s: another worker uses this name; give each worker its own `instance`",
                consumer->setup->instance);
    else
        vd_fail(&err, VD_UNAVAILABLE, "", "kafka: %s; start again", why);
    vd_inbox_put_fatal(consumer->inbox, &err);
}

static void on_error(struct vd_consumer *consumer, rd_kafka_resp_err_t code, const char *text)
{
    char why[200];
    struct vd_err err;
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(consumer->rk, why, sizeof why);
    if (fatal)
        on_fatal(consumer, fatal, why);
    else if (forbidden(code)) {
        vd_fail(&err, VD_CONFIG, "", "kafka: %s; let this worker's user do it", text);
        vd_inbox_put_fatal(consumer->inbox, &err);
    } else if (code <= RD_KAFKA_RESP_ERR__END && code != RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
        vd_log(VD_LOG_DEBUG, "kafka: %s", text); /* of the client and its connections: see the control reader */
    } else if (vd_monotonic_ms() - consumer->warned_ms >= WARN_EVERY_MS) {
        consumer->warned_ms = vd_monotonic_ms();
        vd_log(VD_LOG_WARNING, "kafka: %s", text);
    }
}

static void on_event(struct vd_consumer *consumer, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(consumer, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(consumer, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
        break;
    case RD_KAFKA_EVENT_FETCH: /* partitions have their own queues */
        vd_log(VD_LOG_ERROR, "kafka: an order came by the wrong way; it is taken at the next start");
        break;
    default:
        break;
    }
}

void vd_consumer_serve(struct vd_consumer *consumer)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(consumer->queue, 0))) {
        on_event(consumer, event);
        rd_kafka_event_destroy(event);
    }
    finish_revoke(consumer);
}

static struct vd_message *take(struct vd_consumer *consumer, struct partition *partition)
{
    struct vd_message *message = NULL;
    rd_kafka_event_t *event;
    while (!message && (event = rd_kafka_queue_poll(partition->queue, 0))) {
        const rd_kafka_message_t *got = rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH
                                            ? rd_kafka_event_message_next(event)
                                            : NULL;
        if (!got)
            on_event(consumer, event);
        else if (got->err)
            on_error(consumer, got->err, rd_kafka_message_errstr(got));
        else if (got->offset >= partition->next) {
            message = vd_message_copy(got, partition->epoch);
            if (!message)
                abort();
        }
        rd_kafka_event_destroy(event);
    }
    if (message) {
        partition->out = true;
        partition->next = message->offset + 1;
    }
    return message;
}

struct vd_message *vd_consumer_next(struct vd_consumer *consumer)
{
    struct vd_message *message = NULL;
    for (int i = 0; i < consumer->count && !message; i++) {
        struct partition *partition = &consumer->partitions[consumer->turn++ % consumer->count];
        if (partition->held && !partition->out)
            message = take(consumer, partition);
    }
    if (consumer->count)
        consumer->turn %= consumer->count;
    return message;
}

void vd_consumer_free_partition(struct vd_consumer *consumer, int32_t partition, unsigned epoch)
{
    struct partition *of = find(consumer, partition);
    if (of && of->held && of->epoch == epoch)
        of->out = false;
}

/* Serves what is asked for while the group is left. In librdkafka 2.0.2 that may never end. */
static void leave_group(struct vd_consumer *consumer, int64_t deadline_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->rk);
    vd_consumer_serve(consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->rk, queue);
    while (!error && !rd_kafka_consumer_closed(consumer->rk) && vd_left_ms(deadline_ms) > 0) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);
        if (event) {
            on_event(consumer, event);
            rd_kafka_event_destroy(event);
        }
        finish_revoke(consumer);
    }
    rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
}

void vd_consumer_close(struct vd_consumer *consumer, int64_t deadline_ms)
{
    if (!consumer)
        return;
    consumer->publisher = NULL;
    leave_group(consumer, deadline_ms);
    for (int i = 0; i < consumer->count; i++)
        close_partition(&consumer->partitions[i]);
    if (consumer->leaving)
        rd_kafka_topic_partition_list_destroy(consumer->leaving);
    vd_inbox_unwatch(consumer->queue);
    rd_kafka_queue_destroy(consumer->queue);
    rd_kafka_destroy_flags(consumer->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(consumer->partitions);
    free(consumer);
}
