/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets to pictures. What does not decode is counted, never a reason to stop. */
#include "compat.h"
#include "run.h"

/*
 * What software would have made of a picture that a device did not decode is not known: the run begins anew with it. Not
 * only damage is no fault of the device: FFmpeg's parsers refuse with other errors too. One that failed before at what
 * software then decoded whole is told, though.
 */
static bool give_up_device(struct vd_run *run, int code)
{
    struct vd_err err = {0};
    vd_fail(&err, VD_UNAVAILABLE, "decode", "%s: its decoder fails: %s; see vidriera doctor",
            vd_device_traits(run->device)->backend, av_err2str(code));
    bool first = vd_run_fail(run, &err); /* else it may fail for what another stage found out */
    if (first && (code == AVERROR_INVALIDDATA || !vd_device_decoder_doubted(run->device)))
        run->lacks.decoding = code;
    return false;
}

static bool forward(struct vd_run *run, AVFrame *frame)
{
    if (frame->decode_error_flags || frame->flags & AV_FRAME_FLAG_CORRUPT) {
        if (run->on_device) {
            av_frame_free(&frame);
            return give_up_device(run, AVERROR_INVALIDDATA);
        }
        run->damaged_frames++;
    }
    /* the picture type is the source's decision: the encoder takes its own */
    frame->pict_type = AV_PICTURE_TYPE_NONE;
    vd_frame_set_duration(frame, vd_clock_stamp(&run->clock, frame));
    atomic_fetch_add_explicit(&run->frames_decoded, 1, memory_order_relaxed);
    return vd_queue_push(&run->frames, frame);
}

/* False when the run is over for this stage. */
static bool receive_all(struct vd_run *run)
{
    for (;;) {
        AVFrame *frame = av_frame_alloc();
        int ret = frame ? avcodec_receive_frame(run->decoder, frame) : AVERROR(ENOMEM);
        if (ret >= 0) {
            if (!forward(run, frame))
                return false;
            continue;
        }
        av_frame_free(&frame);
        if (ret == AVERROR(EAGAIN))
            return true;
        if (ret == AVERROR_EOF)
            return false;
        if (run->on_device)
            return give_up_device(run, ret);
        if (ret == AVERROR(ENOMEM)) {
            struct vd_err err = {0};
            vd_fail(&err, VD_INPUT, "decode", "a picture needs more memory than it may take; raise --max-memory");
            vd_run_fail(run, &err);
            return false;
        }
        run->damaged_packets++;
    }
}

static bool decode(struct vd_run *run, const AVPacket *packet)
{
    for (;;) {
        int ret = avcodec_send_packet(run->decoder, packet);
        if (ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF) {
            if (run->on_device)
                return give_up_device(run, ret);
            run->damaged_packets++;
        }
        if (!receive_all(run))
            return false;
        if (ret != AVERROR(EAGAIN))
            return true;
    }
}

void *vd_decode_main(void *opaque)
{
    struct vd_run *run = opaque;
    bool running = true;
    AVPacket *packet;
    while ((packet = vd_queue_pop(&run->packets))) {
        /* after a failure the queue was aborted; draining here costs nothing and needs no second way out */
        if (running)
            running = decode(run, packet);
        av_packet_free(&packet);
    }
    if (running)
        decode(run, NULL);
    vd_queue_done(&run->frames);
    return NULL;
}
