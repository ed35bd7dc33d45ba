/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a decoder draws its pictures from: our own memory where it can, or a device's surfaces. */
#ifndef VIDRIERA_MEDIA_DECODER_POOL_H
#define VIDRIERA_MEDIA_DECODER_POOL_H

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <stdbool.h>

struct vd_decoder_pool {
    pthread_mutex_t lock; /* a decoder's threads ask at the same time */
    AVBufferPool *buffers;
    size_t bytes;
    enum AVPixelFormat surface; /* AV_PIX_FMT_NONE: host memory */
};

#define VD_DECODER_POOL_NONE ((struct vd_decoder_pool){.lock = PTHREAD_MUTEX_INITIALIZER, .surface = AV_PIX_FMT_NONE})

/* pool: as VD_DECODER_POOL_NONE. Before the decoder opens. The pool must outlive the decoder; pictures outlive both. */
void vd_decoder_pool_attach(struct vd_decoder_pool *pool, AVCodecContext *decoder);
void vd_decoder_pool_finish(struct vd_decoder_pool *pool);

#endif
