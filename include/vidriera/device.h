/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the effect runs. A device is hardware that a process has opened, once and for its whole life: drivers loaded,
 * kernels built. A filter is the effect on the pictures of one recording, on a device. Backends (src/device/backend.h)
 * are rows of a table; nobody outside this folder asks which one it is.
 *
 * A device and its filters are used by one thread at a time; frames that came from them may go to any.
 */
#ifndef VIDRIERA_DEVICE_H
#define VIDRIERA_DEVICE_H

#include "vidriera/effect.h"
#include "vidriera/err.h"

#include <libavutil/buffer.h>
#include <libavutil/frame.h>

struct vd_device;
struct vd_filter;

/* Whose encoders take what a device's filters give. */
enum vd_family { VD_FAMILY_SOFTWARE, VD_FAMILY_VAAPI, VD_FAMILY_NVENC };

struct vd_device_traits {
    const char *backend; /* the row's name: vaapi-opencl, cuda, vaapi-host, cpu, opencl */
    char model[128];     /* what the driver calls itself; empty: nothing */
    enum vd_family family;
    enum AVPixelFormat surface; /* what its decoder gives and its encoders take; AV_PIX_FMT_NONE: host memory */
    char refused[480];          /* why not a better row of the family; empty: it is the best */
    AVBufferRef *hardware;      /* for a decoder's hw_device_ctx; the device's own; NULL: software decodes */
};

/*
 * Opens what the words of --device name: a backend, or a family of them ("vaapi"), perhaps with ":PATH" or ":INDEX"; the
 * first of a family that opens. "cpu" always does. Loads drivers and builds kernels: where a driver may crash or hang, in
 * a child. VD_UNAVAILABLE and the cause in words otherwise. NULL and *err on failure.
 */
struct vd_device *vd_device_open(const char *words, struct vd_err *err);

/* Accepts NULL. Its filters are closed before. */
void vd_device_close(struct vd_device *device);

const struct vd_device_traits *vd_device_traits(const struct vd_device *device);

/* Its decoder failed at what software decoded whole: once may be the stream's fault. */
void vd_device_doubt_decoder(struct vd_device *device);
bool vd_device_decoder_doubted(const struct vd_device *device);

/* Whether the words could be those of a device: a row of the table, perhaps with a place. Opens nothing. */
bool vd_device_known(const char *words);

/* What goes in and what comes out. Host frames come in as `source` in true size, and leave as `target` in padded size: the
 * last column and row are repeated where the encoder needs more. source is target, or grey of the same depth; where the
 * device has surfaces they hold `target`, which is NV12 or P010 (source then is target). */
struct vd_picture {
    enum AVPixelFormat source, target;
    int width, height;
    int padded_width, padded_height;
    int row_step; /* 2: interlaced, a repeated row comes from its own field; else 1 */
};

/* effect: planned for the layout of picture->target in true size; copied, as *picture is. held: how many of its pictures
 * the encoder and the queues keep at once: what a fixed pool must have. NULL and *err (VD_UNAVAILABLE: the device; VD_AGAIN:
 * it has no room now; VD_UNFIT: it has no such pictures; VD_INPUT: no memory) on failure. */
struct vd_filter *vd_filter_open(struct vd_device *device, const struct vd_effect_plan *effect,
                                 const struct vd_picture *picture, int held, struct vd_err *err);

/* The frames context that the encoder opens with, the filter's own; NULL: the encoder takes host frames. */
AVBufferRef *vd_filter_frames(const struct vd_filter *filter);

/*
 * Takes *frame and puts the result in its place: the same frame where it may be written to, else one from the filter's
 * pool. In comes a host frame of picture.source, or a surface of the device's decoder that holds picture.target in a size
 * that needs no padding. Properties (times, tags, side data) are kept. -1 and *err otherwise, *frame is then NULL:
 * VD_UNAVAILABLE when the device failed, VD_AGAIN when it has no room, VD_INPUT when there is no memory.
 */
int vd_filter_process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err);

/* Takes *frame, a surface, and puts a host frame with the same picture and properties in its place; a host frame stays.
 * Errors as above. */
int vd_filter_download(struct vd_filter *filter, AVFrame **frame, struct vd_err *err);

/* The same beside the way of the pictures, so that it is no copy of facts: *shown is the caller's, perhaps the very picture;
 * NULL and *err otherwise. */
int vd_filter_show(struct vd_filter *filter, const AVFrame *frame, AVFrame **shown, struct vd_err *err);

/* Accepts NULL. Frames that are still out there stay valid. */
void vd_filter_close(struct vd_filter *filter);

/* What was done so far. */
struct vd_filter_facts {
    const char *kernel; /* c, avx2, neon, opencl-buffer, opencl-image, ptx */
    int64_t frames;     /* processed */
    int64_t copies;     /* whole pictures that crossed between host and device, either way */
};

struct vd_filter_facts vd_filter_facts(const struct vd_filter *filter);

/* A device that may be tried. */
struct vd_candidate {
    char words[64]; /* for vd_device_open(): backend and place */
    char key
        [160]; /* device, driver and our build, as far as they are known unopened: what a verdict on it is good for */
    char refusal[320]; /* "<what>: <why>; <what to do>": it cannot even be tried; empty: it may be */
};

enum { VD_CANDIDATES = 32 };

/*
 * What could do the wanted work, best first: "auto", or as for vd_device_open(). Looks at device nodes, permissions and
 * sysfs alone: no driver is loaded, and without any node nothing is read beyond two folders. For auto the last one is
 * "cpu" and OpenCL alone is not among them. Returns how many, VD_CANDIDATES at most.
 */
int vd_device_candidates(const char *wanted, struct vd_candidate list[VD_CANDIDATES]);

#endif
