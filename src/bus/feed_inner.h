/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A feed from inside. Its owner reads; a second thread, the scout, makes all calls that wait for a broker: which
 * partitions there are, where to begin, how far the group is.
 */
#ifndef VIDRIERA_BUS_FEED_INNER_H
#define VIDRIERA_BUS_FEED_INNER_H

#include "vidriera/feed.h"

#include "last_error.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

struct vd_feed_part {
    enum vd_topic topic;
    int32_t partition;
    int64_t end;    /* when it was found */
    bool caught_up; /* all before that was given */
};

struct vd_feed {
    struct vd_last_error last;
    rd_kafka_t *rk;
    rd_kafka_queue_t *records;
    rd_kafka_topic_t *handles[VD_TOPICS]; /* NULL: not read */
    int64_t history;
    int64_t until_ms; /* vd_monotonic_ms(): the scout's questions end then; 0: never */

    /* the owner's */
    rd_kafka_message_t *message;
    struct vd_header *headers;
    int header_room;

    /* the scout's */
    pthread_t scout;
    bool scouting;
    int found[VD_TOPICS]; /* partitions that are read */
    int unheard;          /* rounds without an answer, one after the other */

    atomic_bool ending, complete; /* complete: every topic was looked for */
    atomic_bool hears;            /* a broker answered lately */
    atomic_uint refused;          /* topics that we may not read, a bit each: told */
    atomic_bool skipped;          /* there is more than the history */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct vd_feed_part *parts;
    int part_count;
    struct vd_feed_lag *lags;
    int lag_count;
};

/* vd_feed_open() of these topics alone (a bit each). history -1: from their beginning. until_ms: see above. */
int vd_feed_open_topics(struct vd_feed **feed, const struct vd_bus_setup *setup, unsigned topics, int history,
                        int64_t until_ms, struct vd_err *err);

/*
 * What is known of a partition now. group, high: negative when not known; low: what is there begins not before. An end
 * that falls is that of a topic made anew.
 */
void vd_feed_lag_learn(struct vd_feed_lag *lag, int64_t group, int64_t low, int64_t high);

enum vd_topic vd_feed_topic(const char *name);

/* We may not read it: told once. */
void vd_feed_refused(struct vd_feed *feed, enum vd_topic topic);

void *vd_feed_scout(void *feed);

#endif
