/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of the picture to the decoder, everything else to the muxer. */
#include "compat.h"
#include "io.h"
#include "run.h"

/* Times that jump are shifted for all streams alike. */
static void mend_time(AVPacket *packet, const AVFormatContext *format, struct vd_splice *splice)
{
    if (!(format->iformat->flags & AVFMT_TS_DISCONT))
        return;
    AVRational base = format->streams[packet->stream_index]->time_base;
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t offset = vd_splice_offset(splice, time, base);
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts += offset;
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts += offset;
}

static bool route(struct vd_run *run, AVPacket *packet)
{
    if (packet->stream_index != run->source.video->index)
        return vd_queue_push(&run->muxing, packet);
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (time != AV_NOPTS_VALUE)
        run->video_end = FFMAX(run->video_end, time + FFMAX(packet->duration, 0));
    run->packets_read++;
    return vd_queue_push(&run->packets, packet);
}

/* The end of a file that was cut off looks like its end; only the disk's own refusal is an error. */
static void end_of_input(struct vd_run *run, int code, const struct vd_splice *splice)
{
    struct vd_err err = {0};
    int system = vd_io_errno(run->source.io);
    if (system) {
        vd_fail(&err, VD_IO, "demux", "cannot be read: %s; check the disk", strerror(system));
        vd_run_fail(run, &err);
    } else if (code == AVERROR(ENOMEM)) {
        vd_fail(&err, VD_INPUT, "demux", "a packet needs more memory than the input may take; raise --max-memory");
        vd_run_fail(run, &err);
    } else if (code != AVERROR_EOF) {
        vd_warn(&run->notes, "reading stopped: %s; the rest of the input is lost", av_err2str(code));
    }
    if (splice->jumps)
        vd_warn(&run->notes, "time jumps back %lld times: what follows goes on where it was", (long long)splice->jumps);
}

void *vd_demux_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_splice splice = {0};
    int ret = 0;
    while (ret >= 0) {
        AVPacket *packet = av_packet_alloc();
        ret = packet ? av_read_frame(run->source.format, packet) : AVERROR(ENOMEM);
        if (ret < 0) {
            av_packet_free(&packet);
            break;
        }
        mend_time(packet, run->source.format, &splice);
        if (!route(run, packet))
            break;
    }
    if (ret < 0)
        end_of_input(run, ret, &splice);
    vd_queue_done(&run->packets);
    vd_queue_done(&run->muxing);
    return NULL;
}
