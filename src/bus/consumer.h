/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The group's member: partitions come and go, and of each at most one order is out. All calls are the loop's and do not
 * block, but for vd_consumer_close().
 */
#ifndef VIDRIERA_BUS_CONSUMER_H
#define VIDRIERA_BUS_CONSUMER_H

#include "inbox.h"
#include "publisher.h"

struct vd_consumer;

/* The handle is made here and connects; vd_consumer_join() makes it a member. The inbox must live longer. */
int vd_consumer_open(struct vd_consumer **consumer, const struct vd_bus_setup *setup, struct vd_inbox *inbox,
                     struct vd_err *err);
rd_kafka_t *vd_consumer_handle(const struct vd_consumer *consumer);

/* The publisher is told which partitions are held. */
void vd_consumer_join(struct vd_consumer *consumer, struct vd_publisher *publisher);

/* Rebalances and errors. */
void vd_consumer_serve(struct vd_consumer *consumer);

/* The next order, fairly from all partitions that are free; NULL: none. */
struct vd_message *vd_consumer_next(struct vd_consumer *consumer);

/* The partition may give its next order, if it is still the same assignment. */
void vd_consumer_free_partition(struct vd_consumer *consumer, int32_t partition, unsigned epoch);

/*
 * Leaves the group and frees; blocks till the deadline, of vd_monotonic_ms(), at most, but for what librdkafka needs to
 * end its threads. The publisher must be closed. Accepts NULL.
 */
void vd_consumer_close(struct vd_consumer *consumer, int64_t deadline_ms);

#endif
