/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Surfaces, in host memory. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PITCH = 64, PAGE = 4096, UNTOUCHED = 0xab };

struct vd_surface *vd_surface(struct vd_double *d, VASurfaceID id)
{
    unsigned i = id - VD_FIRST_SURFACE;
    return i < VD_SURFACES && d->surfaces[i].used ? &d->surfaces[i] : NULL;
}

void vd_surface_free(struct vd_surface *surface)
{
    free(surface->memory);
    *surface = (struct vd_surface){0};
}

static unsigned round_up(unsigned value, unsigned to)
{
    return (value + to - 1) / to * to;
}

static unsigned sample_bytes(const struct vd_surface *surface)
{
    return surface->fourcc == VA_FOURCC_P010 ? 2 : 1;
}

static unsigned chroma_rows(unsigned rows)
{
    return (rows + 1) / 2;
}

/* VA_INVALID_ID: no memory, or too many. */
static VASurfaceID new_surface(struct vd_double *d, unsigned width, unsigned height, unsigned fourcc)
{
    for (unsigned i = 0; i < (d->orders.room ? d->orders.room : VD_SURFACES); i++) {
        struct vd_surface *surface = &d->surfaces[i];
        if (surface->used)
            continue;
        *surface = (struct vd_surface){.width = width, .height = height, .fourcc = fourcc};
        surface->rows = d->orders.tall ? round_up(height, 16) : height;
        surface->pitch = round_up(round_up(width, 2) * sample_bytes(surface), PITCH);
        size_t size = (size_t)surface->pitch * (surface->rows + chroma_rows(surface->rows));
        surface->memory = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
        if (!surface->memory)
            return VA_INVALID_ID;
        memset(surface->memory, UNTOUCHED, size);
        surface->used = true;
        return VD_FIRST_SURFACE + i;
    }
    return VA_INVALID_ID;
}

/* 0: what is asked for is not there. */
static unsigned wanted_fourcc(const struct vd_double *d, unsigned format, const VASurfaceAttrib *list, unsigned count)
{
    unsigned fourcc = format == VA_RT_FORMAT_YUV420_10 ? VA_FOURCC_P010 : VA_FOURCC_NV12;
    for (unsigned i = 0; i < count; i++) {
        unsigned value = (unsigned)list[i].value.value.i;
        if ((list[i].type == VASurfaceAttribPixelFormat && value != fourcc) ||
            (list[i].type == VASurfaceAttribMemoryType && value != VA_SURFACE_ATTRIB_MEM_TYPE_VA))
            return 0;
    }
    if (format != VA_RT_FORMAT_YUV420 && !(format == VA_RT_FORMAT_YUV420_10 && d->orders.main10))
        return 0;
    return fourcc;
}

static void destroy(struct vd_double *d, const VASurfaceID *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        vd_surface_free(vd_surface(d, list[i]));
}

static VAStatus create_surfaces2(VADriverContextP driver, unsigned format, unsigned width, unsigned height,
                                 VASurfaceID *list, unsigned count, VASurfaceAttrib *attributes,
                                 unsigned attribute_count)
{
    struct vd_double *d = vd_lock(driver);
    unsigned fourcc = wanted_fourcc(d, format, attributes, attribute_count);
    if (!fourcc)
        return vd_unlock(d, VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT);
    if (!width || !height || width > VD_MAX_SIDE || height > VD_MAX_SIDE)
        return vd_unlock(d, VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
    for (unsigned i = 0; i < count; i++) {
        bool fails = vd_orders_fail("surface", &d->orders.surfaces, d->orders.surface);
        list[i] = fails ? VA_INVALID_ID : new_surface(d, width, height, fourcc);
        if (list[i] != VA_INVALID_ID)
            continue;
        destroy(d, list, i);
        return vd_unlock(d, VA_STATUS_ERROR_ALLOCATION_FAILED);
    }
    if (count) {
        const struct vd_surface *first = vd_surface(d, list[0]);
        vd_log("surfaces first=%u count=%u size=%ux%u fourcc=%s pitch=%u rows=%u", list[0], count, width, height,
               fourcc == VA_FOURCC_P010 ? "P010" : "NV12", first->pitch, first->rows);
    }
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus create_surfaces(VADriverContextP driver, int width, int height, int format, int count,
                                VASurfaceID *list)
{
    if (width < 0 || height < 0 || count < 0)
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    return create_surfaces2(driver, (unsigned)format, (unsigned)width, (unsigned)height, list, (unsigned)count, NULL,
                            0);
}

static VAStatus destroy_surfaces(VADriverContextP driver, VASurfaceID *list, int count)
{
    struct vd_double *d = vd_lock(driver);
    for (int i = 0; i < count; i++)
        if (!vd_surface(d, list[i]))
            return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    destroy(d, list, count < 0 ? 0 : (unsigned)count);
    return vd_unlock(d, VA_STATUS_SUCCESS);
}

static VAStatus sync_surface(VADriverContextP driver, VASurfaceID id)
{
    struct vd_double *d = vd_lock(driver);
    if (!vd_surface(d, id))
        return vd_unlock(d, VA_STATUS_ERROR_INVALID_SURFACE);
    bool fails = vd_orders_fail("sync", &d->orders.syncs, d->orders.sync);
    return vd_unlock(d, fails ? VA_STATUS_ERROR_OPERATION_FAILED : VA_STATUS_SUCCESS);
}

static VAStatus sync_surface2(VADriverContextP driver, VASurfaceID id, uint64_t timeout)
{
    (void)timeout;
    return sync_surface(driver, id);
}

static VAStatus query_status(VADriverContextP driver, VASurfaceID id, VASurfaceStatus *state)
{
    struct vd_double *d = vd_lock(driver);
    *state = VASurfaceReady;
    return vd_unlock(d, vd_surface(d, id) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_SURFACE);
}

uint64_t vd_surface_digest(const struct vd_surface *surface)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return 0;
    XXH3_64bits_reset(state);
    size_t row = surface->width * sample_bytes(surface), pair = 2 * sample_bytes(surface);
    const uint8_t *chroma = surface->memory + (size_t)surface->pitch * surface->rows;
    for (unsigned y = 0; y < surface->height; y++)
        XXH3_64bits_update(state, surface->memory + (size_t)y * surface->pitch, row);
    for (unsigned y = 0; y < chroma_rows(surface->height); y++)
        XXH3_64bits_update(state, chroma + (size_t)y * surface->pitch, (row + pair - 1) / pair * pair);
    uint64_t digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return digest;
}

int vd_double_plane(VADriverContextP driver, VASurfaceID id, unsigned plane, struct vd_double_plane *out)
{
    struct vd_double *d = vd_lock(driver);
    const struct vd_surface *surface = vd_surface(d, id);
    if (surface && plane < 2)
        *out = (struct vd_double_plane){
            .memory = surface->memory + (plane ? (size_t)surface->pitch * surface->rows : 0),
            .columns = plane ? (surface->width + 1) / 2 : surface->width,
            .rows = plane ? chroma_rows(surface->rows) : surface->rows,
            .pitch = surface->pitch,
            .sample_bytes = sample_bytes(surface),
            .decoded = surface->decoded,
        };
    vd_unlock(d, VA_STATUS_SUCCESS);
    return surface && plane < 2;
}

void vd_fill_surfaces(struct VADriverVTable *table)
{
    table->vaCreateSurfaces = create_surfaces;
    table->vaCreateSurfaces2 = create_surfaces2;
    table->vaDestroySurfaces = destroy_surfaces;
    table->vaSyncSurface = sync_surface;
    table->vaSyncSurface2 = sync_surface2;
    table->vaQuerySurfaceStatus = query_status;
}
