/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where FFmpeg 5.1 (Debian 12) and 7.1 (Debian 13) differ. The only version tests of the project; the rest of media/ and
 * device/ calls these.
 */
#ifndef VIDRIERA_MEDIA_COMPAT_H
#define VIDRIERA_MEDIA_COMPAT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <stdbool.h>
#include <string.h>

static inline int64_t vd_frame_duration(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

static inline void vd_frame_set_duration(AVFrame *frame, int64_t duration)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    frame->duration = duration;
#else
    frame->pkt_duration = duration;
#endif
}

static inline bool vd_frame_interlaced(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    return frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return frame->interlaced_frame;
#endif
}

static inline bool vd_frame_top_first(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    return frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST;
#else
    return frame->top_field_first;
#endif
}

/* Side data of a whole stream; NULL when there is none of that type. Belongs to the stream. */
static inline const uint8_t *vd_stream_side_data(const AVStream *stream, enum AVPacketSideDataType type, size_t *size)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *found = av_packet_side_data_get(stream->codecpar->coded_side_data,
                                                            stream->codecpar->nb_coded_side_data, type);
    *size = found ? found->size : 0;
    return found ? found->data : NULL;
#else
    return av_stream_get_side_data(stream, type, size);
#endif
}

/* Gives the stream a copy of the data. */
static inline int vd_stream_add_side_data(AVStream *stream, enum AVPacketSideDataType type, const void *data,
                                          size_t size)
{
    void *copy = av_memdup(data, size);
    if (!copy)
        return AVERROR(ENOMEM);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    bool added = av_packet_side_data_add(&stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data,
                                         type, copy, size, 0);
    int ret = added ? 0 : AVERROR(ENOMEM);
#else
    int ret = av_stream_add_side_data(stream, type, copy, size);
#endif
    if (ret < 0)
        av_free(copy);
    return ret;
}

/* The pixel formats that an encoder takes, ended by AV_PIX_FMT_NONE; NULL when it does not say. */
static inline const enum AVPixelFormat *vd_encoder_formats(const AVCodec *codec)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
    const void *formats = NULL;
    int count;
    if (avcodec_get_supported_config(NULL, codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, &formats, &count) < 0)
        return NULL;
    return formats;
#else
    return codec->pix_fmts;
#endif
}

/* Newer releases take it for granted that get_buffer2 may be called by several threads at once. */
static inline void vd_thread_safe_buffers(AVCodecContext *decoder)
{
#if LIBAVCODEC_VERSION_MAJOR < 60
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
        decoder->thread_safe_callbacks = 1;
    _Pragma("GCC diagnostic pop")
#else
    (void)decoder;
#endif
}

/* FLAC in mp4 was experimental. */
static inline bool vd_mp4_takes_flac(void)
{
    return avformat_version() >= AV_VERSION_INT(60, 0, 100);
}

/* Matroska's muxer adds the codec delay to the times, as its demuxer takes it off. Before, a copy drifted by it. */
static inline bool vd_mkv_adds_codec_delay(void)
{
    return avformat_version() >= AV_VERSION_INT(61, 0, 100);
}

/* Matroska carries a rotation (ProjectionPoseRoll) both ways only in newer releases. */
static inline bool vd_mkv_keeps_rotation(void)
{
    return avformat_version() >= AV_VERSION_INT(61, 0, 100);
}

#endif
