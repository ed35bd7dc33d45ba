/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock.h"

#include "compat.h"

#include <libavutil/mathematics.h>
#include <stdlib.h>

void vd_clock_init(struct vd_clock *clock, AVRational from, AVRational to, AVRational frame_rate, int64_t shift)
{
    *clock = (struct vd_clock){.from = from, .to = to, .shift = shift};
    clock->usual = FFMAX(1, av_rescale_q(1, av_inv_q(frame_rate), to));
}

int64_t vd_clock_stamp(struct vd_clock *clock, AVFrame *frame)
{
    int64_t duration = vd_frame_duration(frame) > 0 ? av_rescale_q(vd_frame_duration(frame), clock->from, clock->to)
                                                    : 0;
    if (duration <= 0)
        duration = clock->usual;
    int64_t expected = clock->started ? clock->last + clock->last_duration : 0;
    int64_t pts = expected;
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        clock->missing++;
    else
        pts = av_rescale_q(frame->best_effort_timestamp, clock->from, clock->to) + clock->shift;
    if (clock->started && pts <= clock->last) {
        pts = clock->last + 1;
        clock->risen++;
    }
    clock->started = true;
    clock->last = frame->pts = pts;
    clock->last_duration = duration;
    return duration;
}

/* FFmpeg's own threshold for what a jump is. A jump forward alone is a pause in the recording, and stays. */
enum { JUMP_US = 10 * AV_TIME_BASE };

int64_t vd_splice_offset(struct vd_splice *splice, int64_t dts, AVRational base)
{
    int64_t offset = splice->offset_us;
    if (dts != AV_NOPTS_VALUE) {
        int64_t time = av_rescale_q(dts, base, AV_TIME_BASE_Q);
        int64_t step = splice->started ? time + offset - splice->last_us : 0;
        /* streams do not jump at the same packet: a straggler still counts in the old way */
        if (llabs(step) > JUMP_US && llabs(time + splice->before_us - splice->last_us) <= JUMP_US) {
            offset = splice->before_us;
        } else if (step < -JUMP_US) {
            splice->before_us = offset;
            splice->offset_us = offset -= step;
            splice->jumps++;
        }
        splice->last_us = time + offset;
        splice->started = true;
    }
    return av_rescale_q(offset, AV_TIME_BASE_Q, base);
}
