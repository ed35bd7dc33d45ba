/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board: what is known of jobs and of this process, for people to look at. The page, `vidriera status` and the
 * events are views of it. Any thread: writers post and go on, readers get copies; nobody waits for a broker or a disk.
 *
 * Jobs of the whole group are here, not of this process alone: they are read from Kafka (news.h), the history too. What
 * is waiting stands under its coordinates until somebody names it: an order may be without id. Bounded: the newest
 * VD_BOARD_ENDED ends, VD_BOARD_WAITING orders (the rest is a number), and what runs; of a document what is shown, as far as
 * it is not too large.
 */
#ifndef VIDRIERA_BOARD_H
#define VIDRIERA_BOARD_H

#include "vidriera/err.h"
#include "vidriera/order.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { VD_BOARD_ENDED = 500, VD_BOARD_WAITING = 500 };

/* What keeps this process from working; each by itself. */
enum vd_need { VD_NEED_KAFKA, VD_NEED_FOLDERS, VD_NEED_DEVICE, VD_NEED_RUNNING, VD_NEEDS };

/* "kafka", "folders", "device", "running" (it is not draining). */
const char *vd_need_name(enum vd_need need);

struct vd_board_setup {
    const char *kind;   /* worker, watch, run */
    const char *worker; /* its name */
    int slots;          /* 0: a watch */
    double patience_s;  /* a loop that has not come round for so long is stuck */
};

struct vd_board;

/* NULL: no memory. */
struct vd_board *vd_board_create(const struct vd_board_setup *setup);
void vd_board_destroy(struct vd_board *board);

/* --- of this process. All accept a NULL board. */

/* The event loop came round. */
void vd_board_beat(struct vd_board *board);

/* NULL or empty words: well again. All needs are unmet ("starting") until they are told of. */
void vd_board_need(struct vd_board *board, enum vd_need need, const char *words);
void vd_board_device(struct vd_board *board, const char *device, const char *reason);
void vd_board_working(struct vd_board *board, int slots_working);

/* Has what Kafka remembers of jobs been read? Until it is told of, no. words: what of it cannot be; NULL: nothing. */
void vd_board_read(struct vd_board *board, bool all, const char *words);

/* --- of jobs, in any order, again and again: the same news twice changes nothing. All accept a NULL board. */

/* An order lies on Kafka. id may be empty: then it is `<topic>-<partition>-<offset>`. */
void vd_board_waits(struct vd_board *board, int32_t partition, int64_t offset, int64_t timestamp_ms,
                    const struct vd_order *order);

/* Orders of the partition before this offset have ended; those between are as many as there are. */
void vd_board_committed(struct vd_board *board, int32_t partition, int64_t committed, int64_t end);

/* A message of vidriera.status ({"state","fraction","fps","frames","worker","attempt","partition","offset"…}); NULL: a
 * tombstone, what ran runs no more. Only borrowed. */
void vd_board_status(struct vd_board *board, const char *job, const json_t *status);

/* A result document. Older than the one that is there (by "finished"): ignored. */
void vd_board_result(struct vd_board *board, const char *job, const json_t *result);

/* There is a dead letter of it that can be retried. */
void vd_board_dead_letter(struct vd_board *board, const char *job, int64_t timestamp_ms);

/* --- readers */

/* Does the event loop move? Else words tell why not. */
bool vd_board_alive(struct vd_board *board, char *words, size_t size);

/* Can it take jobs? Else words tell every need that is unmet. */
bool vd_board_ready(struct vd_board *board, char *words, size_t size);

/*
 * A new object:
 *   {"version", "kind", "worker", "program", "alive":bool, "ready":bool, "read":bool,
 *    "needs":{"kafka":null|words,…,"loop":…,"queue":…},
 *    "device":null|{"name","reason"}, "slots", "working", "waiting", "complete":bool,
 *    "jobs":[{"job","version","state":"waiting|running|retrying|completed|failed|rejected|cancelled|gone",
 *             "input":{"root","path"}, "session", "fraction","frames","fps","left_s","worker","attempt","queued",
 *             "started","finished", "error":{"class","code","stage","why","cure"}, "device":{…}, "metrics":{…},
 *             "output":{…}, "verify":{…}, "warnings":[…], "dropped":[…], "retry":bool, "cancel":bool}]}
 * since: only jobs that changed after that version ("complete": false); 0, or a version of long ago: all of them. What
 * is not known is left out. names false: without path, session, meta and the title of anything; in words the path
 * stands as "the recording".
 * "loop" tells why it is not alive, "queue" what of the jobs may not be read; "ready" does not ask for them. "read": the
 * jobs of before are here too; without it, that there are none means nothing.
 * "retry", "cancel": whether that would do something. NULL: no memory.
 */
json_t *vd_board_look(struct vd_board *board, uint64_t since, bool names);

/* Until the version differs from `since` or the time is over. Returns the version now. */
uint64_t vd_board_await(struct vd_board *board, uint64_t since, int timeout_ms);

/* What of the two would do something to the job; cancel, retry: as vd_board_look() tells. False: it is not known. */
bool vd_board_may(struct vd_board *board, const char *job, bool *cancel, bool *retry);

/* What is kept of the job's result document, a new reference; NULL: it has none. To find its files. */
json_t *vd_board_find(struct vd_board *board, const char *job);

/* Words as anybody may read them: without paths of this machine. The caller frees. NULL: no memory. */
char *vd_board_public(const char *text);

/* For the end: nobody waits from now on. Accepts NULL. */
void vd_board_wake(struct vd_board *board);

#endif
