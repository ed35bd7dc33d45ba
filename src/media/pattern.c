/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pattern.h"

#include "io.h"
#include "picture.h"

#include <libavcodec/avcodec.h>
#include <stdlib.h>

enum { RATE = 25 };

/* How far apart the tops of a wave are. So short that pictures a few rows or columns off are told from right ones. */
enum { PERIOD = 32 };

/* From 256 down to 0 and up again. */
static int wave(int at)
{
    return abs(2 * (at % PERIOD) - PERIOD) * 256 / PERIOD;
}

/* In codes of 10 bits. All of them stay off the ends of the range: nothing is clipped where a tint is added. */
static int code_of(int plane, int x, int y, int i)
{
    switch (plane) {
    case 0:
        return 240 + 2 * wave(x + y + 5 * i);
    case 1:
        return 400 + wave(x + 2 * y + 3 * i);
    default:
        return 400 + wave(2 * x + y + 5 * i);
    }
}

AVFrame *vd_pattern_picture(const struct vd_pattern *pattern, int i)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = pattern->format;
    frame->width = pattern->width;
    frame->height = pattern->height;
    frame->pts = i;
    if (av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    bool wide = vd_format_depth(pattern->format) > 8;
    for (int plane = 0; plane < 3; plane++) {
        int columns = plane ? (pattern->width + 1) / 2 : pattern->width;
        int rows = plane ? (pattern->height + 1) / 2 : pattern->height;
        for (int y = 0; y < rows; y++) {
            uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
            for (int x = 0; x < columns; x++) {
                int code = code_of(plane, x, y, i);
                if (wide)
                    ((uint16_t *)row)[x] = (uint16_t)code;
                else
                    row[x] = (uint8_t)(code >> 2);
            }
        }
    }
    return frame;
}

struct writer {
    AVCodecContext *encoder;
    AVFormatContext *format;
    AVIOContext *io;
    AVPacket *packet;
};

static int open_writer(struct writer *writer, const struct vd_pattern *pattern, int fd, atomic_llong *moved)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_FFV1);
    writer->encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    writer->io = vd_io_writer(fd, moved);
    writer->packet = av_packet_alloc();
    int ret = avformat_alloc_output_context2(&writer->format, NULL, "matroska", NULL);
    AVStream *stream = ret >= 0 ? avformat_new_stream(writer->format, NULL) : NULL;
    if (!writer->encoder || !writer->io || !writer->packet || !stream)
        return codec ? AVERROR(ENOMEM) : AVERROR_ENCODER_NOT_FOUND;
    writer->format->pb = writer->io;
    vd_io_guard(writer->format);
    writer->encoder->pix_fmt = pattern->format;
    writer->encoder->width = pattern->width;
    writer->encoder->height = pattern->height;
    writer->encoder->time_base = (AVRational){1, RATE};
    writer->encoder->framerate = (AVRational){RATE, 1};
    writer->encoder->level = 3; /* its only version for more than 8 bits */
    writer->encoder->thread_count = 1;
    writer->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    ret = avcodec_open2(writer->encoder, codec, NULL);
    if (ret >= 0)
        ret = avcodec_parameters_from_context(stream->codecpar, writer->encoder);
    stream->time_base = writer->encoder->time_base;
    stream->avg_frame_rate = writer->encoder->framerate;
    return ret < 0 ? ret : avformat_write_header(writer->format, NULL);
}

static void close_writer(struct writer *writer)
{
    avcodec_free_context(&writer->encoder);
    av_packet_free(&writer->packet);
    if (writer->format)
        writer->format->pb = NULL;
    avformat_free_context(writer->format);
    vd_io_free(&writer->io);
}

/* frame: NULL is the end. */
static int write_frame(struct writer *writer, const AVFrame *frame)
{
    const AVStream *stream = writer->format->streams[0];
    int ret = avcodec_send_frame(writer->encoder, frame);
    while (ret >= 0) {
        ret = avcodec_receive_packet(writer->encoder, writer->packet);
        if (ret < 0)
            break;
        writer->packet->duration = 1;
        av_packet_rescale_ts(writer->packet, writer->encoder->time_base, stream->time_base);
        ret = av_interleaved_write_frame(writer->format, writer->packet);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF ? 0 : ret;
}

int vd_pattern_write(const struct vd_pattern *pattern, int pictures, int fd, struct vd_err *err)
{
    struct writer writer = {0};
    atomic_llong moved = 0;
    int ret = open_writer(&writer, pattern, fd, &moved);
    for (int i = 0; ret >= 0 && i < pictures; i++) {
        AVFrame *frame = vd_pattern_picture(pattern, i);
        ret = frame ? write_frame(&writer, frame) : AVERROR(ENOMEM);
        av_frame_free(&frame);
    }
    if (ret >= 0)
        ret = write_frame(&writer, NULL);
    if (ret >= 0)
        ret = av_write_trailer(writer.format);
    if (ret >= 0)
        ret = writer.io->error;
    close_writer(&writer);
    if (ret >= 0)
        return 0;
    return vd_fail(err, VD_UNAVAILABLE, "probe", "pictures to try a device with cannot be made: %s; see --max-memory",
                   av_err2str(ret));
}
