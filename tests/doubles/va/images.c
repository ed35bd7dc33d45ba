/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images: surfaces as the host sees them. A copy between host and device is a line of the log: get and put, and map,
 * which is of an image derived from a surface (its memory, that the host then reads or writes itself).
 */
#include "driver.h"

#include <string.h>

struct vd_image *vd_image(struct vd_double *d, VAImageID id)
{
    unsigned i = id - VD_FIRST_IMAGE;
    return i < VD_IMAGES && d->images[i].used ? &d->images[i] : NULL;
}

static VAImageFormat image_format(unsigned fourcc)
{
    return (VAImageFormat){
        .fourcc = fourcc, .byte_order = VA_LSB_FIRST, .bits_per_pixel = fourcc == VA_FOURCC_P010 ? 24 : 12};
}

static VAStatus query_formats(VADriverContextP driver, VAImageFormat *list, int *count)
{
    struct vd_double *d = vd_lock(driver);
    *count = 0;
    list[(*count)++] = image_format(VA_FOURCC_NV12);
    if (d->orders.main10)
        list[(*count)++] = image_format(VA_FOURCC_P010);
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

/* rows: of luma in memory; surface: whose memory it is, or VA_INVALID_ID. */
static VAStatus new_image(struct vd_double *d, const VAImage *like, unsigned rows, VASurfaceID surface, VAImage *out)
{
    for (unsigned i = 0; i < VD_IMAGES; i++) {
        if (d->images[i].used)
            continue;
        VAImage *image = &d->images[i].image;
        *image = *like;
        image->image_id = VD_FIRST_IMAGE + i;
        image->num_planes = 2;
        image->pitches[1] = image->pitches[0];
        image->offsets[1] = image->pitches[0] * rows;
        image->data_size = image->pitches[0] * (rows + (rows + 1) / 2);
        image->buf = vd_buffer_new(d, VAImageBufferType, image->data_size, 1, surface);
        if (image->buf == VA_INVALID_ID)
            return VA_STATUS_ERROR_ALLOCATION_FAILED;
        d->images[i].used = true;
        *out = *image;
        return VA_STATUS_SUCCESS;
    }
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

static VAStatus create_image(VADriverContextP driver, VAImageFormat *format, int width, int height, VAImage *out)
{
    struct vd_double *d = vd_lock(driver);
    bool wide = format->fourcc == VA_FOURCC_P010 && d->orders.main10;
    if (format->fourcc != VA_FOURCC_NV12 && !wide)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_IMAGE_FORMAT);
    if (width <= 0 || height <= 0 || width > VD_MAX_SIDE || height > VD_MAX_SIDE)
        return vd_unlock(d, VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
    VAImage like = {.format = image_format(format->fourcc), .width = (uint16_t)width, .height = (uint16_t)height};
    like.pitches[0] = ((unsigned)width + 1) / 2 * 2 * (wide ? 2 : 1);
    return vd_unlock(d, new_image(d, &like, (unsigned)height, VA_INVALID_ID, out));
}

static VAStatus derive_image(VADriverContextP driver, VASurfaceID id, VAImage *out)
{
    struct vd_double *d = vd_lock(driver);
    const struct vd_surface *surface = vd_surface(d, id);
    if (!surface)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    VAImage like = {.format = image_format(surface->fourcc),
                    .width = (uint16_t)surface->width,
                    .height = (uint16_t)surface->height};
    like.pitches[0] = surface->pitch;
    return vd_unlock(d, new_image(d, &like, surface->rows, id, out));
}

static VAStatus destroy_image(VADriverContextP driver, VAImageID id)
{
    struct vd_double *d = vd_lock(driver);
    struct vd_image *image = vd_image(d, id);
    if (!image)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_IMAGE);
    struct vd_buffer *buffer = vd_buffer(d, image->image.buf);
    if (buffer)
        vd_buffer_free(buffer);
    image->used = false;
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

/* A piece of a picture in memory. */
struct piece {
    uint8_t *memory;
    unsigned offset, pitch, x, y;
};

/* width and height in samples of luma; bytes: of one sample. */
static void copy(const struct piece *to, const struct piece *from, unsigned width, unsigned height, unsigned bytes)
{
    for (unsigned y = 0; y < height; y++)
        memcpy(to->memory + (size_t)(to->y + y) * to->pitch + to->x * bytes,
               from->memory + (size_t)(from->y + y) * from->pitch + from->x * bytes, width * bytes);
    for (unsigned y = 0; y < (height + 1) / 2; y++)
        memcpy(to->memory + to->offset + (size_t)(to->y / 2 + y) * to->pitch + to->x / 2 * 2 * bytes,
               from->memory + from->offset + (size_t)(from->y / 2 + y) * from->pitch + from->x / 2 * 2 * bytes,
               (width + 1) / 2 * 2 * bytes);
}

static bool within(int at, unsigned length, unsigned whole)
{
    return at >= 0 && (unsigned)at <= whole && length <= whole - (unsigned)at;
}

struct both {
    struct vd_surface *surface;
    const VAImage *image;
    struct vd_buffer *buffer;
};

static VAStatus find(struct vd_double *d, VASurfaceID surface, VAImageID image, struct both *both)
{
    struct vd_image *found = vd_image(d, image);
    both->surface = vd_surface(d, surface);
    both->buffer = found ? vd_buffer(d, found->image.buf) : NULL;
    if (!both->surface)
        return VA_STATUS_ERROR_INVALID_SURFACE;
    if (!both->buffer)
        return VA_STATUS_ERROR_INVALID_IMAGE;
    both->image = &found->image;
    return both->image->format.fourcc == both->surface->fourcc ? VA_STATUS_SUCCESS
                                                               : VA_STATUS_ERROR_INVALID_IMAGE_FORMAT;
}

static struct piece in_surface(const struct both *both, int x, int y)
{
    const struct vd_surface *surface = both->surface;
    return (struct piece){surface->memory, surface->pitch * surface->rows, surface->pitch, (unsigned)x, (unsigned)y};
}

static struct piece in_image(const struct both *both, int x, int y)
{
    return (struct piece){both->buffer->memory, both->image->offsets[1], both->image->pitches[0], (unsigned)x,
                          (unsigned)y};
}

static unsigned bytes_of(const struct both *both)
{
    return both->surface->fourcc == VA_FOURCC_P010 ? 2 : 1;
}

static VAStatus get_image(VADriverContextP driver, VASurfaceID surface, int x, int y, unsigned width, unsigned height,
                          VAImageID image)
{
    struct vd_double *d = vd_lock(driver);
    struct both both;
    VAStatus status = find(d, surface, image, &both);
    if (status != VA_STATUS_SUCCESS)
        return vd_unlock(d, status);
    if (!within(x, width, both.surface->width) || !within(y, height, both.surface->height) ||
        width > both.image->width || height > both.image->height)
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_PARAMETER);
    struct piece to = in_image(&both, 0, 0), from = in_surface(&both, x, y);
    copy(&to, &from, width, height, bytes_of(&both));
    vd_log("get surface=%u size=%ux%u", surface, width, height);
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus put_image(VADriverContextP driver, VASurfaceID surface, VAImageID image, int src_x, int src_y,
                          unsigned src_width, unsigned src_height, int dst_x, int dst_y, unsigned dst_width,
                          unsigned dst_height)
{
    struct vd_double *d = vd_lock(driver);
    struct both both;
    VAStatus status = find(d, surface, image, &both);
    if (status != VA_STATUS_SUCCESS)
        return vd_unlock(d, status);
    if (src_width != dst_width || src_height != dst_height) /* no scaler here */
        return vd_unlock(d, VA_STATUS_ERROR_UNIMPLEMENTED);
    if (!within(dst_x, dst_width, both.surface->width) || !within(dst_y, dst_height, both.surface->height) ||
        !within(src_x, src_width, both.image->width) || !within(src_y, src_height, both.image->height))
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_PARAMETER);
    struct piece to = in_surface(&both, dst_x, dst_y), from = in_image(&both, src_x, src_y);
    copy(&to, &from, dst_width, dst_height, bytes_of(&both));
    vd_log("put surface=%u size=%ux%u decoded=%d", surface, dst_width, dst_height, both.surface->decoded);
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

void vd_fill_images(struct VADriverVTable *table)
{
    table->vaQueryImageFormats = query_formats;
    table->vaCreateImage = create_image;
    table->vaDeriveImage = derive_image;
    table->vaDestroyImage = destroy_image;
    table->vaGetImage = get_image;
    table->vaPutImage = put_image;
}
