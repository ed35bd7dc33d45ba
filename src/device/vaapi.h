/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the VAAPI backends share: the device, the pool of surfaces that the encoder reads, and the way through the host
 * where pictures are there, or have to be. Threads as in vidriera/device.h.
 */
#ifndef VIDRIERA_DEVICE_VAAPI_H
#define VIDRIERA_DEVICE_VAAPI_H

#include "backend.h"

/* Fills device->traits; place: a path, a number among the render nodes, or empty: the first that opens. VD_UNAVAILABLE. */
int vd_vaapi_open(struct vd_device *device, const char *place, struct vd_err *err);
void vd_vaapi_close(struct vd_device *device);

/* Makes filter->frames: a fixed pool of filter->held surfaces. VD_AGAIN: there is no room now;
 * VD_UNFIT: none of that format. */
int vd_vaapi_pool(struct vd_filter *filter, struct vd_err *err);

/* A surface of that pool with the properties of like. NULL and *err otherwise. */
AVFrame *vd_vaapi_surface(struct vd_filter *filter, const AVFrame *like, struct vd_err *err);

/* Says that the device failed: "<backend>: <what>: <FFmpeg's words for code>". -1. */
int vd_vaapi_fail(const struct vd_filter *filter, const char *what, int code, struct vd_err *err);

/* The effect on the host and the result on a surface: as vd_filter_process(), copies are counted. */
struct vd_vaapi_host;

struct vd_vaapi_host *vd_vaapi_host_start(struct vd_filter *filter, struct vd_err *err);
int vd_vaapi_host_process(struct vd_filter *filter, struct vd_vaapi_host *host, AVFrame **frame, struct vd_err *err);
void vd_vaapi_host_stop(struct vd_vaapi_host *host); /* accepts NULL */

#endif
