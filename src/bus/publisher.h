/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher: one thread that alone calls the transactional producer, because those calls block. All calls here are
 * the loop's and do not block; what becomes of a publication is put into the inbox. A publication is sent only while its
 * partition is held with its epoch.
 */
#ifndef VIDRIERA_BUS_PUBLISHER_H
#define VIDRIERA_BUS_PUBLISHER_H

#include "inbox.h"
#include "publication.h"

struct vd_publisher;

/* The setup, the consumer and the inbox must live longer. The consumer tells the group's metadata. */
int vd_publisher_open(struct vd_publisher **publisher, const struct vd_bus_setup *setup, rd_kafka_t *consumer,
                      struct vd_inbox *inbox, struct vd_err *err);

/* Takes it. */
void vd_publisher_send(struct vd_publisher *publisher, struct vd_publication *publication);

/* From now on the partition is held, with that epoch; or it is not, and what waits for it is given back. */
void vd_publisher_hold(struct vd_publisher *publisher, int32_t partition, unsigned epoch);
void vd_publisher_release(struct vd_publisher *publisher, int32_t partition);

/* Is a transaction under way that holds its offset? The inbox's descriptor is woken when it ends. */
bool vd_publisher_busy(struct vd_publisher *publisher, int32_t partition);

/*
 * Sends what waits, as far as that can be done until then, of vd_monotonic_ms(), aborts the rest, and frees. Blocks.
 * Accepts NULL.
 */
void vd_publisher_close(struct vd_publisher *publisher, int64_t deadline_ms);

#endif
