/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The media part as its caller sees it: descriptors and a job in, a report out. Called by the slot, which is a process of
 * its own: FFmpeg and its drivers may crash or hang in here.
 */
#ifndef VIDRIERA_MEDIA_H
#define VIDRIERA_MEDIA_H

#include "vidriera/job.h"

#include <stdbool.h>
#include <stdint.h>

struct vd_media_io {
    int input;   /* open for reading, seekable */
    int output;  /* open for reading and writing, empty; -1 with decode_only */
    int preview; /* the same, for a PNG; -1: none */
};

struct vd_media_progress {
    double fraction; /* of the recording; negative: its length is not known */
    int64_t frames;
    double position_s; /* of the recording */
    int64_t work;      /* rises as long as anything moves: what a stall is measured by */
};

/* Told what is going on. Called on the thread that called vd_media_run, at most ten times a second. */
struct vd_media_watch {
    /* Before any work on the output: what it will be. */
    void (*planned)(void *opaque, const char *container);
    void (*progressed)(void *opaque, const struct vd_media_progress *progress);
    void *opaque;
};

/*
 * Runs the job to its end. 0: *report is a new object with the members input, output, device, metrics, verify, dropped
 * and warnings of vidriera.result.v1, as far as they are known here. -1 and *err otherwise; every thread has ended.
 */
int vd_media_run(const struct vd_job *job, const struct vd_media_io *io, const struct vd_media_watch *watch,
                 json_t **report, struct vd_err *err);

/* Sends FFmpeg's own words through vd_log, at most at the given level. Once, before any thread. */
void vd_media_log_init(void);

#endif
