/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that Kafka tells of jobs, for people: orders, results, dead letters, status. No group is joined and no
 * offset committed: readers are as many as like. One thread owns a feed.
 */
#ifndef VIDRIERA_FEED_H
#define VIDRIERA_FEED_H

#include "vidriera/bus.h"

struct vd_feed;

/* A record; pointers live until the next call. A tombstone has no value. Aborted ones are not given. */
struct vd_feed_record {
    enum vd_topic topic; /* VD_TOPIC_JOBS, RESULTS, DLQ or STATUS */
    int32_t partition;
    int64_t offset, timestamp_ms;
    const void *key, *value;
    size_t key_size, value_size;
    const struct vd_header *headers;
    int header_count;
};

/* Of a partition of vidriera.jobs. */
struct vd_feed_lag {
    int32_t partition;
    int64_t committed; /* the group's; the first offset that is there when it has none */
    int64_t end;
};

/*
 * history: about so many records of results and of dead letters are read from before, the newest. Status is read from its
 * beginning, jobs from what the group has committed. Never waits for a broker: until one answers there is nothing.
 * VD_CONFIG, VD_AGAIN.
 */
int vd_feed_open(struct vd_feed **feed, const struct vd_bus_setup *setup, int history, struct vd_err *err);

/* 1: *record; 0: nothing within the time. Finds new partitions, and comes back after a broker was away. */
int vd_feed_next(struct vd_feed *feed, int timeout_ms, struct vd_feed_record *record);

/* True when everything that was there at the opening, and may be read, has been given. */
bool vd_feed_caught_up(const struct vd_feed *feed);

/* Topics that may not be read, a bit (1 << topic) each. */
unsigned vd_feed_forbidden(const struct vd_feed *feed);

/* Did a broker answer lately? False until one does. Any thread. */
bool vd_feed_hears(const struct vd_feed *feed);

/* Asked of the broker at most once a second, in the background; fills what was last known. Returns how many. */
int vd_feed_lags(struct vd_feed *feed, struct vd_feed_lag *lags, int room);

/* Accepts NULL. */
void vd_feed_close(struct vd_feed *feed, int timeout_ms);

/* Whose dead letter is it? False: nobody can tell. */
bool vd_letter_job(const struct vd_feed_record *record, char job[VD_JOB_ID]);

/* Of an order that is sent once more: the coordinates `<topic>-<partition>-<offset>` of the message that failed. */
#define VD_RETRY_HEADER "vidriera.retry"
enum { VD_ORIGIN = 290 };

/*
 * A dead letter of the job goes back to vidriera.jobs as it came, with VD_RETRY_HEADER. Whoever takes it forgets the end
 * that the failed message had (once: a second retry of the same letter is a duplicate). The newest letter of the job is
 * taken. VD_NO_INPUT: there is none. VD_INPUT: it is not whole. VD_UNAVAILABLE: no broker, or not all letters, within
 * the time. Blocks, half a second longer at most; any thread.
 */
int vd_letter_retry(const struct vd_bus_setup *setup, const char *job, int timeout_ms, struct vd_err *err);

/* The same without a letter: text is the order's JSON, made anew; origin what the header is to say. VD_UNAVAILABLE. */
int vd_order_again(const struct vd_bus_setup *setup, const char *job, const char *text, const char *origin,
                   int timeout_ms, struct vd_err *err);

#endif
