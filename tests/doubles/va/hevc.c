/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures of HEVC Main10, without its coding: what is decoded is a pattern made from the picture's number, what is
 * encoded is FFmpeg's headers with a slice of nothing, which no decoder can decode. The log has each input's digest.
 */
#include "driver.h"
#include "packed.h"

/* Any 10-bit code, in the high bits of a word; component: 0 Y, 1 U, 2 V. */
static uint16_t pattern(unsigned x, unsigned y, unsigned component, int poc)
{
    unsigned code = (1 + component) * x + (3 - component) * y + 37 * component + 5 * (unsigned)poc;
    return (uint16_t)((code & 1023) << 6);
}

static void fill(const struct vd_surface *surface, int poc)
{
    for (unsigned y = 0; y < surface->height; y++) {
        uint16_t *row = (void *)(surface->memory + (size_t)y * surface->pitch);
        for (unsigned x = 0; x < surface->width; x++)
            row[x] = pattern(x, y, 0, poc);
    }
    for (unsigned y = 0; y < surface->height / 2; y++) {
        uint16_t *row = (void *)(surface->memory + (size_t)(surface->rows + y) * surface->pitch);
        for (unsigned x = 0; x < surface->width / 2; x++) {
            row[2 * x] = pattern(x, y, 1, poc);
            row[2 * x + 1] = pattern(x, y, 2, poc);
        }
    }
}

VAStatus vd_decode_hevc(struct vd_double *d, struct vd_context *context, struct vd_surface *target)
{
    for (unsigned i = 0; i < context->buffer_count; i++) {
        const VAPictureParameterBufferHEVC *picture;
        const struct vd_buffer *buffer = vd_picture_buffer(d, context, i, VAPictureParameterBufferType,
                                                           sizeof *picture);
        if (!buffer)
            continue;
        picture = (const void *)buffer->memory;
        if (target->fourcc != VA_FOURCC_P010 || picture->bit_depth_luma_minus8 != 2)
            return VA_STATUS_ERROR_DECODING_ERROR;
        fill(target, picture->CurrPic.pic_order_cnt);
        return VA_STATUS_SUCCESS;
    }
    return VA_STATUS_ERROR_DECODING_ERROR;
}

static VAStatus encode_buffer(struct vd_double *d, const struct vd_context *context, unsigned i,
                              struct vd_packed *packed)
{
    const struct vd_buffer *buffer;
    if ((buffer = vd_picture_buffer(d, context, i, VAEncPictureParameterBufferType,
                                    sizeof(VAEncPictureParameterBufferHEVC)))) {
        const VAEncPictureParameterBufferHEVC *picture = (const void *)buffer->memory;
        return vd_packed_open(packed, vd_buffer(d, picture->coded_buf));
    }
    if (vd_picture_buffer(d, context, i, VAEncSliceParameterBufferType, sizeof(VAEncSliceParameterBufferHEVC))) {
        if (!vd_packed_slice(packed))
            return VA_STATUS_ERROR_INVALID_PARAMETER;
        vd_sink_bits(&packed->sink, 1, 1);
        vd_sink_align(&packed->sink);
        return VA_STATUS_SUCCESS;
    }
    return vd_packed_buffer(packed, vd_buffer(d, context->buffers[i]));
}

VAStatus vd_encode_hevc(struct vd_double *d, struct vd_context *context, struct vd_surface *target)
{
    struct vd_packed packed = {0};
    VAStatus status = target->fourcc == VA_FOURCC_P010 ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_SURFACE;
    for (unsigned i = 0; i < context->buffer_count && status == VA_STATUS_SUCCESS; i++)
        status = encode_buffer(d, context, i, &packed);
    return vd_packed_close(&packed, status);
}
