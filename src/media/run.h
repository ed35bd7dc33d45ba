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

/* Decoded pictures that wait: enough to bridge the moments when one stage waits for its threads. */
enum { VD_RUN_FRAMES = 4 };

/* What the device has turned out not to do for this recording; all zero: nothing is known against it. */
struct vd_lacks {
    int decoding;       /* FFmpeg's error of its decoder */
    char encoding[200]; /* why it does not encode it */
};

struct vd_run {
    const struct vd_job *job;
    struct vd_media_io io;
    AVFrame *first;            /* look */
    struct vd_verdict verdict; /* verify */
    struct vd_source source;   /* demux */
    struct vd_plan plan;
    AVCodecContext *decoder; /* decode */
    struct vd_decoder_pool decoder_pool;
    AVCodecContext *encoder;     /* encode */
    struct vd_device *device;    /* the caller's */
    struct vd_device *processor; /* ours, where the plan does without the caller's; else NULL */
    struct vd_filter *filter;    /* encode */
    bool on_device;              /* the decoder gives surfaces */
    struct vd_lacks lacks;       /* encode, decode: more of them, and the run is to begin anew */
    struct vd_mux mux;           /* mux */
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

/* opening.c: all that the stages need, once `first` is known. VD_UNFIT: see vd_plan_make(). Closing also after a failure. */
int vd_run_open(struct vd_run *run, const struct vd_media_watch *watch, struct vd_err *err);
void vd_run_close(struct vd_run *run);
int vd_run_decoder_threads(const struct vd_job *job);

/* Stages: bodies of threads. Each pushes its end downstream and returns; an error goes through vd_run_fail. */
void *vd_demux_main(void *run);
void *vd_decode_main(void *run);
void *vd_encode_main(void *run);
void *vd_mux_main(void *run);

/* Keeps err when it is the first, and lets every stage end; whether it was. Any thread. */
bool vd_run_fail(struct vd_run *run, const struct vd_err *err);

/* Whether some stage has failed: then the end of a queue is not the end of the recording. Any thread. */
bool vd_run_failed(struct vd_run *run);

#endif
