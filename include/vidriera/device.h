/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the effect runs. A device takes decoded frames and gives back frames that the encoder can take, with the effect
 * in them. Called by media/'s encode thread alone; a device belongs to one stream.
 */
#ifndef VIDRIERA_DEVICE_H
#define VIDRIERA_DEVICE_H

#include "vidriera/effect.h"
#include "vidriera/err.h"

#include <libavutil/frame.h>

struct vd_device;

/* What goes in and what comes out. Frames come in as `source` in true size, and leave as `target` in padded size: the
 * last column and row are repeated where the encoder needs more. source is target, or grey of the same depth. */
struct vd_picture {
    enum AVPixelFormat source, target;
    int width, height;
    int padded_width, padded_height;
    int row_step; /* 2: interlaced, a repeated row comes from its own field; else 1 */
};

/* *effect is copied. NULL when there is no memory. */
struct vd_device *vd_device_open(const struct vd_effect_plan *effect, const struct vd_picture *picture);

/*
 * Takes *frame and puts the result in its place: the same frame where it may be written to, else one from the device's
 * own pool. Properties (times, tags, side data) are kept. -1 and *err when there is no memory; *frame is then NULL.
 */
int vd_device_process(struct vd_device *device, AVFrame **frame, struct vd_err *err);

/* Accepts NULL. Frames that are still out there stay valid. */
void vd_device_close(struct vd_device *device);

#endif
