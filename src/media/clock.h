/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times that rise. Decoders hand out times that are missing, equal or run backward; encoders and containers refuse them.
 * Each is repaired by the smallest shift, counted, and no picture is dropped. One thread.
 */
#ifndef VIDRIERA_MEDIA_CLOCK_H
#define VIDRIERA_MEDIA_CLOCK_H

#include <libavutil/frame.h>
#include <stdbool.h>

struct vd_clock {
    AVRational from, to; /* the stream's time base, the plan's */
    int64_t shift;       /* added to every time, in `to` */
    int64_t usual;       /* duration of a picture where nothing tells, in `to` */
    int64_t last, last_duration;
    bool started;
    int64_t missing, risen; /* how many times were not there, how many did not rise */
};

void vd_clock_init(struct vd_clock *clock, AVRational from, AVRational to, AVRational frame_rate, int64_t shift);

/* Sets frame->pts, in `to`, and returns the picture's duration, in `to`, at least 1. */
int64_t vd_clock_stamp(struct vd_clock *clock, AVFrame *frame);

/*
 * Jumps in a transport stream's time (a wrap, a splice) that all its streams share: what to add to a packet's times so
 * that they go on where they were. Only for formats that allow such jumps.
 */
struct vd_splice {
    int64_t offset_us; /* added now */
    int64_t before_us; /* added before the last jump */
    int64_t last_us;   /* of the last packet of any stream, after the offset */
    bool started;
    int64_t jumps;
};

/* dts in base; the offset for this packet, in base. */
int64_t vd_splice_offset(struct vd_splice *splice, int64_t dts, AVRational base);

#endif
