/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the stages of one run share. pipeline.c makes it and starts one thread a stage:
 *
 *     demux --packets--> decode --frames--> encode (effect first) --muxing--> mux
 *       `------------------- sound, subtitles --------------------^
 *
 * Each field is written by the stage named beside it and read by others only after the threads are joined, but for the
 * atomics. The mux queue has two producers and its consumer waits for nobody, so a full queue always drains.
 */
#ifndef VIDRIERA_MEDIA_RUN_H
#define VIDRIERA_MEDIA_RUN_H

#include "clock.h"
#include "mux.h"
#include "preview.h"
#include "queue.h"
#include "verify.h"

#include "vidriera/media.h"

struct vd_run {
    const struct vd_job *job;
    struct vd_media_io io;
    AVFrame *first;            /* look */
    struct vd_verdict verdict; /* verify */
    struct vd_source source;   /* demux */
    struct vd_plan plan;
    AVCodecContext *decoder; /* decode */
    struct vd_decoder_pool decoder_pool;
    AVCodecContext *encoder;  /* encode */
    struct vd_device *device; /* encode */
    struct vd_mux mux;        /* mux */
    struct vd_notes notes;
    struct vd_preview preview; /* encode */

    struct vd_queue packets, frames, muxing;

    int64_t damaged_packets, damaged_frames; /* decode */
    int64_t first_pts;                       /* encode: of the first picture, in the plan's time base */
    int64_t scaled;                          /* encode: frames that had to be converted to the first's kind */
    int64_t packets_read;                    /* demux: of the video */
    int64_t video_end;                       /* demux: largest pts + duration seen, in the stream's time base */
    struct vd_clock clock;                   /* decode */

    atomic_llong moved; /* bytes read and written */
    atomic_bool syncing;
    atomic_llong frames_decoded;
    atomic_llong frames_encoded;
    atomic_llong position_us; /* of the last picture given to the encoder, from the first */

    pthread_mutex_t lock;
    struct vd_err err; /* the first error of all threads */
};

/* Stages: bodies of threads. Each pushes its end downstream and returns; an error goes through vd_run_fail. */
void *vd_demux_main(void *run);
void *vd_decode_main(void *run);
void *vd_encode_main(void *run);
void *vd_mux_main(void *run);

/* Keeps err when it is the first, and lets every stage end. Any thread. */
void vd_run_fail(struct vd_run *run, const struct vd_err *err);

/* Whether some stage has failed: then the end of a queue is not the end of the recording. Any thread. */
bool vd_run_failed(struct vd_run *run);

#endif
