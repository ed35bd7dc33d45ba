/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Orders on their way out: those of finished files, and those that wait in the spool. While no broker takes them, one at
 * a time is tried, and the rest stays where it is. One thread.
 */
#ifndef VIDRIERA_WORKER_WATCH_SEND_H
#define VIDRIERA_WORKER_WATCH_SEND_H

#include "vidriera/watch.h"

#include "watch_scan.h"

/* An order of the spool that was sent. */
struct vd_spooled {
    char *name; /* of its file */
    char id[VD_JOB_ID];
    enum vd_watch_step step;
};

struct vd_watch_out {
    const struct vd_watch_setup *setup;
    struct vd_watch_state *state;
    struct vd_watch_tree *tree;
    struct vd_sender *sender;
    int awaited;       /* acknowledgements */
    int outstanding;   /* sent and not done */
    bool away;         /* no broker took the last one */
    int64_t retry_ms;  /* not before */
    bool refused;      /* an order came back, ever */
    bool closing;      /* what comes back now is no news */
    char why[480];     /* the last one came back */
    bool spool_left;   /* something in the spool is still to be sent */
    bool spool_closed; /* told that it cannot be read */
    struct vd_spooled *spooled;
    size_t count, room;
};

int vd_watch_out_open(struct vd_watch_out *out, const struct vd_watch_setup *setup, struct vd_watch_state *state,
                      struct vd_watch_tree *tree, struct vd_err *err);
void vd_watch_out_close(struct vd_watch_out *out);

/* Takes acknowledgements, without waiting: files become VD_WATCH_TAKEN, or VD_WATCH_FINISHED again. */
void vd_watch_out_serve(struct vd_watch_out *out);

/* Looks which of the sent ones are done, and counts the others. -1: VD_IO. */
int vd_watch_out_done(struct vd_watch_out *out, struct vd_err *err);

/* May one more be sent now? */
bool vd_watch_out_room(const struct vd_watch_out *out);

/* -1: not now; told once. */
int vd_watch_out_send(struct vd_watch_out *out, const char *id, const char *text, const char *traceparent);

/* Sends what the spool holds, as far as there is room. */
void vd_watch_out_spool(struct vd_watch_out *out);

/* Nothing of the spool waits, is under way, or is not done. */
bool vd_watch_out_spool_empty(const struct vd_watch_out *out);

#endif
