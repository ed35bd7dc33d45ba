/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes into the encoder, and what comes out of it. */
#include "nvenc.h"

#include <stdlib.h>

#define PITCH 256

size_t vd_sample_bytes(NV_ENC_BUFFER_FORMAT format)
{
    return format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT ? 2 : 1;
}

static bool is_format(NV_ENC_BUFFER_FORMAT format)
{
    return format == NV_ENC_BUFFER_FORMAT_NV12 || format == NV_ENC_BUFFER_FORMAT_YV12 ||
           format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
}

static struct vd_input *new_input(void)
{
    struct vd_input *input = calloc(1, sizeof(*input));
    if (!input)
        abort();
    return input;
}

NVENCSTATUS vd_nvenc_create_input(void *encoder, NV_ENC_CREATE_INPUT_BUFFER *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_CREATE_INPUT_BUFFER_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!session->coding || !is_format(params->bufferFmt))
        return vd_session_error(session, NV_ENC_ERR_INVALID_PARAM, "input buffer: format or moment");

    struct vd_input *input = new_input();
    input->format = params->bufferFmt;
    input->width = params->width;
    input->height = params->height;
    input->pitch = (params->width * vd_sample_bytes(params->bufferFmt) + PITCH - 1) / PITCH * PITCH;
    input->own = calloc((size_t)params->height * 3 / 2 + 1, input->pitch);
    if (!input->own)
        abort();
    params->inputBuffer = input;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_destroy_input(void *encoder, NV_ENC_INPUT_PTR buffer)
{
    struct vd_input *input = buffer;
    if (!vd_session_of(encoder) || !input)
        return NV_ENC_ERR_INVALID_PTR;
    free(input->own);
    free(input);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_lock_input(void *encoder, NV_ENC_LOCK_INPUT_BUFFER *params)
{
    struct vd_input *input = params->inputBuffer;
    if (!vd_session_of(encoder) || !input || !input->own)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_LOCK_INPUT_BUFFER_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (input->mapped)
        return NV_ENC_ERR_LOCK_BUSY;
    input->mapped = true;
    params->bufferDataPtr = input->own;
    params->pitch = (uint32_t)input->pitch;
    return NV_ENC_SUCCESS;
}

/* What the host wrote crosses to the device now. */
NVENCSTATUS vd_nvenc_unlock_input(void *encoder, NV_ENC_INPUT_PTR buffer)
{
    struct vd_input *input = buffer;
    if (!vd_session_of(encoder) || !input)
        return NV_ENC_ERR_INVALID_PTR;
    if (!input->mapped)
        return NV_ENC_ERR_INVALID_PARAM;
    input->mapped = false;
    size_t width = input->width * vd_sample_bytes(input->format);
    vd_log("memcpy kind=HtoD width=%zu rows=%u bytes=%zu by=nvenc", width, input->height,
           width * input->height * 3 / 2);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_register(void *encoder, NV_ENC_REGISTER_RESOURCE *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_REGISTER_RESOURCE_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    CUdeviceptr address = (CUdeviceptr)(uintptr_t)params->resourceToRegister;
    size_t size = (size_t)params->pitch * params->height * 3 / 2;
    if (params->resourceType != NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR || !is_format(params->bufferFormat) ||
        params->pitch % 4 || params->pitch < params->width * vd_sample_bytes(params->bufferFormat) ||
        !vd_device_memory(address, size, NULL)) {
        vd_log("register refused width=%u height=%u pitch=%u", params->width, params->height, params->pitch);
        return vd_session_error(session, NV_ENC_ERR_RESOURCE_REGISTER_FAILED, "memory, pitch or format");
    }
    struct vd_input *input = new_input();
    input->device = address;
    input->format = params->bufferFormat;
    input->width = params->width;
    input->height = params->height;
    input->pitch = params->pitch;
    params->registeredResource = input;
    vd_log("register width=%u height=%u pitch=%u", params->width, params->height, params->pitch);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_unregister(void *encoder, NV_ENC_REGISTERED_PTR resource)
{
    struct vd_input *input = resource;
    if (!vd_session_of(encoder) || !input)
        return NV_ENC_ERR_INVALID_PTR;
    if (input->mapped)
        return NV_ENC_ERR_INVALID_CALL;
    free(input);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_map(void *encoder, NV_ENC_MAP_INPUT_RESOURCE *params)
{
    struct vd_input *input = params->registeredResource;
    if (!vd_session_of(encoder) || !input)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_MAP_INPUT_RESOURCE_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (input->mapped)
        return NV_ENC_ERR_MAP_FAILED;
    input->mapped = true;
    params->mappedResource = input;
    params->mappedBufferFmt = input->format;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_unmap(void *encoder, NV_ENC_INPUT_PTR buffer)
{
    struct vd_input *input = buffer;
    if (!vd_session_of(encoder) || !input)
        return NV_ENC_ERR_INVALID_PTR;
    if (!input->mapped)
        return NV_ENC_ERR_RESOURCE_NOT_MAPPED;
    input->mapped = false;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_create_output(void *encoder, NV_ENC_CREATE_BITSTREAM_BUFFER *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_CREATE_BITSTREAM_BUFFER_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!session->coding)
        return NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
    struct vd_output *output = calloc(1, sizeof(*output));
    if (!output)
        abort();
    params->bitstreamBuffer = output;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_destroy_output(void *encoder, NV_ENC_OUTPUT_PTR buffer)
{
    struct vd_output *output = buffer;
    if (!vd_session_of(encoder) || !output)
        return NV_ENC_ERR_INVALID_PTR;
    free(output->bits.data);
    free(output);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_lock_output(void *encoder, NV_ENC_LOCK_BITSTREAM *params)
{
    static const NV_ENC_PIC_TYPE types[] = {
        [VD_IDR] = NV_ENC_PIC_TYPE_IDR, [VD_I] = NV_ENC_PIC_TYPE_I, [VD_B] = NV_ENC_PIC_TYPE_B};
    struct vd_output *output = params->outputBitstream;
    if (!vd_session_of(encoder) || !output)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_LOCK_BITSTREAM_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!output->full || output->locked)
        return NV_ENC_ERR_LOCK_BUSY;
    output->locked = true;
    params->bitstreamBufferPtr = output->bits.data;
    params->bitstreamSizeInBytes = (uint32_t)output->bits.size;
    params->outputTimeStamp = output->time;
    params->frameIdx = output->number;
    params->pictureType = types[output->kind];
    params->pictureStruct = NV_ENC_PIC_STRUCT_FRAME;
    params->frameAvgQP = 1;
    params->numSlices = 1;
    if (params->sliceOffsets)
        params->sliceOffsets[0] = 0;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS vd_nvenc_unlock_output(void *encoder, NV_ENC_OUTPUT_PTR buffer)
{
    struct vd_output *output = buffer;
    if (!vd_session_of(encoder) || !output)
        return NV_ENC_ERR_INVALID_PTR;
    if (!output->locked)
        return NV_ENC_ERR_INVALID_PARAM;
    output->locked = output->full = false;
    return NV_ENC_SUCCESS;
}
