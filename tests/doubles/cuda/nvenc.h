/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The double of libnvidia-encode.so.1, within. A session belongs to one thread at a time, as in NVENC. Functions with
 * the types of NVENC's table are documented in ffnvcodec/nvEncodeAPI.h.
 */
#ifndef VIDRIERA_TESTS_NVENC_H
#define VIDRIERA_TESTS_NVENC_H

#include "cuda.h"
#include "pcm.h"

#include <ffnvcodec/nvEncodeAPI.h>

/* What is encoded: memory of the session's own that is locked and written, or device memory that was registered. */
struct vd_input {
    uint8_t *own;
    CUdeviceptr device;
    NV_ENC_BUFFER_FORMAT format;
    unsigned width, height; /* of the memory, which may be larger than the picture */
    size_t pitch;
    bool mapped;
};

struct vd_output {
    struct vd_bits bits;
    uint64_t time;
    unsigned number;
    enum vd_kind kind;
    bool full, locked;
};

#define VD_MOST_B 4

/* A picture that was given and is not coded yet. */
struct vd_waiting {
    struct vd_input *input;
    struct vd_output *output;
    uint64_t time;
};

struct vd_session {
    struct vd_session *self; /* what a handle is checked by */
    CUcontext context;
    CUstream stream;                /* whose work an input waits for */
    const struct vd_coding *coding; /* NULL until it is set up */
    bool headers, repeat, delimiters;
    unsigned interval;                        /* pictures from one that is no B to the next */
    struct vd_waiting waiting[VD_MOST_B + 1]; /* in the order in which they are shown */
    unsigned waits;
    unsigned pictures, shown, references; /* coded; and from the last IDR */
    struct vd_sequence sequence;
    const char *error;
};

/* NULL where the handle is none. */
struct vd_session *vd_session_of(void *handle);

/* Keeps the words, for NvEncGetLastErrorString(). */
NVENCSTATUS vd_session_error(struct vd_session *session, NVENCSTATUS status, const char *text);

size_t vd_sample_bytes(NV_ENC_BUFFER_FORMAT format);

NVENCSTATUS NVENCAPI vd_nvenc_create_input(void *encoder, NV_ENC_CREATE_INPUT_BUFFER *params);
NVENCSTATUS NVENCAPI vd_nvenc_destroy_input(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS NVENCAPI vd_nvenc_lock_input(void *encoder, NV_ENC_LOCK_INPUT_BUFFER *params);
NVENCSTATUS NVENCAPI vd_nvenc_unlock_input(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS NVENCAPI vd_nvenc_register(void *encoder, NV_ENC_REGISTER_RESOURCE *params);
NVENCSTATUS NVENCAPI vd_nvenc_unregister(void *encoder, NV_ENC_REGISTERED_PTR input);
NVENCSTATUS NVENCAPI vd_nvenc_map(void *encoder, NV_ENC_MAP_INPUT_RESOURCE *params);
NVENCSTATUS NVENCAPI vd_nvenc_unmap(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS NVENCAPI vd_nvenc_create_output(void *encoder, NV_ENC_CREATE_BITSTREAM_BUFFER *params);
NVENCSTATUS NVENCAPI vd_nvenc_destroy_output(void *encoder, NV_ENC_OUTPUT_PTR output);
NVENCSTATUS NVENCAPI vd_nvenc_encode(void *encoder, NV_ENC_PIC_PARAMS *params);
NVENCSTATUS NVENCAPI vd_nvenc_lock_output(void *encoder, NV_ENC_LOCK_BITSTREAM *params);
NVENCSTATUS NVENCAPI vd_nvenc_unlock_output(void *encoder, NV_ENC_OUTPUT_PTR output);

#endif
