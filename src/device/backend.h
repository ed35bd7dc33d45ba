/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A backend: one way to get the effect onto pictures. One file each; their table, in the order of preference, is in
 * device.c. What it keeps is behind `own`.
 */
#ifndef VIDRIERA_DEVICE_BACKEND_H
#define VIDRIERA_DEVICE_BACKEND_H

#include "vidriera/device.h"

/* Where the hardware of a row is looked for, before any driver is loaded. */
enum vd_places { VD_PLACES_NONE, VD_PLACES_RENDER, VD_PLACES_NVIDIA };

struct vd_backend {
    const char *name;
    const char *words; /* what --device calls it: its own name or that of its family */
    bool automatic;    /* auto may take it */
    enum vd_places places;
    /* Fills device->traits but for .backend; place: what follows the colon, empty: the first there is. On failure
     * nothing is left behind. VD_UNAVAILABLE. */
    int (*open)(struct vd_device *device, const char *place, struct vd_err *err);
    void (*close)(struct vd_device *device);
    /* Sets filter->frames where there are surfaces, and filter->facts.kernel. stop() also after a start() that failed. */
    int (*start)(struct vd_filter *filter, struct vd_err *err);
    int (*process)(struct vd_filter *filter, AVFrame **frame, struct vd_err *err);
    void (*stop)(struct vd_filter *filter);
    /* Fills host, which is empty, from a surface of the device; properties are not its business. NULL:
     * av_hwframe_transfer_data() does, and tells of a failure. */
    int (*download)(struct vd_filter *filter, AVFrame *host, const AVFrame *surface, struct vd_err *err);
};

struct vd_device {
    const struct vd_backend *backend;
    struct vd_device_traits traits;
    bool decoder_doubted;
    void *own;
};

struct vd_filter {
    struct vd_device *device;
    struct vd_effect_plan effect;
    struct vd_picture picture;
    int held;
    AVBufferRef *frames; /* unreferenced by vd_filter_close(), after stop() */
    struct vd_filter_facts facts;
    void *own;
};

extern const struct vd_backend
    vd_backend_vaapi_opencl;                    /* vaapi_opencl.c: decoder's surface, image kernel, encoder's surface */
extern const struct vd_backend vd_backend_cuda; /* cuda.c: CUDA memory, the kernel as PTX */
extern const struct vd_backend vd_backend_vaapi_host; /* vaapi_host.c: surface, host, SIMD, surface */
extern const struct vd_backend vd_backend_cpu;        /* cpu.c: host memory, SIMD */
extern const struct vd_backend vd_backend_opencl;     /* opencl.c: host frames, buffer kernel */

/* The table, *count rows. */
const struct vd_backend *const *vd_backends(int *count);

/* What follows the colon of `words` when they name the row or its family; NULL when they do not. */
const char *vd_backend_place(const struct vd_backend *backend, const char *words);

/* The parts of cpu.c that a backend with a stretch on the host uses: as start, process and stop of a filter whose picture
 * is on the host; *own is theirs. process neither counts copies nor frames. */
int vd_cpu_start(struct vd_filter *filter, void **own, struct vd_err *err);
int vd_cpu_process(struct vd_filter *filter, void *own, AVFrame **frame, struct vd_err *err);
void vd_cpu_stop(void *own);

/* Tints `in` into `out`, which is the same frame or a pooled one, in true size. from: the planes of `in`; where picture.source
 * is grey and `in` has none, one row of neutral chroma with stride 0. -1 and *err otherwise. */
typedef int vd_cpu_tint_fn(struct vd_filter *filter, AVFrame *out, const AVFrame *in, const struct vd_planes *from,
                           struct vd_err *err);

/* vd_cpu_process() with another's arithmetic: which frame it goes to, padding, and the picture that stays as it is. */
int vd_cpu_process_by(struct vd_filter *filter, void *own, vd_cpu_tint_fn *tint, AVFrame **frame, struct vd_err *err);

#endif
