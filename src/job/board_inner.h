/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the board share. All of it under the board's lock, but for the beat.
 *
 * A job is what is known of one name: the newest result, the newest status, the time of its dead letter, and the orders
 * on Kafka that are at home there. What is shown follows from these alone, not from the order in which they came. A job
 * of which nothing is left is gone: it stays for a while, so that a reader who knew it learns so.
 */
#ifndef VIDRIERA_JOB_BOARD_INNER_H
#define VIDRIERA_JOB_BOARD_INNER_H

#include "vidriera/board.h"

#include <pthread.h>
#include <stdatomic.h>

enum { VD_TIME_TEXT = 32 };

enum vd_shown {
    VD_SHOWN_RUNNING,
    VD_SHOWN_RETRYING,
    VD_SHOWN_WAITING,
    VD_SHOWN_COMPLETED, /* the ends, as enum vd_status has them */
    VD_SHOWN_FAILED,
    VD_SHOWN_REJECTED,
    VD_SHOWN_CANCELLED,
    VD_SHOWN_GONE,
};

struct vd_board_job {
    char name[VD_JOB_ID]; /* its id, or the coordinates of a message without one */
    uint64_t version;     /* of its last change */
    enum vd_shown shown;
    json_t *result;              /* NULL: none */
    char finished[VD_TIME_TEXT]; /* of the result */
    json_t *status;              /* NULL: none, or a tombstone came */
    char told[VD_TIME_TEXT];     /* time of the newest status, by the worker's clock */
    double heard;                /* monotonic: when it came; 0: it was there before */
    bool placed;                 /* a status told where its message is */
    int32_t partition;
    int64_t offset;
    int64_t letter_ms; /* 0: none */
};

struct vd_board_order {
    int32_t partition;
    int64_t offset, timestamp_ms;
    char home[VD_JOB_ID]; /* the job's name */
    bool nameless;
    char root[16], *path, *session;
};

struct vd_board_partition {
    int32_t partition;
    int64_t committed, end;
};

struct vd_board {
    char *kind, *worker;
    int slots;
    double patience_s;
    _Atomic double beat; /* monotonic */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t version;
    uint64_t forgotten;   /* of what changed up to here, something is no longer known */
    bool ends;            /* nobody waits any more */
    bool alive;           /* as readers were told last */
    char *need[VD_NEEDS]; /* NULL: met */
    char *device, *reason;
    int working;
    bool read;   /* what Kafka remembers is here */
    char *queue; /* what may not be read; NULL: nothing */

    struct vd_board_job **jobs;
    int job_count, job_room;
    struct vd_board_order *orders;
    int order_count;
    struct vd_board_partition *partitions;
    int partition_count;
};

/* --- board.c */

void vd_board_lock(struct vd_board *board);
void vd_board_unlock(struct vd_board *board);

/* The next version; wakes who waits. */
uint64_t vd_board_change(struct vd_board *board);

/* Is there nothing that keeps it from taking jobs? */
bool vd_board_met(const struct vd_board *board);

/* What time alone changes: the loop is stuck, or well again; runs that were not heard of for too long run no more. */
void vd_board_expire(struct vd_board *board);

/* --- board_jobs.c */

struct vd_board_job *vd_board_job(const struct vd_board *board, const char *name);

/* Finds it too. Pointers to other jobs end. NULL: no memory, or no name that a job can have. */
struct vd_board_job *vd_board_make(struct vd_board *board, const char *name);

/* Something about it changed. */
void vd_board_settle(struct vd_board *board, struct vd_board_job *job);

void vd_board_jobs_expire(struct vd_board *board);

void vd_board_jobs_finish(struct vd_board *board);

/* --- board_orders.c */

/* The newest order that is at home there; NULL: none. */
const struct vd_board_order *vd_board_order_of(const struct vd_board *board, const struct vd_board_job *job);

/* The order at the job's coordinates is the job's. */
void vd_board_name_order(struct vd_board *board, const struct vd_board_job *job);

void vd_board_orders_finish(struct vd_board *board);

/* --- board_words.c */

enum { VD_HIDDEN = 8 };

/* Paths and names that are not to be told, whole or in part. */
struct vd_hidden {
    const char *text[VD_HIDDEN];
    int count;
};

/* Words for people: without paths of this machine, of a device's node its name alone; with hidden, also without those,
 * without any path beneath a root, and without commands that name one. New; NULL: no memory. */
char *vd_board_words(const char *text, const struct vd_hidden *hidden);

/* The same of every text in a value; with hidden, members named path, session, meta and title are left out. New. */
json_t *vd_board_clean(const json_t *value, const struct vd_hidden *hidden);

/* {"class","code","stage","why","cure"} of a document's {"class","code","stage","message"}. New; NULL: it is none. */
json_t *vd_board_error(const json_t *error, const struct vd_hidden *hidden);

#endif
