/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decoder_pool.h"

#include "compat.h"

#include "vidriera/frame_memory.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

/* Behind each plane: decoders may read a little past the end. */
enum { SLACK = 64 };

struct shape {
    int linesize[4];
    size_t plane[4], bytes;
};

/* What FFmpeg's own allocator would make: width widened until every row is aligned as the decoder wants it. */
static int shape_of(AVCodecContext *decoder, const AVFrame *frame, struct shape *shape)
{
    int width = frame->width, height = frame->height, aligned[AV_NUM_DATA_POINTERS], ragged;
    ptrdiff_t strides[4];
    avcodec_align_dimensions2(decoder, &width, &height, aligned);
    do {
        int ret = av_image_fill_linesizes(shape->linesize, frame->format, width);
        if (ret < 0)
            return ret;
        width += width & -width; /* by the lowest bit that is set: a rounder number */
        ragged = 0;
        for (int i = 0; i < 4; i++)
            ragged |= shape->linesize[i] % aligned[i];
    } while (ragged);
    for (int i = 0; i < 4; i++)
        strides[i] = shape->linesize[i];
    int ret = av_image_fill_plane_sizes(shape->plane, frame->format, height, strides);
    shape->bytes = 0;
    for (int i = 0; i < 4; i++) {
        shape->plane[i] = shape->plane[i] ? FFALIGN(shape->plane[i] + SLACK, SLACK) : 0;
        shape->bytes += shape->plane[i];
    }
    return ret;
}

static AVBufferRef *take(struct vd_decoder_pool *pool, size_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->buffers || pool->bytes != bytes) {
        av_buffer_pool_uninit(&pool->buffers);
        pool->buffers = vd_frame_pool(bytes);
        pool->bytes = bytes;
    }
    AVBufferRef *buffer = pool->buffers ? av_buffer_pool_get(pool->buffers) : NULL;
    pthread_mutex_unlock(&pool->lock);
    return buffer;
}

static int get_buffer(AVCodecContext *decoder, AVFrame *frame, int flags)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    struct shape shape;
    bool plain = desc && !(desc->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL));
    if (!plain || !(decoder->codec->capabilities & AV_CODEC_CAP_DR1) || shape_of(decoder, frame, &shape) < 0)
        return avcodec_default_get_buffer2(decoder, frame, flags);
    frame->buf[0] = take(decoder->opaque, shape.bytes);
    if (!frame->buf[0])
        return AVERROR(ENOMEM);
    uint8_t *data = frame->buf[0]->data;
    for (int i = 0; i < 4 && shape.plane[i]; i++) {
        frame->data[i] = data;
        frame->linesize[i] = shape.linesize[i];
        data += shape.plane[i];
    }
    frame->extended_data = frame->data;
    return 0;
}

void vd_decoder_pool_attach(struct vd_decoder_pool *pool, AVCodecContext *decoder)
{
    decoder->opaque = pool;
    decoder->get_buffer2 = get_buffer;
    vd_thread_safe_buffers(decoder);
}

void vd_decoder_pool_finish(struct vd_decoder_pool *pool)
{
    av_buffer_pool_uninit(&pool->buffers);
    pthread_mutex_destroy(&pool->lock);
}
