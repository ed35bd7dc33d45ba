/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A finished recording becomes a job. One thread runs vd_watch_run() until it is told to stop: in a process of its own
 * (`vidriera watch`) or beside the supervisor (`vidriera run`).
 *
 * Finished is a file whose index is readable and whose size and mtime were the same at two looks on our own clock: a
 * second apart when its session folder (or one between) has Jibri's metadata.json or the mark .vidriera-final, not older
 * than the file; `quiet` seconds apart otherwise. One that never gets an index is handed in after twelve quiet times, a
 * minute at least: the pipeline tells what is wrong with it. inotify makes it quick, looking again every `rescan`
 * seconds makes it right where inotify is blind.
 */
#ifndef VIDRIERA_WATCH_H
#define VIDRIERA_WATCH_H

#include "vidriera/board.h"
#include "vidriera/job.h"
#include "vidriera/news.h"
#include "vidriera/roots.h"
#include "vidriera/sender.h"

#include <stdatomic.h>

struct vd_watch_setup {
    const struct vd_roots *roots;
    const struct vd_bus_setup *bus;
    const struct vd_recipe *recipe;
    int quiet_s, rescan_s;
    int outstanding;            /* at most so many jobs are sent and not done at a time; 0: any number */
    bool once;                  /* ends when everything that is there is sent or will not be */
    bool alone;                 /* no worker runs in this process: the watch tells systemd of it, and the board */
    struct vd_board *board;     /* told when alone; NULL: none */
    const struct vd_news *news; /* tells whether a broker answers; NULL: orders that are sent tell it alone */
};

/* Shared with other threads. */
struct vd_watch_state {
    atomic_bool stop;
    int wake;         /* eventfd: written to make it look at `stop`, or at what is done, at once */
    atomic_bool idle; /* nothing grows, waits to be sent, or is sent and not done */
    atomic_llong sent, orphans;
};

int vd_watch_state_init(struct vd_watch_state *state, struct vd_err *err);
void vd_watch_state_finish(struct vd_watch_state *state);

/*
 * Until stop (0) or an error that does not pass by itself (-1). Faults of the host are logged once, and waited out; with
 * `once` they end it: VD_UNAVAILABLE when orders are not taken, VD_IO when a folder is away.
 */
int vd_watch_run(const struct vd_watch_setup *setup, struct vd_watch_state *state, struct vd_err *err);

#endif
