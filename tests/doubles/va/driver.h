/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The insides of the VA driver double: one struct vd_double for each display that has been initialised. libva's calls
 * come on any thread; each takes the lock for as long as it lasts, so what is below is used under it. Memory is calloc's,
 * and freed when the display is terminated at the latest.
 */
#ifndef VD_DOUBLE_DRIVER_H
#define VD_DOUBLE_DRIVER_H

#include "orders.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <va/va.h>
#include <va/va_backend.h>

/* How many there may be at once, and where their ids begin: an id of one kind is never one of another. */
enum { VD_CONFIGS = 64, VD_CONTEXTS = 64, VD_SURFACES = 1024, VD_IMAGES = 256, VD_BUFFERS = 8192 };
enum {
    VD_FIRST_CONFIG = 0x100,
    VD_FIRST_CONTEXT = 0x200,
    VD_FIRST_SURFACE = 0x1000,
    VD_FIRST_IMAGE = 0x4000,
    VD_FIRST_BUFFER = 0x10000
};

enum { VD_MAX_SIDE = 8192, VD_PICTURE_BUFFERS = 1024 };

struct vd_config {
    bool used;
    VAProfile profile;
    VAEntrypoint entrypoint;
};

/* NV12 or P010: luma, then chroma with the same pitch. What no picture covers is 0xab. */
struct vd_surface {
    bool used;
    unsigned width, height; /* as it was asked for */
    unsigned rows;          /* of luma as they lie in memory, height or more */
    unsigned fourcc;
    unsigned pitch; /* a multiple of 64 */
    uint8_t *memory;
    bool decoded; /* a decoder has written it: other pictures may be predicted from it */
};

struct vd_image {
    bool used;
    VAImage image;
};

struct vd_buffer {
    bool used;
    VABufferType type;
    unsigned size, elements; /* size: of one element */
    uint8_t *memory;
    VASurfaceID surface; /* whose memory it is, of a derived image; VA_INVALID_ID: its own */
    VACodedBufferSegment coded;
};

/* A decoder or encoder; config as it was then. */
struct vd_context {
    bool used;
    struct vd_config config;
    VASurfaceID target; /* of the picture begun; VA_INVALID_ID: none is */
    VABufferID buffers[VD_PICTURE_BUFFERS];
    unsigned buffer_count;
    unsigned mb_columns, mb_rows; /* encoder: of the last sequence parameters */
};

struct vd_double {
    pthread_mutex_t lock;
    struct vd_orders orders;
    struct vd_config configs[VD_CONFIGS];
    struct vd_context contexts[VD_CONTEXTS];
    struct vd_surface surfaces[VD_SURFACES];
    struct vd_image images[VD_IMAGES];
    struct vd_buffer buffers[VD_BUFFERS];
};

/* All else is hidden: a driver shares its names with the program and with the layer. */
#define VD_EXPORTED __attribute__((visibility("default")))

/* What libva calls first; the name is its interface's. */
VD_EXPORTED VAStatus __vaDriverInit_1_0(VADriverContextP driver); // NOLINT(bugprone-reserved-identifier)

struct vd_double *vd_lock(VADriverContextP driver);
VAStatus vd_unlock(struct vd_double *d, VAStatus status);

/* NULL: no such thing. */
struct vd_config *vd_config(struct vd_double *d, VAConfigID id);
struct vd_context *vd_context(struct vd_double *d, VAContextID id);
struct vd_surface *vd_surface(struct vd_double *d, VASurfaceID id);
struct vd_image *vd_image(struct vd_double *d, VAImageID id);
struct vd_buffer *vd_buffer(struct vd_double *d, VABufferID id);

/* A buffer of zeros, or on `surface`'s memory (then size is not allocated). VA_INVALID_ID: no memory, or too many. */
VABufferID vd_buffer_new(struct vd_double *d, VABufferType type, unsigned size, unsigned elements, VASurfaceID surface);
void vd_buffer_free(struct vd_buffer *buffer);
void vd_surface_free(struct vd_surface *surface);

/* What of the surface is there to be seen, contiguous: its XXH3 of 64 bits. */
uint64_t vd_surface_digest(const struct vd_surface *surface);

/* The picture that is complete now. decode_*: into target; encode_*: out of it. */
VAStatus vd_decode_h264(struct vd_double *d, struct vd_context *context, struct vd_surface *target);
VAStatus vd_encode_h264(struct vd_double *d, struct vd_context *context, struct vd_surface *target);
VAStatus vd_decode_hevc(struct vd_double *d, struct vd_context *context, struct vd_surface *target);
VAStatus vd_encode_hevc(struct vd_double *d, struct vd_context *context, struct vd_surface *target);

/* The buffer at `i` of the picture when it is there, of this type and holds at least `size` bytes an element; else NULL. */
struct vd_buffer *vd_picture_buffer(struct vd_double *d, const struct vd_context *context, unsigned i,
                                    VABufferType type, size_t size);

/* The parts of the driver's table. */
void vd_fill_configs(struct VADriverVTable *table);
void vd_fill_surfaces(struct VADriverVTable *table);
void vd_fill_images(struct VADriverVTable *table);
void vd_fill_pictures(struct VADriverVTable *table);
void vd_fill_refusals(struct VADriverVTable *table);

/*
 * For the OpenCL layer, which finds it by dlsym in the driver of a display: how a plane lies in memory. Returns whether
 * there is such a surface.
 */
struct vd_double_plane {
    uint8_t *memory;
    unsigned columns, rows; /* of the plane; a column of chroma is a pair */
    unsigned pitch;
    unsigned sample_bytes;
    bool decoded;
};
typedef int vd_double_plane_fn(VADriverContextP driver, VASurfaceID surface, unsigned plane,
                               struct vd_double_plane *out);
VD_EXPORTED vd_double_plane_fn vd_double_plane;

#endif
