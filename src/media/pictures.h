/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures of a recording one after the other, decoded in software, for whoever wants nothing else of it. One thread. */
#ifndef VIDRIERA_MEDIA_PICTURES_H
#define VIDRIERA_MEDIA_PICTURES_H

#include "source.h"

struct vd_pictures {
    struct vd_source source;
    struct vd_decoder_pool pool;
    AVCodecContext *decoder;
    AVPacket *packet;
    atomic_llong moved;
};

/* Errors of vd_source_open() and vd_source_decoder(). close() also after an open() that failed. */
int vd_pictures_open(struct vd_pictures *pictures, int fd, const struct vd_limits *limits, int threads,
                     struct vd_err *err);
void vd_pictures_close(struct vd_pictures *pictures);

/* 1: *frame is the next picture, the caller's to free. 0: there are no more, *frame is NULL. -1 and *err: VD_INPUT, it does
 * not decode, or is damaged; VD_IO. */
int vd_pictures_next(struct vd_pictures *pictures, AVFrame **frame, struct vd_err *err);

#endif
