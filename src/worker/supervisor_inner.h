/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the supervisor share. All of it belongs to the supervisor's thread. */
#ifndef VIDRIERA_WORKER_SUPERVISOR_INNER_H
#define VIDRIERA_WORKER_SUPERVISOR_INNER_H

#include "cancelled.h"
#include "courier.h"
#include "crew.h"
#include "host.h"
#include "janitor.h"
#include "show.h"
#include "work.h"

#include "vidriera/choose.h"
#include "vidriera/supervisor.h"

struct vd_supervisor {
    struct vd_supervisor_setup setup;
    struct vd_bus *bus;
    struct vd_janitor *janitor;
    struct vd_courier courier; /* the janitor's thread */
    struct vd_crew crew;
    struct vd_chooser *chooser; /* of setup.device */
    struct vd_host host;
    struct vd_cancelled cancelled;
    struct vd_shown shown;

    struct vd_work **works; /* all orders that are out, in the order of their arrival */
    int count, room;

    int signals; /* signalfd */
    int stops;   /* SIGTERM or SIGINT so far: 1 drains, 2 ends now */
    double drain_until;
    int taken; /* orders, for max_jobs */
    bool bus_up;
    double opened; /* monotonic */
    bool fatal;    /* the bus cannot go on: err */
    struct vd_err err;
    struct vd_supervisor_end end;
};

/* A status message about a job, for people. err: why it is tried again, or NULL. */
void vd_supervisor_tell(struct vd_supervisor *sup, struct vd_work *work, const char *state, double fraction,
                        int64_t frames, const struct vd_err *err);

/* What was told of it, if anything, holds no more. */
void vd_supervisor_untell(struct vd_supervisor *sup, struct vd_work *work);

#endif
