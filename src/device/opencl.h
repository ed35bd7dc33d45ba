/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the opencl backend share: an opened device, and pictures on the host as that device sees them. One
 * thread at a time, as devices and filters are. Functions that return int without a struct vd_err return an OpenCL code. */
#ifndef VIDRIERA_DEVICE_OPENCL_H
#define VIDRIERA_DEVICE_OPENCL_H

#include "backend.h"
#include "program.h"

#include "vidriera/drivers.h"

struct vd_opencl_found {
    cl_device_id id;
    cl_device_type type;
    char name[128], platform[128];
};

/* All devices, platform after platform: in the order that `open` counts. Returns how many. */
int vd_opencl_list(struct vd_opencl_found list[VD_OPENCL_DEVICES], int *code);

struct vd_opencl {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order */
    struct vd_program program;
    bool shares_memory; /* with the host: pictures need not be copied */
};

/* The device that place names (see `open` of struct vd_backend), its kernels built and run once: a runtime compiles for
 * each form of a launch, and where it must not read files later, it has. name: what the driver calls it. -1 and *err
 * (VD_UNAVAILABLE) otherwise, with nothing left behind. */
int vd_opencl_open(struct vd_opencl *cl, const char *place, char name[128], struct vd_err *err);

/* Accepts what is all zero. */
void vd_opencl_close(struct vd_opencl *cl);

/* A picture's own memory as a buffer of the device, which has it from give to take; the host has it otherwise. */
struct vd_opencl_view {
    cl_mem mem;
    AVBufferRef *memory; /* stays where it is, with all that is cut from it */
    const uint8_t *data;
    size_t size;
    void *mapped;  /* NULL: the device's, or new: what it holds now the device sees */
    uint64_t used; /* when, in calls */
};

enum { VD_OPENCL_VIEWS = 96 };

/* Views of a pool's buffers, which come again and again; the one not used for longest makes room. */
struct vd_opencl_views {
    struct vd_opencl_view view[VD_OPENCL_VIEWS]; /* free: all zero */
    uint64_t uses;
};

/* Stays valid while the picture is held, but for the next call at most. NULL with *code 0: the memory cannot be used as it
 * is, and must be copied. */
struct vd_opencl_view *vd_opencl_view(struct vd_opencl_views *views, struct vd_opencl *cl, const AVFrame *frame,
                                      int *code);

/* Enqueue; whose it is already is no error. */
int vd_opencl_view_give(struct vd_opencl *cl, struct vd_opencl_view *view);
int vd_opencl_view_take(struct vd_opencl *cl, struct vd_opencl_view *view);

/* Gives all back to the host, and waits. */
void vd_opencl_views_finish(struct vd_opencl_views *views, struct vd_opencl *cl);

#endif
