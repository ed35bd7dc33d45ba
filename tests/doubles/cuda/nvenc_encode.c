/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures: those that are to be B wait for the one behind them, which is coded first. */
#include "nvenc.h"

/* The picture in the input, NULL where its memory is gone. */
static const uint8_t *memory_of(const struct vd_input *input)
{
    if (input->own)
        return input->own;
    return input->mapped ? vd_device_memory(input->device, input->pitch * input->height * 3 / 2, NULL) : NULL;
}

static struct vd_samples samples_of(const struct vd_input *input, const uint8_t *memory, int depth)
{
    const uint8_t *chroma = memory + input->pitch * input->height;
    size_t pitch = input->pitch, half = pitch / 2;
    if (input->format == NV_ENC_BUFFER_FORMAT_YV12)
        return (struct vd_samples){
            {memory, chroma + half * (input->height / 2), chroma}, {pitch, half, half}, 1, depth};
    return (struct vd_samples){
        {memory, chroma, chroma + vd_sample_bytes(input->format)}, {pitch, pitch, pitch}, 2, depth};
}

/* into: where the result goes, which of several that wait together need not be the picture's own. */
static bool code_picture(struct vd_session *session, const struct vd_waiting *picture, enum vd_kind kind,
                         unsigned order, struct vd_output *into)
{
    const struct vd_coding *coding = session->coding;
    const uint8_t *memory = memory_of(picture->input);
    struct vd_bits *bits = &into->bits;
    if (!memory)
        return false;
    if (kind == VD_IDR)
        session->shown = session->references = order = 0;
    struct vd_samples samples = samples_of(picture->input, memory, session->sequence.depth);
    const struct vd_place place = {kind, session->pictures, session->shown + order, session->references};
    bits->size = 0;
    if (session->delimiters)
        coding->delimiter(bits);
    if (session->headers && kind == VD_IDR && (session->repeat || !session->pictures))
        coding->headers(bits, &session->sequence);
    coding->picture(bits, &session->sequence, &samples, &place);
    into->full = true;
    into->time = vd_fails("times") ? 0 : picture->time;
    into->kind = kind;
    into->number = session->pictures++;
    session->references += kind != VD_B;
    vd_log("encode number=%u kind=%d bytes=%zu input=%s", into->number, (int)kind, bits->size,
           picture->input->own ? "host" : "device");
    return true;
}

/* All that wait: the last one, then those before it. */
static bool code_waiting(struct vd_session *session)
{
    const struct vd_waiting *waiting = session->waiting;
    unsigned count = session->waits;
    bool good = !count || code_picture(session, &waiting[count - 1], VD_I, count - 1, waiting[0].output);
    for (unsigned i = 1; i < count && good; i++)
        good = code_picture(session, &waiting[i - 1], VD_B, i - 1, waiting[i].output);
    session->shown += count;
    session->waits = 0;
    return good;
}

/* The first picture, or one that is to be an IDR. */
static bool code_first(struct vd_session *session, const struct vd_waiting *picture)
{
    bool good = code_waiting(session) && code_picture(session, picture, VD_IDR, 0, picture->output);
    session->shown = 1;
    return good;
}

static NVENCSTATUS take(struct vd_session *session, const struct vd_waiting *picture, bool idr)
{
    bool good = true;
    if (idr) {
        good = code_first(session, picture);
    } else {
        session->waiting[session->waits++] = *picture;
        if (session->waits < session->interval)
            return NV_ENC_ERR_NEED_MORE_INPUT;
        good = code_waiting(session);
    }
    return good ? NV_ENC_SUCCESS : vd_session_error(session, NV_ENC_ERR_INVALID_PARAM, "input gone");
}

NVENCSTATUS vd_nvenc_encode(void *encoder, NV_ENC_PIC_PARAMS *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_PIC_PARAMS_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!session->coding)
        return NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
    if (params->encodePicFlags & NV_ENC_PIC_FLAG_EOS)
        return code_waiting(session) ? NV_ENC_SUCCESS : NV_ENC_ERR_GENERIC;

    const struct vd_waiting picture = {params->inputBuffer, params->outputBitstream, params->inputTimeStamp};
    const struct vd_input *input = picture.input;
    if (!input || !picture.output)
        return NV_ENC_ERR_INVALID_PTR;
    vd_hangs("hang-encode");
    if (vd_fails("encode"))
        return vd_session_error(session, NV_ENC_ERR_GENERIC, "as ordered");
    vd_queue_wait(session->stream);
    if (vd_context_state(session->context))
        return vd_session_error(session, NV_ENC_ERR_GENERIC, "the context is gone or broken");
    if (!memory_of(input) || picture.output->full || (int)input->width < session->sequence.width ||
        (int)input->height < session->sequence.height ||
        vd_sample_bytes(input->format) != (session->sequence.depth > 8 ? 2 : 1))
        return vd_session_error(session, NV_ENC_ERR_INVALID_PARAM,
                                "input not mapped, too small or of another depth, or output in use");
    bool alone = session->interval == 1 || (!session->pictures && !session->waits);
    return take(session, &picture, alone || params->encodePicFlags & NV_ENC_PIC_FLAG_FORCEIDR);
}
