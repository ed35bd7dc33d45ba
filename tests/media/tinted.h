/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's pictures, decoded and then tinted, without an encoder. */
#ifndef TESTS_MEDIA_TINTED_H
#define TESTS_MEDIA_TINTED_H

#include "scratch.h"

#include "plan.h"

struct tinted {
    struct vd_job job;
    struct vd_source source;
    struct vd_plan plan;
    struct vd_notes notes;
    struct vd_decoder_pool pool;
    AVFrame *first;
    AVCodecContext *decoder;
    struct vd_device *device;
    struct vd_filter *filter;
    AVPacket *packet;
};

static inline void tinted_open(struct tinted *tinted, int fd)
{
    static atomic_llong moved;
    struct vd_err err = {0};
    *tinted = (struct tinted){.pool = VD_DECODER_POOL_NONE, .packet = av_packet_alloc()};
    vd_job_defaults(&tinted->job);
    vd_notes_init(&tinted->notes);
    assert_int_equal(vd_source_open(&tinted->source, fd, &tinted->job.limits, &moved, &err), 0);
    tinted->first = vd_source_first_frame(&tinted->source, &tinted->job.limits, NULL, &err);
    assert_non_null(tinted->first);
    vd_source_close(&tinted->source);
    assert_int_equal(vd_source_open(&tinted->source, fd, &tinted->job.limits, &moved, &err), 0);
    assert_int_equal(vd_plan_make(&tinted->plan, &tinted->job, VD_FAMILY_SOFTWARE, &tinted->source, tinted->first,
                                  &tinted->notes, &err),
                     0);
    tinted->decoder = vd_source_decoder(&tinted->source, &tinted->job.limits, &(struct vd_decoding){.threads = 1},
                                        &tinted->pool, &err);
    tinted->device = vd_device_open("cpu", &err);
    assert_non_null(tinted->decoder);
    assert_non_null(tinted->device);
    tinted->filter = vd_filter_open(tinted->device, &tinted->plan.effect, &tinted->plan.picture, 1, &err);
    assert_non_null(tinted->filter);
}

/* The next picture, for the caller to free; NULL at the end. Without B-pictures' delay at the end, which is not drained. */
static inline AVFrame *tinted_decode(struct tinted *tinted)
{
    AVFrame *frame = av_frame_alloc();
    while (av_read_frame(tinted->source.format, tinted->packet) >= 0) {
        bool picture = tinted->packet->stream_index == tinted->source.video->index;
        if (picture)
            assert_int_equal(avcodec_send_packet(tinted->decoder, tinted->packet), 0);
        av_packet_unref(tinted->packet);
        if (picture && avcodec_receive_frame(tinted->decoder, frame) >= 0)
            return frame;
    }
    av_frame_free(&frame);
    return NULL;
}

static inline void tinted_apply(struct tinted *tinted, AVFrame **frame)
{
    struct vd_err err = {0};
    assert_int_equal(vd_filter_process(tinted->filter, frame, &err), 0);
}

static inline void tinted_close(struct tinted *tinted)
{
    av_packet_free(&tinted->packet);
    vd_filter_close(tinted->filter);
    vd_device_close(tinted->device);
    avcodec_free_context(&tinted->decoder);
    vd_decoder_pool_finish(&tinted->pool);
    vd_source_close(&tinted->source);
    av_frame_free(&tinted->first);
    vd_notes_finish(&tinted->notes);
}

#endif
