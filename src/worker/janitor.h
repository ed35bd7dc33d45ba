/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last word of a job's life, archive, and what a crash or an absent broker left behind: a thread of its own, because moving a recording to another
 * file system takes as long as copying it. What lies in claims/ is unfinished: at start and every minute each of those jobs
 * whose end is recorded, and whose offset Kafka has, is archived by whoever is there.
 */
#ifndef VIDRIERA_WORKER_JANITOR_H
#define VIDRIERA_WORKER_JANITOR_H

#include "vidriera/bus.h"
#include "vidriera/claim.h"

#include "courier.h"

#include <jansson.h>

struct vd_janitor;

struct vd_janitor_setup {
    const struct vd_roots *roots;
    struct vd_bus *bus;
    bool moves;               /* false: recordings stay where they are */
    int64_t reserve_bytes;    /* that must be free in processed */
    struct vd_courier *spool; /* of its own thread from now on; NULL: somebody else empties it */
};

/* NULL and *err: VD_AGAIN. */
struct vd_janitor *vd_janitor_start(const struct vd_janitor_setup *setup, struct vd_err *err);

/* Takes the claim (empty afterwards); document, whose end is published, and trace, for the log, are copied. */
void vd_janitor_give(struct vd_janitor *janitor, struct vd_claim *claim, const json_t *document, const char *trace);

/* Jobs that were given and are not dealt with. Any thread. */
int vd_janitor_pending(struct vd_janitor *janitor);

/* What keeps the folders from being used, as it was a few seconds ago; code 0: nothing. Any thread. */
struct vd_err vd_janitor_folders(struct vd_janitor *janitor);

/* Ends after the job under way, if that is soon. What is left is found again at the next start. False: a folder does not
 * answer: all is left as it is, and so must what it was given be, but for the bus. Accepts NULL. */
bool vd_janitor_stop(struct vd_janitor *janitor);

#endif
