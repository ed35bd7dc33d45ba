/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lets a decoder draw its pictures from our own memory, where it can. */
#ifndef VIDRIERA_MEDIA_DECODER_POOL_H
#define VIDRIERA_MEDIA_DECODER_POOL_H

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <stdbool.h>

struct vd_decoder_pool {
    pthread_mutex_t lock; /* a decoder's threads ask at the same time */
    AVBufferPool *buffers;
    size_t bytes;
};

#define VD_DECODER_POOL_NONE ((struct vd_decoder_pool){.lock = PTHREAD_MUTEX_INITIALIZER})

/* pool: as VD_DECODER_POOL_NONE. Before the decoder opens. The pool must outlive the decoder; pictures outlive both. */
void vd_decoder_pool_attach(struct vd_decoder_pool *pool, AVCodecContext *decoder);
void vd_decoder_pool_finish(struct vd_decoder_pool *pool);

#endif
