/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The media part as its caller sees it: descriptors and a job in, a report out. Called by the slot, which is a process of
 * its own: FFmpeg and its drivers may crash or hang in here.
 */
#ifndef VIDRIERA_MEDIA_H
#define VIDRIERA_MEDIA_H

#include "vidriera/device.h"
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
 * Runs the job to its end, on the device unless decode_only. 0: *report is a new object with the members input, output, device, metrics, verify, dropped
 * and warnings of vidriera.result.v1, as far as they are known here. -1 and *err otherwise; every thread has ended.
 */
int vd_media_run(const struct vd_job *job, struct vd_device *device, const struct vd_media_io *io,
                 const struct vd_media_watch *watch, json_t **report, struct vd_err *err);

/*
 * Does the device really work? A few pictures of that size go through its encoder, and what came of it through the whole
 * pipeline: its decoder, kernel and encoder; both results are decoded in software, and compared with the pictures and with
 * what the processor makes of them. 0: *report is a new object {model, decoder, kernel, encoder, copies_per_frame,
 * psnr, tint_gb_per_s}; model is null where the device has no name; psnr is the worst plane's, null where all are equal;
 * tint_gb_per_s counts bytes read and written, null where it could not be had. -1 and *err: VD_UNAVAILABLE and the cause in words, pixels that are not right among them;
 * VD_AGAIN: busy, which says nothing of the device.
 */
struct vd_media_probe {
    int width, height;   /* 64 at least */
    enum vd_codec codec; /* AUTO is H.264 */
    bool deep;           /* 10 bits */
};

int vd_media_probe(const struct vd_media_probe *probe, struct vd_device *device, const struct vd_limits *limits,
                   json_t **report, struct vd_err *err);

/*
 * How far two recordings are apart: both are decoded in software. 0: *report is {frames, psnr: {y, u, v}}, each null where
 * they are equal. VD_INPUT: one does not decode, or they differ in size or in the number of pictures.
 */
int vd_media_compare(int fd_a, int fd_b, const struct vd_limits *limits, json_t **report, struct vd_err *err);

/* Once, while files can still be opened: what FFmpeg's libraries want of the system later is read now. */
void vd_media_prepare(void);

/* Sends FFmpeg's own words through vd_log, at most at the given level. Once, before any thread. */
void vd_media_log_init(void);

#endif
