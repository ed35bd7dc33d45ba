/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events on their way to the loop, from the publisher's and the control reader's thread, and the descriptor that wakes
 * it for them and for librdkafka's queues. Any thread.
 */
#ifndef VIDRIERA_BUS_INBOX_H
#define VIDRIERA_BUS_INBOX_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

struct vd_inbox {
    int fd; /* an eventfd */
    pthread_mutex_t mutex;
    struct vd_letter *first, **last;
    bool fatal; /* one VD_BUS_FATAL is enough */
};

/* VD_AGAIN. vd_inbox_finish() frees what nobody took. */
int vd_inbox_init(struct vd_inbox *inbox, struct vd_err *err);
void vd_inbox_finish(struct vd_inbox *inbox);

/* Copies the event; what it points to changes hands. */
void vd_inbox_put(struct vd_inbox *inbox, const struct vd_bus_event *event);
void vd_inbox_put_fatal(struct vd_inbox *inbox, const struct vd_err *err);

/* False: there is none. */
bool vd_inbox_take(struct vd_inbox *inbox, struct vd_bus_event *event);

/* Makes the descriptor readable, now; whenever something comes into an empty queue; no more for that queue. */
void vd_inbox_wake(const struct vd_inbox *inbox);
void vd_inbox_watch(const struct vd_inbox *inbox, rd_kafka_queue_t *queue);
void vd_inbox_unwatch(rd_kafka_queue_t *queue);

/* Until the next wake-up it is not readable. */
void vd_inbox_clear(const struct vd_inbox *inbox);

#endif
