/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The input, opened and understood: which stream is the picture, which are carried along. Hostile until proven
 * otherwise: everything here is bounded by struct vd_limits. One thread at a time.
 */
#ifndef VIDRIERA_MEDIA_SOURCE_H
#define VIDRIERA_MEDIA_SOURCE_H

#include "decoder_pool.h"

#include "vidriera/device.h"
#include "vidriera/job.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdatomic.h>

struct vd_source {
    AVFormatContext *format;
    AVIOContext *io;
    AVStream *video;
    const AVCodec *decoder;
};

/*
 * Opens what fd holds. moved: see io.h. VD_INPUT: not a recording of a kind that is read here, no video, encrypted, over
 * a limit; VD_IO: the file could not be read. On failure nothing is left open.
 */
int vd_source_open(struct vd_source *source, int fd, const struct vd_limits *limits, atomic_llong *moved,
                   struct vd_err *err);
void vd_source_close(struct vd_source *source);

/* How to decode: on that many threads, or on a device. */
struct vd_decoding {
    int threads;
    const struct vd_device_traits *device; /* NULL: software */
    int held;                              /* of a device: pictures that we keep beside those that it needs itself */
};

/* A decoder for the video stream, opened, drawing from pool. What a device cannot decode is decoded in software all the
 * same: the pictures tell. The caller frees it. NULL and *err on failure. */
AVCodecContext *vd_source_decoder(const struct vd_source *source, const struct vd_limits *limits,
                                  const struct vd_decoding *how, struct vd_decoder_pool *pool, struct vd_err *err);

/*
 * The first picture, decoded on one thread or on a device (NULL: software) with all other streams left unread; the source cannot be read from its
 * beginning after it. The caller frees the frame. NULL and *err (VD_INPUT) when nothing decodes.
 */
AVFrame *vd_source_first_frame(struct vd_source *source, const struct vd_limits *limits,
                               const struct vd_device_traits *device, struct vd_err *err);

/* Length of the video in seconds as the container tells it; 0 when it does not. */
double vd_source_duration(const struct vd_source *source);

/* Where the container says that the video ends, on its own clock; NAN when it does not, or only guesses. *slack: how far
 * off that may be without meaning anything. */
double vd_source_end(const struct vd_source *source, double *slack);

/* "mp4", "mov" or "mkv" when the input is one; NULL for any other container. */
const char *vd_source_container(const struct vd_source *source, const char *extension);

#endif
