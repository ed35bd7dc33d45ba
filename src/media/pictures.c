/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pictures.h"

#include "io.h"

#include <string.h>

int vd_pictures_open(struct vd_pictures *pictures, int fd, const struct vd_limits *limits, int threads,
                     struct vd_err *err)
{
    const struct vd_decoding how = {.threads = threads};
    *pictures = (struct vd_pictures){.pool = VD_DECODER_POOL_NONE};
    if (vd_source_open(&pictures->source, fd, limits, &pictures->moved, err) < 0)
        return -1;
    for (unsigned i = 0; i < pictures->source.format->nb_streams; i++)
        if (pictures->source.format->streams[i] != pictures->source.video)
            pictures->source.format->streams[i]->discard = AVDISCARD_ALL;
    pictures->packet = av_packet_alloc();
    if (!pictures->packet)
        return vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
    pictures->decoder = vd_source_decoder(&pictures->source, limits, &how, &pictures->pool, err);
    return pictures->decoder ? 0 : -1;
}

void vd_pictures_close(struct vd_pictures *pictures)
{
    avcodec_free_context(&pictures->decoder);
    vd_decoder_pool_finish(&pictures->pool);
    av_packet_free(&pictures->packet);
    vd_source_close(&pictures->source);
}

static int fail_decode(const struct vd_pictures *pictures, const char *why, struct vd_err *err)
{
    int system = vd_io_errno(pictures->source.io);
    if (system)
        return vd_fail(err, VD_IO, "decode", "cannot be read: %s; check the disk", strerror(system));
    return vd_fail(err, VD_INPUT, "decode", "the %s video does not decode: %s; is the recording complete?",
                   pictures->source.decoder->name, why);
}

/* Gives the decoder its next packet, or the end. 0 or a negative error. */
static int feed(struct vd_pictures *pictures)
{
    int ret;
    for (;;) {
        ret = av_read_frame(pictures->source.format, pictures->packet);
        if (ret < 0 || pictures->packet->stream_index == pictures->source.video->index)
            break;
        av_packet_unref(pictures->packet);
    }
    if (ret < 0 && ret != AVERROR_EOF)
        return ret;
    ret = avcodec_send_packet(pictures->decoder, ret < 0 ? NULL : pictures->packet);
    av_packet_unref(pictures->packet);
    return ret;
}

int vd_pictures_next(struct vd_pictures *pictures, AVFrame **frame, struct vd_err *err)
{
    *frame = av_frame_alloc();
    int ret = *frame ? AVERROR(EAGAIN) : AVERROR(ENOMEM);
    while (ret == AVERROR(EAGAIN)) {
        ret = avcodec_receive_frame(pictures->decoder, *frame);
        if (ret == AVERROR(EAGAIN) && (ret = feed(pictures)) >= 0)
            ret = AVERROR(EAGAIN);
    }
    if (ret >= 0 && !(*frame)->decode_error_flags && !((*frame)->flags & AV_FRAME_FLAG_CORRUPT))
        return 1;
    av_frame_free(frame);
    if (ret == AVERROR_EOF && !vd_io_errno(pictures->source.io))
        return 0;
    return fail_decode(pictures, ret < 0 ? av_err2str(ret) : "a picture is damaged", err);
}
