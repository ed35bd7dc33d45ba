/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packed.h"

#include <stdlib.h>

VAStatus vd_packed_open(struct vd_packed *packed, struct vd_buffer *coded)
{
    if (!coded || coded->type != VAEncCodedBufferType)
        return VA_STATUS_ERROR_INVALID_BUFFER;
    packed->coded = coded;
    packed->sink = (struct vd_sink){.data = coded->memory, .room = (size_t)coded->size * coded->elements};
    return VA_STATUS_SUCCESS;
}

static VAStatus take_data(struct vd_packed *packed, const struct vd_buffer *buffer)
{
    size_t bytes = ((size_t)packed->bits + 7) / 8;
    if (!packed->coded || !bytes || bytes > (size_t)buffer->size * buffer->elements)
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    if (packed->type == VAEncPackedHeaderSlice) {
        packed->slice = buffer;
        packed->slice_bits = packed->bits;
    } else {
        vd_sink_raw(&packed->sink, buffer->memory, bytes);
    }
    packed->bits = 0;
    return VA_STATUS_SUCCESS;
}

VAStatus vd_packed_buffer(struct vd_packed *packed, const struct vd_buffer *buffer)
{
    if (!buffer)
        return VA_STATUS_ERROR_INVALID_BUFFER;
    if (buffer->type == VAEncPackedHeaderDataBufferType)
        return take_data(packed, buffer);
    if (buffer->type != VAEncPackedHeaderParameterBufferType)
        return VA_STATUS_SUCCESS;
    const VAEncPackedHeaderParameterBuffer *header = (const void *)buffer->memory;
    if (buffer->size < sizeof *header || !buffer->elements || !header->has_emulation_bytes)
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    packed->type = header->type;
    packed->bits = header->bit_length;
    return VA_STATUS_SUCCESS;
}

/* Where the last NAL unit begins, behind its start code; 0: nowhere. */
static size_t last_unit(const uint8_t *data, size_t size)
{
    for (size_t i = size; i >= 3; i--)
        if (!data[i - 3] && !data[i - 2] && data[i - 1] == 1)
            return i;
    return 0;
}

bool vd_packed_slice(struct vd_packed *packed)
{
    if (!packed->slice)
        return false;
    const uint8_t *data = packed->slice->memory;
    size_t size = ((size_t)packed->slice_bits + 7) / 8, start = last_unit(data, size), bytes;
    unsigned spare = (unsigned)(size * 8 - packed->slice_bits);
    packed->slice = NULL;
    if (!start || start == size)
        return false;

    /* Unescaped and escaped again: the last byte is another one when it is full. */
    uint8_t *rbsp = vd_unescape(data + start, size - start, &bytes);
    if (!rbsp)
        return false;
    vd_sink_raw(&packed->sink, data, start);
    vd_sink_nal(&packed->sink);
    vd_sink_bytes(&packed->sink, rbsp, bytes - 1);
    vd_sink_bits(&packed->sink, rbsp[bytes - 1] >> spare, 8 - spare);
    free(rbsp);
    return true;
}

VAStatus vd_packed_close(struct vd_packed *packed, VAStatus status)
{
    if (status == VA_STATUS_SUCCESS && !packed->coded)
        return VA_STATUS_ERROR_INVALID_PARAMETER;
    if (!packed->coded)
        return status;
    bool whole = status == VA_STATUS_SUCCESS && !packed->sink.full;
    packed->coded->coded = (VACodedBufferSegment){.size = whole ? (uint32_t)packed->sink.size : 0};
    return status == VA_STATUS_SUCCESS && packed->sink.full ? VA_STATUS_ERROR_NOT_ENOUGH_BUFFER : status;
}
