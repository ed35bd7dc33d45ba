/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a file in the tree to the order for it. One thread, and one of its own for a digest. */
#ifndef VIDRIERA_WORKER_WATCH_ORDER_H
#define VIDRIERA_WORKER_WATCH_ORDER_H

#include "vidriera/watch.h"

#include "watch_scan.h"

enum vd_watch_made {
    VD_MADE_ORDER,
    VD_MADE_DONE,  /* its job is done already */
    VD_MADE_AGAIN, /* it changed or went away meanwhile, or we are to stop: to be looked at again */
    VD_MADE_STUCK, /* it cannot be read: err */
    VD_MADE_HOST,  /* the state folder is not to be had: err */
};

/*
 * The first thing for a file that is new or was written to: one that can be no job is told and over, one that is done
 * is over. -1: VD_IO.
 */
int vd_watch_meet(const struct vd_watch_setup *setup, struct vd_watch_file *file, struct vd_err *err);

/* Fills file->ready.index. */
enum vd_watch_made vd_watch_look_inside(const struct vd_watch_setup *setup, struct vd_watch_file *file,
                                        struct vd_err *err);

/* The order of a finished file: file->id, and its JSON in *text, which the caller frees. Reads all of the file once. */
enum vd_watch_made vd_watch_order(const struct vd_watch_setup *setup, struct vd_watch_state *state,
                                  struct vd_watch_file *file, char **text, struct vd_err *err);

#endif
