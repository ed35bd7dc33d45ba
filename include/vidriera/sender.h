/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Orders on their way to Kafka: the producer's side, for watch, submit and the spool. One thread owns a sender.
 */
#ifndef VIDRIERA_SENDER_H
#define VIDRIERA_SENDER_H

#include "vidriera/bus.h"

struct vd_sender;

/*
 * Called from any function of the sender on the owner's thread, once for each order or action sent: acknowledged by the
 * broker, or not (then nothing is known: it may have arrived; sending again is harmless, the id is the same).
 */
typedef void vd_sent_fn(void *opaque, const char *job, bool acknowledged, const char *why_not);

/* VD_CONFIG. Only kafka, count and source of the setup are used. timeout_ms: after that an order that no broker took is
 * given back to `sent`. Topics are never made by the way: where jobs is missing, orders come back. */
int vd_sender_open(struct vd_sender **sender, const struct vd_bus_setup *setup, int timeout_ms, vd_sent_fn *sent,
                   void *opaque, struct vd_err *err);

/*
 * text: the order's JSON (vd_order_to_json), copied. As CloudEvents in binary mode, keyed by job. VD_AGAIN: its queue
 * is full.
 */
int vd_sender_send(struct vd_sender *sender, const char *job, const char *text, const char *traceparent,
                   struct vd_err *err);

/* An action on a job, to the control topic: {"job", "action"}, keyed by job. */
int vd_sender_control(struct vd_sender *sender, const char *job, const char *action, struct vd_err *err);

/* Serves acknowledgements: waits for some for at most that long. Returns how many are still awaited. */
int vd_sender_poll(struct vd_sender *sender, int timeout_ms);

/* Gives back what is not acknowledged yet. Accepts NULL. */
void vd_sender_close(struct vd_sender *sender);

/* What comes of jobs, as it comes: results and status. For `submit --wait`. */
struct vd_follower;

/* From now on: what was there before is not read. VD_UNAVAILABLE: no broker answered within the time. VD_CONFIG: a topic
 * is missing, or we are not allowed to. */
int vd_follower_open(struct vd_follower **follower, const struct vd_bus_setup *setup, int timeout_ms,
                     struct vd_err *err);

/* 1: a message (*document a new object, *result tells which topic; job is its key); 0: nothing within the time.
 * Tombstones and what is no JSON object are passed over. */
int vd_follower_next(struct vd_follower *follower, int timeout_ms, char job[VD_JOB_ID], bool *result,
                     json_t **document);

/* Accepts NULL. */
void vd_follower_close(struct vd_follower *follower);

#endif
