/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of H.264: the buffers of libva around slices of I_PCM. */
#include "driver.h"
#include "ipcm.h"
#include "packed.h"

static struct vd_nv12 planes(const struct vd_surface *surface, unsigned mb_columns, unsigned mb_rows)
{
    return (struct vd_nv12){
        .luma = surface->memory,
        .chroma = surface->memory + (size_t)surface->pitch * surface->rows,
        .pitch = surface->pitch,
        .width = surface->width,
        .height = surface->height,
        .mb_columns = mb_columns,
        .mb_rows = mb_rows,
    };
}

/* Frames of 8 bits in 4:2:0 and CAVLC. */
static bool of_the_subset(const VAPictureParameterBufferH264 *picture)
{
    return picture->seq_fields.bits.chroma_format_idc == 1 && !picture->bit_depth_luma_minus8 &&
           !picture->bit_depth_chroma_minus8 && !picture->seq_fields.bits.mb_adaptive_frame_field_flag &&
           !picture->pic_fields.bits.field_pic_flag && !picture->pic_fields.bits.entropy_coding_mode_flag;
}

/* Between I_PCM macroblocks qP is that of QP 0, and the filter is off below index 16 of table 8-16. */
static bool deblocked(const VAPictureParameterBufferH264 *picture, const VASliceParameterBufferH264 *slice)
{
    if (slice->disable_deblocking_filter_idc == 1)
        return false;
    int first = (int)picture->chroma_qp_index_offset, second = (int)picture->second_chroma_qp_index_offset;
    int qp = first > second ? first : second;
    if (qp < 0) /* luma's */
        qp = 0;
    return qp + 2 * slice->slice_alpha_c0_offset_div2 >= 16 && qp + 2 * slice->slice_beta_offset_div2 >= 16;
}

/* Macroblocks decoded, or negative. */
static int decode_slice(const VAPictureParameterBufferH264 *picture, const VASliceParameterBufferH264 *slice,
                        const struct vd_buffer *data, const struct vd_nv12 *target)
{
    unsigned type = slice->slice_type % 5; /* 0: P, 1: B, 2: I */
    if (slice->slice_data_flag != VA_SLICE_DATA_FLAG_ALL || (type != 0 && type != 2) || deblocked(picture, slice))
        return -1;
    if (slice->slice_data_offset > data->size || slice->slice_data_size > data->size - slice->slice_data_offset)
        return -1;
    struct vd_ipcm_slice ipcm = {
        .nal = data->memory + slice->slice_data_offset,
        .size = slice->slice_data_size,
        .first_bit = slice->slice_data_bit_offset,
        .first_macroblock = slice->first_mb_in_slice,
        .predicted = type == 0,
    };
    return vd_ipcm_decode(&ipcm, target);
}

VAStatus vd_decode_h264(struct vd_double *d, struct vd_context *context, struct vd_surface *target)
{
    const VAPictureParameterBufferH264 *picture = NULL;
    const struct vd_buffer *slices = NULL;
    struct vd_nv12 into = {0};
    unsigned decoded = 0;
    for (unsigned i = 0; i < context->buffer_count; i++) {
        const struct vd_buffer *buffer;
        if ((buffer = vd_picture_buffer(d, context, i, VAPictureParameterBufferType, sizeof *picture))) {
            picture = (const void *)buffer->memory;
            into = planes(target, picture->picture_width_in_mbs_minus1 + 1u,
                          picture->picture_height_in_mbs_minus1 + 1u);
        } else if ((buffer = vd_picture_buffer(d, context, i, VASliceParameterBufferType,
                                               sizeof(VASliceParameterBufferH264)))) {
            slices = buffer;
        } else if ((buffer = vd_picture_buffer(d, context, i, VASliceDataBufferType, 1))) {
            if (!picture || !slices || target->fourcc != VA_FOURCC_NV12 || !of_the_subset(picture))
                return VA_STATUS_ERROR_DECODING_ERROR;
            for (unsigned k = 0; k < slices->elements; k++) {
                int count = decode_slice(picture, (const void *)(slices->memory + (size_t)k * slices->size), buffer,
                                         &into);
                if (count < 0)
                    return VA_STATUS_ERROR_DECODING_ERROR;
                decoded += (unsigned)count;
            }
            slices = NULL;
        }
    }
    return picture && decoded == into.mb_columns * into.mb_rows ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_DECODING_ERROR;
}

/* The macroblocks of one slice, after its header. */
static VAStatus encode_slice(const struct vd_context *context, struct vd_surface *target,
                             const VAEncSliceParameterBufferH264 *slice, struct vd_packed *packed)
{
    struct vd_nv12 picture = planes(target, context->mb_columns, context->mb_rows);
    uint32_t all = context->mb_columns * context->mb_rows;
    unsigned type = slice->slice_type % 5;
    if (slice->macroblock_address > all || slice->num_macroblocks > all - slice->macroblock_address ||
        (type != 0 && type != 2))
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    if (!vd_packed_slice(packed))
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    vd_ipcm_encode(&packed->sink, &picture, slice->macroblock_address, slice->num_macroblocks, type == 0);
    return VA_STATUS_SUCCESS;
}

static VAStatus encode_buffer(struct vd_double *d, struct vd_context *context, struct vd_surface *target, unsigned i,
                              struct vd_packed *packed)
{
    const struct vd_buffer *buffer;
    if ((buffer = vd_picture_buffer(d, context, i, VAEncSequenceParameterBufferType,
                                    sizeof(VAEncSequenceParameterBufferH264)))) {
        const VAEncSequenceParameterBufferH264 *sequence = (const void *)buffer->memory;
        context->mb_columns = sequence->picture_width_in_mbs;
        context->mb_rows = sequence->picture_height_in_mbs;
        return context->mb_columns <= VD_MAX_SIDE / 16 && context->mb_rows <= VD_MAX_SIDE / 16
                   ? VA_STATUS_SUCCESS
                   : VA_STATUS_ERROR_INVALID_PARAMETER;
    }
    if ((buffer = vd_picture_buffer(d, context, i, VAEncPictureParameterBufferType,
                                    sizeof(VAEncPictureParameterBufferH264)))) {
        const VAEncPictureParameterBufferH264 *picture = (const void *)buffer->memory;
        if (picture->pic_fields.bits.entropy_coding_mode_flag)
            return VA_STATUS_ERROR_UNIMPLEMENTED;
        return vd_packed_open(packed, vd_buffer(d, picture->coded_buf));
    }
    if ((buffer = vd_picture_buffer(d, context, i, VAEncSliceParameterBufferType,
                                    sizeof(VAEncSliceParameterBufferH264))))
        return encode_slice(context, target, (const void *)buffer->memory, packed);
    return vd_packed_buffer(packed, vd_buffer(d, context->buffers[i]));
}

VAStatus vd_encode_h264(struct vd_double *d, struct vd_context *context, struct vd_surface *target)
{
    struct vd_packed packed = {0};
    VAStatus status = target->fourcc == VA_FOURCC_NV12 && target->width % 2 == 0 && target->height % 2 == 0
                          ? VA_STATUS_SUCCESS
                          : VA_STATUS_ERROR_INVALID_SURFACE;
    for (unsigned i = 0; i < context->buffer_count && status == VA_STATUS_SUCCESS; i++)
        status = encode_buffer(d, context, target, i, &packed);
    return vd_packed_close(&packed, status);
}
