/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed_inner.h"

#include "deadline.h"
#include "kafka_conf.h"

#include "vidriera/join.h"
#include "vidriera/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int start(struct vd_feed *feed, const struct vd_bus_setup *setup, struct vd_err *err)
{
    const struct vd_pair settings[] = {
        {"group.id", setup->group ? setup->group : "vidriera"}, /* never joined: its offsets are asked for */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"allow.auto.create.topics", "false"},
        {"queued.max.messages.kbytes", "1024"},
    };
    rd_kafka_conf_t *conf = vd_kafka_conf(setup, "feed", err);
    int ret = conf ? 0 : -1;
    if (conf)
        vd_last_error_watch(conf, &feed->last);
    for (size_t i = 0; ret == 0 && i < sizeof settings / sizeof *settings; i++)
        ret = vd_kafka_conf_set(conf, settings[i].name, settings[i].value, err);
    if (ret == 0)
        feed->rk = vd_kafka_new(RD_KAFKA_CONSUMER, &conf, err);
    if (conf)
        rd_kafka_conf_destroy(conf);
    return feed->rk ? 0 : -1;
}

static void open_locks(struct vd_feed *feed)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &attr);
    pthread_condattr_destroy(&attr);
}

int vd_feed_open_topics(struct vd_feed **opened, const struct vd_bus_setup *setup, unsigned topics, int history,
                        int64_t until_ms, struct vd_err *err)
{
    struct vd_feed *feed = calloc(1, sizeof *feed);
    *opened = NULL;
    if (!feed)
        return vd_fail(err, VD_AGAIN, "kafka", "no memory for Kafka's consumer; free some");
    open_locks(feed);
    feed->history = history;
    feed->until_ms = until_ms;
    if (start(feed, setup, err) < 0)
        goto close;
    feed->records = rd_kafka_queue_new(feed->rk);
    for (int i = 0; i < VD_TOPICS; i++)
        if (topics & 1U << i)
            feed->handles[i] = rd_kafka_topic_new(feed->rk, vd_topic_name((enum vd_topic)i), NULL);
    feed->scouting = pthread_create(&feed->scout, NULL, vd_feed_scout, feed) == 0;
    if (feed->scouting) {
        pthread_setname_np(feed->scout, "feed");
        *opened = feed;
        return 0;
    }
    vd_fail(err, VD_AGAIN, "kafka", "no thread for Kafka's consumer: too many are running; try again later");
close:
    vd_feed_close(feed, 0);
    return -1;
}

int vd_feed_open(struct vd_feed **feed, const struct vd_bus_setup *setup, int history, struct vd_err *err)
{
    return vd_feed_open_topics(
        feed, setup, 1U << VD_TOPIC_JOBS | 1U << VD_TOPIC_RESULTS | 1U << VD_TOPIC_DLQ | 1U << VD_TOPIC_STATUS, history,
        0, err);
}

enum vd_topic vd_feed_topic(const char *name)
{
    int topic = 0;
    while (topic < VD_TOPICS - 1 && strcmp(name, vd_topic_name((enum vd_topic)topic)) != 0)
        topic++;
    return (enum vd_topic)topic;
}

void vd_feed_refused(struct vd_feed *feed, enum vd_topic topic)
{
    char words[256];
    unsigned bit = 1U << topic;
    if (atomic_fetch_or(&feed->refused, bit) & bit)
        return;
    vd_refusal_words(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "Describe and Read", topic, words, sizeof words);
    vd_log(VD_LOG_WARNING, "kafka: what %s tells of jobs is not shown: %s", vd_topic_name(topic), words);
}

static void note_position(struct vd_feed *feed, const rd_kafka_message_t *message)
{
    enum vd_topic topic = vd_feed_topic(rd_kafka_topic_name(message->rkt));
    bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    pthread_mutex_lock(&feed->lock);
    for (int i = 0; i < feed->part_count; i++) {
        struct vd_feed_part *part = &feed->parts[i];
        if (part->topic == topic && part->partition == message->partition)
            part->caught_up |= at_end || message->offset + 1 >= part->end;
    }
    pthread_mutex_unlock(&feed->lock);
}

/* Those for which there is memory. */
static int take_headers(struct vd_feed *feed, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    int count = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    while (rd_kafka_header_get_all(headers, (size_t)count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (count == feed->header_room) {
            int room = count ? 2 * count : 16;
            struct vd_header *more = realloc(feed->headers, (size_t)room * sizeof *more);
            if (!more)
                break;
            feed->headers = more;
            feed->header_room = room;
        }
        feed->headers[count++] = (struct vd_header){name, value, size};
    }
    return count;
}

static void take(struct vd_feed *feed, rd_kafka_message_t *message, struct vd_feed_record *record)
{
    int64_t stamp = rd_kafka_message_timestamp(message, NULL);
    feed->message = message;
    *record = (struct vd_feed_record){
        .topic = vd_feed_topic(rd_kafka_topic_name(message->rkt)),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = stamp < 0 ? 0 : stamp,
        .key = message->key,
        .key_size = message->key_len,
        .value = message->payload,
        .value_size = message->len,
        .header_count = take_headers(feed, message),
    };
    record->headers = feed->headers;
}

static void drop_message(struct vd_feed *feed)
{
    if (feed->message)
        rd_kafka_message_destroy(feed->message);
    feed->message = NULL;
}

int vd_feed_next(struct vd_feed *feed, int timeout_ms, struct vd_feed_record *record)
{
    int64_t until = vd_monotonic_ms() + timeout_ms;
    drop_message(feed);
    rd_kafka_poll(feed->rk, 0); /* the last error */
    do {
        rd_kafka_message_t *message = rd_kafka_consume_queue(feed->records, vd_left_ms(until));
        if (!message)
            return 0;
        bool good = !message->err;
        if (message->rkt && (good || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF))
            note_position(feed, message);
        else if (message->rkt && message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            vd_feed_refused(feed, vd_feed_topic(rd_kafka_topic_name(message->rkt)));
        if (good) {
            take(feed, message, record);
            return 1;
        }
        rd_kafka_message_destroy(message);
    } while (vd_left_ms(until) > 0);
    return 0;
}

bool vd_feed_caught_up(const struct vd_feed *feed)
{
    struct vd_feed *inner = (struct vd_feed *)feed;
    pthread_mutex_lock(&inner->lock);
    bool all = feed->complete;
    for (int i = 0; i < feed->part_count; i++)
        all &= feed->parts[i].caught_up || (feed->refused & 1U << feed->parts[i].topic);
    pthread_mutex_unlock(&inner->lock);
    return all;
}

unsigned vd_feed_forbidden(const struct vd_feed *feed)
{
    return feed->refused;
}

bool vd_feed_hears(const struct vd_feed *feed)
{
    return feed->hears;
}

int vd_feed_lags(struct vd_feed *feed, struct vd_feed_lag *lags, int room)
{
    pthread_mutex_lock(&feed->lock);
    int count = feed->lag_count < room ? feed->lag_count : room;
    for (int i = 0; i < count; i++)
        lags[i] = feed->lags[i];
    pthread_mutex_unlock(&feed->lock);
    return count;
}

/* False: a call of the scout's does not come back; what it uses is left to it. */
static bool stop_scout(struct vd_feed *feed, int timeout_ms)
{
    pthread_mutex_lock(&feed->lock);
    feed->ending = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return !feed->scouting || vd_join_for(feed->scout, timeout_ms);
}

void vd_feed_close(struct vd_feed *feed, int timeout_ms)
{
    if (!feed)
        return;
    drop_message(feed);
    if (!stop_scout(feed, timeout_ms)) {
        vd_log(VD_LOG_DEBUG, "kafka: a question to a broker has no answer yet; it is left alone");
        return;
    }
    for (int topic = 0; topic < VD_TOPICS; topic++) {
        for (int i = 0; feed->handles[topic] && i < feed->found[topic]; i++)
            rd_kafka_consume_stop(feed->handles[topic], i);
        if (feed->handles[topic])
            rd_kafka_topic_destroy(feed->handles[topic]);
    }
    if (feed->records)
        rd_kafka_queue_destroy(feed->records);
    if (feed->rk)
        rd_kafka_destroy(feed->rk);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    free(feed->headers);
    free(feed->parts);
    free(feed->lags);
    free(feed);
}
