/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The worker's supervisor: one event loop (Kafka, slots, signals, timers) on the thread that calls vd_supervisor_run().
 * It holds the secrets, the network and the folders; recordings are read and made in slots. Each job goes through take,
 * claim, run, verify, commit, publish, archive; a crash after any word replays to the same end.
 */
#ifndef VIDRIERA_SUPERVISOR_H
#define VIDRIERA_SUPERVISOR_H

#include "vidriera/board.h"
#include "vidriera/bus.h"
#include "vidriera/job.h"
#include "vidriera/roots.h"
#include "vidriera/watch.h"

struct vd_supervisor_setup {
    const struct vd_roots *roots;
    struct vd_bus_setup bus;
    struct vd_job job;  /* recipe where the order is silent, limits, threads */
    const char *device; /* words of --device, where the order is silent */
    const char *cache;  /* folder for what is known of devices, and what drivers compile; NULL: none */
    const char *worker; /* this worker's name, as results tell it */
    int slots;          /* 1 to VD_SLOTS_MAX */
    int slot_jobs;      /* a slot is replaced after so many */
    int attempts;       /* of a job whose fault may pass */
    int64_t timeout_s;  /* of one attempt; 0: none */
    int64_t drain_s;
    int64_t reserve_bytes;        /* free space that must be there before an attempt */
    bool archive;                 /* false: recordings stay where they are */
    int max_jobs;                 /* then end; 0: never */
    int wait_s;                   /* for the first job, with max_jobs 1 (--once): then end; -1: for ever */
    struct vd_watch_state *watch; /* in this process, told after each job; NULL: none */
    struct vd_board *board;       /* told of this process; NULL: none */
    bool exit_when_idle;          /* end when watch is idle and nothing is left here, or at a fault of the host */
};

enum { VD_SLOTS_MAX = 64 };

/* Read again at SIGHUP: fills what may change while running (limits, recipe, drain, log level). */
typedef int vd_reload_fn(void *opaque, struct vd_supervisor_setup *setup, struct vd_err *err);

struct vd_supervisor_end {
    int64_t completed, failed, rejected, duplicates;
    bool host_fault; /* it ended while jobs were waiting for the host */
    bool hangs;      /* a thread is left in a folder that does not answer: nothing of the setup may be freed */
};

/*
 * Until a signal, max_jobs, or idleness: 0. -1: VD_UNAVAILABLE (no broker, with wait_s), VD_CONFIG, VD_AGAIN …. SIGTERM
 * and SIGINT drain, a second one ends now. Blocks those signals, SIGHUP, SIGCHLD and SIGPIPE in the calling thread:
 * call it before any other thread exists, or with them blocked there too. When it returns SIGTERM and SIGINT end the
 * process, for nobody listens to them any more.
 */
int vd_supervisor_run(const struct vd_supervisor_setup *setup, vd_reload_fn *reload, void *opaque,
                      struct vd_supervisor_end *end, struct vd_err *err);

#endif
