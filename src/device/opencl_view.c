/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A buffer over host memory costs a driver the pinning of its pages, so it is kept for as long as the memory comes again.
 * It must not outlive that memory: a view holds what its picture was cut from, until nobody else does.
 */
#include "opencl.h"

#include "vidriera/frame_memory.h"

#include <string.h>

/* What drivers ask for, lest they copy after all. */
enum { PAGE = 4096, LINE = 64 };

int vd_opencl_view_give(struct vd_opencl *cl, struct vd_opencl_view *view)
{
    if (!view->mapped)
        return CL_SUCCESS;
    cl_int code = clEnqueueUnmapMemObject(cl->queue, view->mem, view->mapped, 0, NULL, NULL);
    view->mapped = NULL;
    return code;
}

int vd_opencl_view_take(struct vd_opencl *cl, struct vd_opencl_view *view)
{
    cl_int code = CL_SUCCESS;
    if (!view->mapped)
        view->mapped = clEnqueueMapBuffer(cl->queue, view->mem, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, view->size, 0,
                                          NULL, NULL, &code);
    return code;
}

static void drop(struct vd_opencl *cl, struct vd_opencl_view *view)
{
    vd_opencl_view_give(cl, view);
    clFinish(cl->queue);
    clReleaseMemObject(view->mem);
    av_buffer_unref(&view->memory);
    *view = (struct vd_opencl_view){0};
}

/* Whether views are all that still holds the memory. */
static bool abandoned(const struct vd_opencl_views *views, const struct vd_opencl_view *view)
{
    int ours = 0;
    for (int i = 0; i < VD_OPENCL_VIEWS; i++)
        ours += views->view[i].mem && views->view[i].memory->data == view->memory->data;
    return av_buffer_get_ref_count(view->memory) == ours;
}

/* A view that is free now. */
static struct vd_opencl_view *make_room(struct vd_opencl_views *views, struct vd_opencl *cl)
{
    struct vd_opencl_view *oldest = &views->view[0];
    for (int i = 0; i < VD_OPENCL_VIEWS; i++) {
        struct vd_opencl_view *view = &views->view[i];
        if (view->mem && abandoned(views, view))
            drop(cl, view);
        if (view->used < oldest->used)
            oldest = view;
    }
    if (oldest->mem)
        drop(cl, oldest);
    return oldest;
}

/* The one buffer with all of the picture's planes; NULL: there is none. */
static const AVBufferRef *whole(const AVFrame *frame)
{
    const AVBufferRef *buffer = frame->buf[0];
    if (!buffer || frame->buf[1] || buffer->size > INT32_MAX)
        return NULL;
    return buffer;
}

struct vd_opencl_view *vd_opencl_view(struct vd_opencl_views *views, struct vd_opencl *cl, const AVFrame *frame,
                                      int *code)
{
    const AVBufferRef *buffer = cl->shares_memory ? whole(frame) : NULL;
    *code = CL_SUCCESS;
    if (!buffer || (uintptr_t)buffer->data % PAGE || buffer->size % LINE)
        return NULL;
    for (int i = 0; i < VD_OPENCL_VIEWS; i++)
        if (views->view[i].data == buffer->data && views->view[i].size == buffer->size) {
            views->view[i].used = ++views->uses;
            return &views->view[i];
        }
    AVBufferRef *memory = vd_frame_memory(buffer->data);
    if (!memory)
        return NULL;
    struct vd_opencl_view *view = make_room(views, cl);
    cl_mem mem = clCreateBuffer(cl->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, buffer->size, buffer->data, code);
    if (*code) {
        av_buffer_unref(&memory);
        return NULL;
    }
    *view = (struct vd_opencl_view){mem, memory, buffer->data, buffer->size, NULL, ++views->uses};
    return view;
}

void vd_opencl_views_finish(struct vd_opencl_views *views, struct vd_opencl *cl)
{
    for (int i = 0; i < VD_OPENCL_VIEWS; i++)
        if (views->view[i].mem)
            drop(cl, &views->view[i]);
}
