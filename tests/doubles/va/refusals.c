/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libva insists on in a driver's table and the double does not have. */
#include "driver.h"

static VAStatus query_error(VADriverContextP driver, VASurfaceID surface, VAStatus status, void **info)
{
    (void)driver, (void)surface, (void)status, (void)info;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus put_surface(VADriverContextP driver, VASurfaceID surface, void *draw, short srcx, short srcy,
                            unsigned short srcw, unsigned short srch, short destx, short desty, unsigned short destw,
                            unsigned short desth, VARectangle *clips, unsigned clip_count, unsigned flags)
{
    (void)driver, (void)surface, (void)draw, (void)srcx, (void)srcy, (void)srcw, (void)srch;
    (void)destx, (void)desty, (void)destw, (void)desth, (void)clips, (void)clip_count, (void)flags;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_palette(VADriverContextP driver, VAImageID image, unsigned char *palette)
{
    (void)driver, (void)image, (void)palette;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus query_subpictures(VADriverContextP driver, VAImageFormat *list, unsigned *flags, unsigned *count)
{
    (void)driver, (void)list, (void)flags;
    *count = 0;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_subpicture(VADriverContextP driver, VAImageID image, VASubpictureID *subpicture)
{
    (void)driver, (void)image, (void)subpicture;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus destroy_subpicture(VADriverContextP driver, VASubpictureID subpicture)
{
    (void)driver, (void)subpicture;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_subpicture_image(VADriverContextP driver, VASubpictureID subpicture, VAImageID image)
{
    (void)driver, (void)subpicture, (void)image;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_chroma_key(VADriverContextP driver, VASubpictureID subpicture, unsigned min, unsigned max,
                               unsigned mask)
{
    (void)driver, (void)subpicture, (void)min, (void)max, (void)mask;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus set_alpha(VADriverContextP driver, VASubpictureID subpicture, float alpha)
{
    (void)driver, (void)subpicture, (void)alpha;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus associate(VADriverContextP driver, VASubpictureID subpicture, VASurfaceID *list, int count, short srcx,
                          short srcy, unsigned short srcw, unsigned short srch, short destx, short desty,
                          unsigned short destw, unsigned short desth, unsigned flags)
{
    (void)driver, (void)subpicture, (void)list, (void)count, (void)srcx, (void)srcy, (void)srcw, (void)srch;
    (void)destx, (void)desty, (void)destw, (void)desth, (void)flags;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus deassociate(VADriverContextP driver, VASubpictureID subpicture, VASurfaceID *list, int count)
{
    (void)driver, (void)subpicture, (void)list, (void)count;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus query_display(VADriverContextP driver, VADisplayAttribute *list, int *count)
{
    (void)driver, (void)list;
    *count = 0;
    return VA_STATUS_SUCCESS;
}

static VAStatus display_attributes(VADriverContextP driver, VADisplayAttribute *list, int count)
{
    (void)driver, (void)list, (void)count;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus buffer_handle(VADriverContextP driver, VABufferID buffer, VABufferInfo *info)
{
    (void)driver, (void)buffer, (void)info;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus release_handle(VADriverContextP driver, VABufferID buffer)
{
    (void)driver, (void)buffer;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus export_handle(VADriverContextP driver, VASurfaceID surface, uint32_t type, uint32_t flags, void *out)
{
    (void)driver, (void)surface, (void)type, (void)flags, (void)out;
    return VA_STATUS_ERROR_UNIMPLEMENTED;
}

void vd_fill_refusals(struct VADriverVTable *table)
{
    table->vaQuerySurfaceError = query_error;
    table->vaPutSurface = put_surface;
    table->vaSetImagePalette = set_palette;
    table->vaQuerySubpictureFormats = query_subpictures;
    table->vaCreateSubpicture = create_subpicture;
    table->vaDestroySubpicture = destroy_subpicture;
    table->vaSetSubpictureImage = set_subpicture_image;
    table->vaSetSubpictureChromakey = set_chroma_key;
    table->vaSetSubpictureGlobalAlpha = set_alpha;
    table->vaAssociateSubpicture = associate;
    table->vaDeassociateSubpicture = deassociate;
    table->vaQueryDisplayAttributes = query_display;
    table->vaGetDisplayAttributes = display_attributes;
    table->vaSetDisplayAttributes = display_attributes;
    table->vaAcquireBufferHandle = buffer_handle;
    table->vaReleaseBufferHandle = release_handle;
    table->vaExportSurfaceHandle = export_handle;
}
