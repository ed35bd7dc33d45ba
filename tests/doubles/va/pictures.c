/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers, contexts, and pictures on their way through them. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BUFFER = 512 << 20 };

struct vd_buffer *vd_buffer(struct vd_double *d, VABufferID id)
{
    unsigned i = id - VD_FIRST_BUFFER;
    return i < VD_BUFFERS && d->buffers[i].used ? &d->buffers[i] : NULL;
}

struct vd_context *vd_context(struct vd_double *d, VAContextID id)
{
    unsigned i = id - VD_FIRST_CONTEXT;
    return i < VD_CONTEXTS && d->contexts[i].used ? &d->contexts[i] : NULL;
}

void vd_buffer_free(struct vd_buffer *buffer)
{
    if (buffer->surface == VA_INVALID_ID)
        free(buffer->memory);
    *buffer = (struct vd_buffer){0};
}

VABufferID vd_buffer_new(struct vd_double *d, VABufferType type, unsigned size, unsigned elements, VASurfaceID surface)
{
    for (unsigned i = 0; i < VD_BUFFERS; i++) {
        struct vd_buffer *buffer = &d->buffers[i];
        if (buffer->used)
            continue;
        const struct vd_surface *owner = vd_surface(d, surface);
        uint8_t *memory = owner ? owner->memory : calloc(elements ? elements : 1, size ? size : 1);
        if (!memory)
            return VA_INVALID_ID;
        *buffer = (struct vd_buffer){.used = true,
                                     .type = type,
                                     .size = size,
                                     .elements = elements,
                                     .memory = memory,
                                     .surface = owner ? surface : VA_INVALID_ID};
        return VD_FIRST_BUFFER + i;
    }
    return VA_INVALID_ID;
}

static VAStatus create_buffer(VADriverContextP driver, VAContextID context, VABufferType type, unsigned size,
                              unsigned elements, void *data, VABufferID *id)
{
    struct vd_double *d = vd_lock(driver);
    *id = VA_INVALID_ID;
    if (!vd_context(d, context))
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONTEXT);
    if (elements && size > MAX_BUFFER / elements)
        return vd_unlock(d, VA_STATUS_ERROR_ALLOCATION_FAILED);
    *id = vd_buffer_new(d, type, size, elements, VA_INVALID_ID);
    struct vd_buffer *buffer = vd_buffer(d, *id);
    if (!buffer)
        return vd_unlock(d, VA_STATUS_ERROR_ALLOCATION_FAILED);
    if (data)
        memcpy(buffer->memory, data, (size_t)size * elements);
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus set_elements(VADriverContextP driver, VABufferID id, unsigned elements)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_buffer *buffer = vd_buffer(d, id);
    if (!buffer)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_BUFFER);
    if (elements > buffer->elements)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_PARAMETER);
    buffer->elements = elements;
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus map_buffer(VADriverContextP driver, VABufferID id, void **memory)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_buffer *buffer = vd_buffer(d, id);
    if (!buffer)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_BUFFER);
    *memory = buffer->memory;
    if (buffer->type == VAEncCodedBufferType) {
        buffer->coded.buf = buffer->memory;
        *memory = &buffer->coded;
    }
    if (buffer->surface != VA_INVALID_ID) {
        const struct vd_surface *surface = vd_surface(d, buffer->surface);
        if (!surface)
            return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
        *memory = surface->memory;
        vd_log("map surface=%u decoded=%d", buffer->surface, surface->decoded);
    }
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus unmap_buffer(VADriverContextP driver, VABufferID id)
{
    struct vd_double *d = vd_lock(driver);
    return vd_unlock(d, vd_buffer(d, id) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_BUFFER);
}

static VAStatus destroy_buffer(VADriverContextP driver, VABufferID id)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_buffer *buffer = vd_buffer(d, id);
    if (buffer)
        vd_buffer_free(buffer);
    return vd_unlock(d, buffer ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_BUFFER);
}

static VAStatus sync_buffer(VADriverContextP driver, VABufferID id, uint64_t timeout)
{
    (void)timeout;
    struct vd_double *d = vd_lock(driver);
    if (!vd_buffer(d, id))
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_BUFFER);
    bool fails = vd_orders_fail("sync", &d->orders.syncs, d->orders.sync);
    return vd_unlock(d, fails ? VA_STATUS_ERROR_OPERATION_FAILED : VA_STATUS_SUCCESS);
}

static VAStatus create_context(VADriverContextP driver, VAConfigID config, int width, int height, int flags,
                               VASurfaceID *targets, int count, VAContextID *id)
{
    (void)flags;
    struct vd_double *d = vd_lock(driver);
    const struct vd_config *found = vd_config(d, config);
    if (!found)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONFIG);
    if (width <= 0 || height <= 0 || width > VD_MAX_SIDE || height > VD_MAX_SIDE)
        return vd_unlock(d, VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
    for (int i = 0; i < count; i++)
        if (!vd_surface(d, targets[i]))
            return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    for (unsigned i = 0; i < VD_CONTEXTS; i++) {
        if (d->contexts[i].used)
            continue;
        d->contexts[i] = (struct vd_context){.used = true, .config = *found, .target = VA_INVALID_ID};
        *id = VD_FIRST_CONTEXT + i;
        vd_log("context id=%u config=%u size=%dx%d targets=%d", *id, config, width, height, count);
        return vd_unlock(d, VA_STATUS_SUCCESS);
    }
    return vd_unlock(d, VA_STATUS_ERROR_ALLOCATION_FAILED);
}

static VAStatus destroy_context(VADriverContextP driver, VAContextID id)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_context *context = vd_context(d, id);
    if (context)
        context->used = false;
    return vd_unlock(d, context ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_CONTEXT);
}

static VAStatus begin_picture(VADriverContextP driver, VAContextID id, VASurfaceID target)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_context *context = vd_context(d, id);
    if (!context)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONTEXT);
    if (!vd_surface(d, target))
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    context->target = target;
    context->buffer_count = 0;
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus render_picture(VADriverContextP driver, VAContextID id, VABufferID *list, int count)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_context *context = vd_context(d, id);
    if (!context || context->target == VA_INVALID_ID)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONTEXT);
    for (int i = 0; i < count; i++) {
        if (!vd_buffer(d, list[i]))
            return vd_unlock(d, VA_STATUS_ERROR_INVALID_BUFFER);
        if (context->buffer_count == VD_PICTURE_BUFFERS)
            return vd_unlock(d, VA_STATUS_ERROR_MAX_NUM_EXCEEDED);
        context->buffers[context->buffer_count++] = list[i];
    }
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

struct vd_buffer *vd_picture_buffer(struct vd_double *d, const struct vd_context *context, unsigned i,
                                    VABufferType type, size_t size)
{
    struct vd_buffer *buffer = i < context->buffer_count ? vd_buffer(d, context->buffers[i]) : NULL;
    return buffer && buffer->type == type && buffer->elements && buffer->size >= size ? buffer : NULL;
}

static VAStatus end_picture(VADriverContextP driver, VAContextID id)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_context *context = vd_context(d, id);
    if (!context || context->target == VA_INVALID_ID)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_CONTEXT);
    struct vd_surface *target = vd_surface(d, context->target);
    if (!target)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    if (vd_orders_fail("hang", &d->orders.pictures, d->orders.hang))
        vd_orders_hang("picture");

    bool hevc = context->config.profile == VAProfileHEVCMain10;
    VAStatus status;
    if (context->config.entrypoint == VAEntrypointVLD) {
        status = vd_orders_fail("decode", &d->orders.decodes, d->orders.decode) ? VA_STATUS_ERROR_DECODING_ERROR
                 : hevc                                                         ? vd_decode_hevc(d, context, target)
                                                                                : vd_decode_h264(d, context, target);
        target->decoded = true;
        vd_log("decode n=%u surface=%u status=%d", d->orders.decodes, context->target, status);
    } else {
        status = vd_orders_fail("encode", &d->orders.encodes, d->orders.encode) ? VA_STATUS_ERROR_ENCODING_ERROR
                 : hevc                                                         ? vd_encode_hevc(d, context, target)
                                                                                : vd_encode_h264(d, context, target);
        vd_log("encode n=%u surface=%u status=%d decoded=%d size=%ux%u digest=%016llx", d->orders.encodes,
               context->target, status, target->decoded, target->width, target->height,
               (unsigned long long)vd_surface_digest(target));
    }
    context->target = VA_INVALID_ID;
    return vd_unlock(d, status);
}

void vd_fill_pictures(struct VADriverVTable *table)
{
    table->vaCreateBuffer = create_buffer;
    table->vaBufferSetNumElements = set_elements;
    table->vaMapBuffer = map_buffer;
    table->vaUnmapBuffer = unmap_buffer;
    table->vaDestroyBuffer = destroy_buffer;
    table->vaSyncBuffer = sync_buffer;
    table->vaCreateContext = create_context;
    table->vaDestroyContext = destroy_context;
    table->vaBeginPicture = begin_picture;
    table->vaRenderPicture = render_picture;
    table->vaEndPicture = end_picture;
}
