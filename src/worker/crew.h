/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The slots of a worker: who works on what, and is it still alive? On the supervisor's thread. */
#ifndef VIDRIERA_WORKER_CREW_H
#define VIDRIERA_WORKER_CREW_H

#include "show.h"
#include "work.h"

#include "vidriera/slot.h"
#include "vidriera/supervisor.h"

struct vd_place {
    struct vd_slot slot;
    char device[64];      /* that the slot has opened, or will: words */
    struct vd_work *work; /* NULL: idle */
    int jobs;             /* since it was started */
    double began;         /* monotonic: of the attempt */
    double moved_at;      /* when it last got anything done */
    int64_t moved;
    struct vd_pace pace;
    double start_at; /* not before: a slot that cannot be started is tried again later */
};

struct vd_crew {
    struct vd_place place[VD_SLOTS_MAX];
    int count;
};

/* Starts what is missing. Failures are logged and tried again after a while. */
void vd_crew_fill(struct vd_supervisor *sup, double now);

/* Gives the place a slot with that device, unless it has one. VD_AGAIN: no process to be had. */
int vd_crew_equip(struct vd_supervisor *sup, struct vd_place *place, const char *device, struct vd_err *err);

/* An idle slot, NULL when all work. */
struct vd_place *vd_crew_idle(struct vd_crew *crew);
int vd_crew_working(const struct vd_crew *crew);
struct vd_place *vd_crew_find(struct vd_crew *crew, const struct vd_work *work);

/* Its socket is readable. */
void vd_crew_receive(struct vd_supervisor *sup, struct vd_place *place, double now);

/* Ends slots that hang or take too long. */
void vd_crew_watch(struct vd_supervisor *sup, double now);

/* When vd_crew_watch() or vd_crew_fill() has something to do next; monotonic. */
double vd_crew_due(const struct vd_supervisor *sup, double now);

/* Kills the slot under a work, without a word about it. */
void vd_crew_stop(struct vd_crew *crew, const struct vd_work *work);

/* Idle ones leave by themselves. */
void vd_crew_finish(struct vd_crew *crew);

#endif
