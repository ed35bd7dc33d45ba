/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of recordings, and what is known of each file in it. One thread. */
#ifndef VIDRIERA_WORKER_WATCH_SCAN_H
#define VIDRIERA_WORKER_WATCH_SCAN_H

#include "vidriera/order.h"
#include "vidriera/roots.h"

#include "watch_notify.h"
#include "watch_ready.h"

enum vd_watch_step {
    VD_WATCH_LOOKING,  /* it may still be written */
    VD_WATCH_FINISHED, /* to be sent */
    VD_WATCH_SENT,     /* not acknowledged yet */
    VD_WATCH_TAKEN,    /* acknowledged, and not done */
    VD_WATCH_OVER,     /* done, or never to be sent */
    VD_WATCH_STUCK,    /* cannot be read: told once, tried again now and then */
};

struct vd_watch_file {
    char *path; /* beneath the root: any bytes but 0 */
    enum vd_watch_step step;
    struct vd_ready ready;
    char id[VD_JOB_ID]; /* once it is known; empty before */
    int64_t retry_ms;   /* of VD_WATCH_STUCK */
    bool fresh;         /* not looked up among what is done, since it is as it is */
    bool orphan;        /* of a session that nobody finished */
    bool told_stuck, told_meta;
};

struct vd_watch_tree {
    struct vd_watch_file **files; /* by path, as strcmp() has it */
    size_t count;
    bool told_deep, told_closed, told_many;
};

/*
 * Looks at everything beneath recordings: new files come in, gone ones go, one that changed starts anew. VD_IO: the
 * root is away, and nothing has changed in *tree.
 */
int vd_watch_scan(struct vd_watch_tree *tree, const struct vd_roots *roots, struct vd_notify *notify,
                  struct vd_err *err);

void vd_watch_tree_finish(struct vd_watch_tree *tree);

/* metadata.json and .vidriera-final. */
bool vd_watch_is_mark(const char *name);

/* Its folder in the root counts as a session; files in the root itself have none. Returns how long its name is. */
size_t vd_watch_session(const char *path);

#endif
