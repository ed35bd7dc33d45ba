/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread of a feed that waits for brokers. */
#include "feed_inner.h"

#include "deadline.h"
#include "lookup.h"

#include "vidriera/now.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE_MS = 1000,      /* of a question; the end of the feed waits for it */
    AGAIN_MS = 500,       /* while something is not found yet */
    LAG_MS = 1000,        /* between two questions for the group's offsets */
    UNHEARD_ROUNDS = 3,   /* without an answer, of some seconds each: no broker is there */
    LOOK_ROUNDS = 10,     /* of LAG_MS: between two looks for new partitions */
    OFFSETS_A_RECORD = 2, /* what is sent in transactions has a marker behind it */
};

/* How long a question may wait for its answer. */
static int slice(const struct vd_feed *feed, int most_ms)
{
    int left = feed->until_ms ? vd_left_ms(feed->until_ms) : most_ms;
    return left > most_ms ? most_ms : left < 1 ? 1 : left;
}

/* What comes of a question: a refusal is an answer too, and errors of brokers are positive. */
static void note(struct vd_feed *feed, rd_kafka_resp_err_t code)
{
    if (code >= 0) {
        feed->unheard = 0;
        feed->hears = true;
    }
}

/* The group's offsets of the first `count` partitions of jobs; NULL: no broker answers. */
static rd_kafka_topic_partition_list_t *committed(struct vd_feed *feed, int count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, vd_topic_name(VD_TOPIC_JOBS), i);
    rd_kafka_resp_err_t code = rd_kafka_committed(feed->rk, list, slice(feed, SLICE_MS));
    note(feed, code);
    if (!code)
        return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool remember_part(struct vd_feed *feed, enum vd_topic topic, int32_t partition, int64_t begin, int64_t end)
{
    pthread_mutex_lock(&feed->lock);
    struct vd_feed_part *parts = realloc(feed->parts, (size_t)(feed->part_count + 1) * sizeof *parts);
    if (parts) {
        feed->parts = parts;
        parts[feed->part_count++] = (struct vd_feed_part){topic, partition, end, begin >= end};
    }
    pthread_mutex_unlock(&feed->lock);
    return parts;
}

void vd_feed_lag_learn(struct vd_feed_lag *lag, int64_t group, int64_t low, int64_t high)
{
    bool anew = high >= 0 && high < lag->end;
    lag->committed = group >= 0 ? group : later(low, anew ? 0 : lag->committed);
    lag->end = high < 0 ? lag->end : high;
}

static bool remember_lag(struct vd_feed *feed, int32_t partition, int64_t group, int64_t low, int64_t high)
{
    struct vd_feed_lag *lags = feed->lags;
    pthread_mutex_lock(&feed->lock);
    if (partition >= feed->lag_count)
        lags = realloc(feed->lags, (size_t)(partition + 1) * sizeof *lags);
    if (lags) {
        feed->lags = lags;
        if (partition >= feed->lag_count)
            lags[feed->lag_count++] = (struct vd_feed_lag){.partition = partition};
        vd_feed_lag_learn(&lags[partition], group, low, high);
    }
    pthread_mutex_unlock(&feed->lock);
    return lags;
}

/* New partitions, each from its beginning or end. */
struct found {
    rd_kafka_topic_partition_list_t *low, *high, *group; /* group: of jobs, from the first */
    int partitions[VD_TOPICS];
};

/* False: no answer yet. */
static bool look_for(struct vd_feed *feed, enum vd_topic topic, struct found *found)
{
    rd_kafka_resp_err_t answer;
    int *partitions = &found->partitions[topic];
    rd_kafka_resp_err_t code = vd_topic_look_up(feed->rk, topic, slice(feed, SLICE_MS), &answer, partitions);
    note(feed, code);
    if (code)
        return false;
    if (answer == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        vd_feed_refused(feed, topic);
    if (answer) /* where there is none, and where we are not let in, nothing is to be read */
        return answer == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
               answer == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    for (int i = feed->found[topic]; i < *partitions; i++) { /* both are times to brokers */
        rd_kafka_topic_partition_list_add(found->low, vd_topic_name(topic), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_topic_partition_list_add(found->high, vd_topic_name(topic), i)->offset = RD_KAFKA_OFFSET_END;
    }
    if (topic != VD_TOPIC_JOBS || feed->found[topic] >= *partitions)
        return true;
    found->group = committed(feed, *partitions);
    return found->group;
}

/* All partitions in one go, and before anything is read: a broker answers in order, and keeps a reader waiting. */
static bool resolve(struct vd_feed *feed, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(feed->rk, list, slice(feed, 2 * SLICE_MS));
    for (int i = 0; !code && i < list->cnt; i++)
        code = list->elems[i].err;
    return !code;
}

/* Begins to read the i-th of them. */
static bool read_partition(struct vd_feed *feed, const struct found *found, int i)
{
    enum vd_topic topic = vd_feed_topic(found->low->elems[i].topic);
    int32_t partition = found->low->elems[i].partition;
    int64_t low = found->low->elems[i].offset, high = found->high->elems[i].offset, begin = low;
    int64_t group = topic == VD_TOPIC_JOBS && found->group ? found->group->elems[partition].offset : -1;
    if (topic == VD_TOPIC_JOBS)
        begin = later(low, group);
    else if (topic != VD_TOPIC_STATUS && feed->history >= 0)
        begin = later(low, high - OFFSETS_A_RECORD * (feed->history / later(found->partitions[topic], 1) + 1));
    if (begin > low)
        feed->skipped = true;
    if (!remember_part(feed, topic, partition, begin, high) ||
        (topic == VD_TOPIC_JOBS && !remember_lag(feed, partition, group, low, high)) ||
        rd_kafka_consume_start_queue(feed->handles[topic], partition, begin, feed->records) != 0)
        return false;
    feed->found[topic]++;
    return true;
}

/* True: all that is there is read. */
static bool look(struct vd_feed *feed)
{
    struct found found = {.low = rd_kafka_topic_partition_list_new(64), .high = rd_kafka_topic_partition_list_new(64)};
    bool all = true;
    for (int i = 0; i < VD_TOPICS && all && !feed->ending; i++)
        all = !feed->handles[i] || look_for(feed, (enum vd_topic)i, &found);
    if (all && found.low->cnt > 0)
        all = resolve(feed, found.low) && resolve(feed, found.high);
    for (int i = 0; i < found.low->cnt && all && !feed->ending; i++)
        all = read_partition(feed, &found, i);
    rd_kafka_topic_partition_list_destroy(found.low);
    rd_kafka_topic_partition_list_destroy(found.high);
    if (found.group)
        rd_kafka_topic_partition_list_destroy(found.group);
    return all && !feed->ending;
}

/* The end is what came with the last records; the broker is asked for the group's offsets alone. */
static void ask_lags(struct vd_feed *feed)
{
    int count = feed->found[VD_TOPIC_JOBS];
    rd_kafka_topic_partition_list_t *groups = count > 0 ? committed(feed, count) : NULL;
    for (int i = 0; groups && i < count; i++) {
        int64_t low = 0, high = 0;
        rd_kafka_get_watermark_offsets(feed->rk, vd_topic_name(VD_TOPIC_JOBS), i, &low, &high);
        remember_lag(feed, i, groups->elems[i].offset, low, high);
    }
    if (groups)
        rd_kafka_topic_partition_list_destroy(groups);
}

/* The group's offsets may be kept by another broker. */
static void ask_anything(struct vd_feed *feed)
{
    rd_kafka_resp_err_t answer;
    int partitions;
    note(feed, vd_topic_look_up(feed->rk, VD_TOPIC_JOBS, slice(feed, SLICE_MS), &answer, &partitions));
}

static void wait_a_while(struct vd_feed *feed, int milliseconds)
{
    const struct timespec until = vd_monotonic_in(milliseconds / 1000.0);
    pthread_mutex_lock(&feed->lock);
    while (!feed->ending && pthread_cond_timedwait(&feed->changed, &feed->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&feed->lock);
}

void *vd_feed_scout(void *opaque)
{
    struct vd_feed *feed = opaque;
    bool all = false;
    for (int round = 0; !feed->ending; round++) {
        feed->unheard++;
        if (!all || round % LOOK_ROUNDS == 0)
            all = look(feed);
        if (all)
            feed->complete = true;
        if (!feed->ending && feed->handles[VD_TOPIC_JOBS])
            ask_lags(feed);
        if (!feed->ending && feed->unheard > 0)
            ask_anything(feed);
        if (feed->unheard >= UNHEARD_ROUNDS)
            feed->hears = false;
        wait_a_while(feed, all ? LAG_MS : AGAIN_MS);
    }
    return NULL;
}
