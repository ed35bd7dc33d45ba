/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kafka, as the supervisor sees it: orders come in, results go out with the order's offset in one transaction.
 *
 * One thread (the supervisor's loop) makes all calls unless a comment says otherwise; nothing here blocks it for long.
 * Inside there are librdkafka's own threads and one publisher thread, which alone calls the transactional producer
 * (those calls block). The loop polls vd_bus_fd() and then calls vd_bus_next() until there is nothing.
 *
 * Of each partition at most one order is out at a time: the next one is given once a publication for the first is
 * through (a duplicate is published as an offset alone). An order that is never published is delivered again, here or
 * elsewhere, at the partition's next assignment. Each partition has a queue of its own in librdkafka that is simply
 * left unread meanwhile, so the next message is there already when its turn comes.
 *
 * A partition that is taken away (rebalance, broker lost) takes nothing with it: whoever works on its order goes on. A
 * publication for it comes back as VD_BUS_UNOWNED, unless the same message was delivered here again; then it is another
 * order with the same coordinates and a new epoch.
 */
#ifndef VIDRIERA_BUS_H
#define VIDRIERA_BUS_H

#include "vidriera/err.h"
#include "vidriera/order.h"

#include <stdbool.h>
#include <stdint.h>

/* Names and values for librdkafka, as the user gave them. */
struct vd_pair {
    const char *name, *value;
};

/* librdkafka's version. */
const char *vd_bus_library(void);

struct vd_bus_setup {
    const struct vd_pair *kafka; /* passed on verbatim, see vd_kafka_check() */
    int count;
    const char *group;    /* NULL: vidriera */
    const char *instance; /* static membership and transactional.id; NULL or empty: dynamic, random */
    const char *source;   /* for CloudEvents' ce_source and the dead letters' worker header: this worker's name */
    bool create_topics;   /* make what is missing; else VD_CONFIG with the command that does */
    bool embedded;        /* the broker is our own mock cluster: topics are there, no admin calls */
};

/* The five topics. */
enum vd_topic { VD_TOPIC_JOBS, VD_TOPIC_RESULTS, VD_TOPIC_DLQ, VD_TOPIC_STATUS, VD_TOPIC_CONTROL, VD_TOPICS };
const char *vd_topic_name(enum vd_topic topic); /* "vidriera.jobs" … */

/*
 * Are these fit to be passed on? A protected key (enable.auto.commit, isolation.level, transactional.id,
 * group.instance.id …) is refused with the reason, anything else as librdkafka refuses it. Needs no broker. VD_CONFIG.
 * *at: the index of the offending pair; -1: they do not go together, or a file that they name cannot be used.
 */
int vd_kafka_check(const struct vd_pair *pairs, int count, int *at, struct vd_err *err);

struct vd_bus;

/* An order as it came, whole. */
struct vd_message {
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    unsigned epoch; /* of the partition's assignment */
    const void *key, *value;
    size_t key_size, value_size;
    const struct vd_header *headers;
    int header_count;
    void *inner;
};

/* Accepts NULL. Any thread. */
void vd_message_free(struct vd_message *message);

/* One record to be produced. Text is copied by vd_publication_add(). */
struct vd_publication;

/*
 * For the offset of `message` (its coordinates are copied). dead_letter: the original goes to the dead letter topic
 * with its key, bytes and headers as they were and reason headers beside them (cut, with a header that says so, when
 * the broker would not take it). result: the event's JSON text, copied; NULL: the offset alone. Headers (CloudEvents,
 * traceparent) are made here. NULL: no memory.
 */
struct vd_publication_setup {
    const struct vd_message *message;
    const char *job; /* key; for a message without id its `<topic>-<partition>-<offset>` */
    const char *result;
    const char *status;               /* completed, failed, … : for ce_type */
    const char *traceparent;          /* NULL or empty: none */
    const struct vd_err *dead_letter; /* NULL: none */
    int attempt;
    bool clear_control; /* also a tombstone on the control topic */
    void *opaque;
};
struct vd_publication *vd_publication_create(const struct vd_publication_setup *setup);
void *vd_publication_opaque(const struct vd_publication *publication);
void vd_publication_free(struct vd_publication *publication);

enum vd_bus_event_type {
    VD_BUS_NOTHING,
    VD_BUS_ORDER,     /* message: the receiver's */
    VD_BUS_PUBLISHED, /* publication: the receiver's to free; its partition is free for the next order */
    VD_BUS_UNOWNED,   /* publication: not sent, its partition was taken away meanwhile; to be freed */
    VD_BUS_CONTROL,   /* job, action: "cancel"; or empty for a tombstone */
    VD_BUS_UP,        /* a broker answers (again) */
    VD_BUS_DOWN,      /* text: no broker answers; everything is kept and tried again */
    VD_BUS_FATAL,     /* err: cannot go on (fenced by a worker of the same instance name, authentication refused) */
};

struct vd_bus_event {
    enum vd_bus_event_type type;
    struct vd_message *message;
    struct vd_publication *publication;
    char job[VD_JOB_ID], action[16];
    struct vd_err err;
};

/*
 * Connects in the background and joins the group. VD_CONFIG: the configuration is refused. A broker that cannot be
 * reached is no error (VD_BUS_DOWN follows).
 */
int vd_bus_open(struct vd_bus **bus, const struct vd_bus_setup *setup, struct vd_err *err);

/* Readable when vd_bus_next() has something. */
int vd_bus_fd(const struct vd_bus *bus);

/*
 * The next event without waiting. take_orders: an order may be given; without it they stay where they are, and do not
 * make the descriptor readable again: whoever is willing later asks by itself. To be called until there is nothing, and
 * every few seconds whatever the descriptor says: the broker takes partitions away from a member that never asks
 * (max.poll.interval.ms).
 */
void vd_bus_next(struct vd_bus *bus, bool take_orders, struct vd_bus_event *event);

/* Takes the publication; VD_BUS_PUBLISHED or VD_BUS_UNOWNED follows, perhaps much later: while the broker is away it is
 * kept and tried again. Several that are ready share a transaction. */
void vd_bus_publish(struct vd_bus *bus, struct vd_publication *publication);

/* Best effort, for people to look at: NULL text is a tombstone. */
void vd_bus_status(struct vd_bus *bus, const char *job, const char *text);

/* The cluster's id; empty as long as no broker has answered. */
const char *vd_bus_cluster(struct vd_bus *bus);

/*
 * The group's committed offset of a partition of vidriera.jobs: 0 and *offset (-1: none), or -1 when no broker
 * answers within the time. Any thread; blocks.
 */
int vd_bus_committed(struct vd_bus *bus, int32_t partition, int timeout_ms, int64_t *offset);

/* Publications that were not given back by vd_bus_next() yet. */
int vd_bus_pending(const struct vd_bus *bus);

/*
 * Sends what is pending as far as it can, aborts what is open, leaves the group, all within about the time, and frees.
 * What librdkafka does not end by then is left to itself. Accepts NULL.
 */
void vd_bus_close(struct vd_bus *bus, int timeout_ms);

#endif
