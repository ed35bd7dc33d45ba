/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The output file: header, packets in order, index in front. Opened before the pipeline's threads start, fed by the mux
 * thread alone.
 */
#ifndef VIDRIERA_MEDIA_MUX_H
#define VIDRIERA_MEDIA_MUX_H

#include "carry.h"

/* What the check compares the finished file with. Sums wrap; pts in the video stream's time base. */
struct vd_tally {
    int64_t packets;
    int64_t first, last, last_duration; /* smallest and largest pts */
    uint64_t sum, squares;              /* of pts */
};

struct vd_mux {
    AVFormatContext *format;
    AVIOContext *io;
    AVStream *video;
    int video_index;        /* of the input's stream that became `video` */
    struct vd_carry *carry; /* one a stream of the input */
    int carries;
    struct vd_tally tally;
    AVPacket *held;    /* the picture's last packet so far: it waits for the end, or the next */
    int64_t first_dts; /* of the picture */
    int64_t repaired;  /* times of carried packets */
    int64_t late;      /* packets of streams that turned up after the header */
    const struct vd_plan *plan;
    struct vd_notes *notes;
};

/* fd: the empty output. Writes the header. On failure close it all the same. */
int vd_mux_open(struct vd_mux *mux, const struct vd_plan *plan, const struct vd_source *source,
                const AVCodecContext *encoder, int fd, atomic_llong *moved, struct vd_notes *notes, struct vd_err *err);

/* Takes *packet: of the encoder (stream_index == video_index, plan's time base) or as the demuxer gave it. */
int vd_mux_write(struct vd_mux *mux, AVPacket *packet, struct vd_err *err);

/* Index, trailer, flush. */
int vd_mux_end(struct vd_mux *mux, struct vd_err *err);

/* Accepts a half-open one. */
void vd_mux_close(struct vd_mux *mux);

/* Adds a picture's packet to a tally. */
void vd_tally_add(struct vd_tally *tally, int64_t pts, int64_t duration);

#endif
