/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An order on its way through the worker, from the message to its end:
 *
 *     take ── claim ── run ── verify ── commit ── publish ── archive
 *
 *     LOOK ──> READY ──> RUNNING ──> PUBLISHING ──> (janitor)
 *      │ ^       ^          │
 *      │ └ HELD  ├ BACKOFF <┤    held elsewhere: look again; a passing fault: later
 *      │         └ HOST    <┘    the host's fault: when the host is well again
 *      └──────────────────────> PUBLISHING        a duplicate, or rejected unread
 *
 * Everything here happens on the supervisor's thread.
 */
#ifndef VIDRIERA_WORKER_WORK_H
#define VIDRIERA_WORKER_WORK_H

#include "vidriera/bus.h"
#include "vidriera/choose.h"
#include "vidriera/claim.h"
#include "vidriera/commit.h"
#include "vidriera/result.h"
#include "vidriera/slot.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

struct vd_place;
struct vd_supervisor;

enum vd_work_state {
    VD_WORK_LOOK,       /* to be looked at: is it done already, may it be claimed? Without an id it waits for a slot */
    VD_WORK_HELD,       /* another process, or another order here, has the claim: until due */
    VD_WORK_READY,      /* ours, waits for a slot */
    VD_WORK_BACKOFF,    /* failed in a way that may pass: until due */
    VD_WORK_HOST,       /* waits until the host is well */
    VD_WORK_RUNNING,    /* in a slot: its digest is read, or it is processed */
    VD_WORK_PUBLISHING, /* its end is with the bus */
    VD_WORK_OVER,       /* to be freed */
};

struct vd_work {
    struct vd_message *message; /* replaced when the same one is delivered anew */
    struct vd_order order;
    enum vd_work_state state;
    double due; /* monotonic: of HELD and BACKOFF; of HOST, since when */
    bool alone; /* it has taken supervisors down: it runs by itself */

    struct vd_claim claim;
    int retries; /* attempts that ended in a fault that may pass */

    int input; /* while it runs */
    struct stat st;
    struct vd_stage stage;
    struct vd_target target;
    bool planned;
    struct vd_choice choice; /* the device of this attempt */
    bool ordered;            /* the order demands it, not the worker */
    double began;            /* monotonic: of this attempt */
    double took;             /* seconds, of the last attempt that ended; 0: there was none */
    double started;          /* wall clock: of the first attempt here */
    double told;             /* monotonic: the last status message */
    bool shown;              /* a status message of it stands on Kafka */

    unsigned epoch;        /* of the message that is being published */
    enum vd_status status; /* of PUBLISHING */
    json_t *document;      /* the end, as it is published; NULL for an order that names no job */
    struct vd_err err;     /* of a failed or rejected one */
    bool duplicate;        /* done before: only its offset is published */
};

/* Takes the message. Parses it; what is no order is rejected at once. */
struct vd_work *vd_work_create(struct vd_supervisor *sup, struct vd_message *message);
void vd_work_free(struct vd_work *work);

/* Is it done already? May it be claimed? Goes on to READY, HELD, HOST or PUBLISHING. */
void vd_work_look(struct vd_supervisor *sup, struct vd_work *work);

/* Whether it wants a slot now. */
bool vd_work_wants_slot(const struct vd_work *work);

/* With the slot's events. */
void vd_work_start(struct vd_supervisor *sup, struct vd_work *work, struct vd_place *place);
void vd_work_digested(struct vd_supervisor *sup, struct vd_work *work, const char *digest);
void vd_work_planned(struct vd_supervisor *sup, struct vd_work *work, const char *container);
void vd_work_progress(struct vd_supervisor *sup, struct vd_work *work, const struct vd_media_progress *progress);
void vd_work_done(struct vd_supervisor *sup, struct vd_work *work, json_t *report); /* takes report */
void vd_work_failed(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err);

/* Its slot died of `how` ("SIGSEGV", "no progress for 60 s" …). overdue: it was at work, and ended for taking too long. */
void vd_work_died(struct vd_supervisor *sup, struct vd_work *work, const char *how, bool overdue);

/* By control message. Its slot, if it has one, was stopped. */
void vd_work_cancel(struct vd_supervisor *sup, struct vd_work *work);

/* The worker ends: the order stays on Kafka. Its slot, if it has one, was stopped. */
void vd_work_give_back(struct vd_supervisor *sup, struct vd_work *work);

/* What the bus says of its publication. */
void vd_work_published(struct vd_supervisor *sup, struct vd_work *work);
void vd_work_unowned(struct vd_supervisor *sup, struct vd_work *work);

/* The same message was delivered again. Takes it. */
void vd_work_adopt(struct vd_work *work, struct vd_message *message);

#endif
