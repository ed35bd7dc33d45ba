/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's faults: a full disk, a folder that is away, a device that the worker demands and that is lost. No job is to blame, so none is
 * given up: the worker takes no more orders, keeps those it has, and tries one of them after a while. One thread.
 */
#ifndef VIDRIERA_WORKER_HOST_H
#define VIDRIERA_WORKER_HOST_H

#include "vidriera/err.h"

#include <stdbool.h>
#include <stdint.h>

struct vd_host {
    bool ill;
    struct vd_err err; /* the last fault */
    double retry_at;   /* monotonic: one job may try */
    double pause;
    int64_t room; /* bytes that must be free before it is well; 0: it is about something else */
};

/* Said once as long as the words stay the same. */
void vd_host_fault(struct vd_host *host, const struct vd_err *err, double now);

/* A job went through. */
void vd_host_well(struct vd_host *host);

/* How many jobs may run now: all, one as a trial, none. */
int vd_host_allows(const struct vd_host *host, double now, int all);

#endif
