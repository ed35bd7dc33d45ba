/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions: what the encoder can do, and how it is set up. */
#include "nvenc.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_SIDE 145
#define MOST_SIDE 4096

VD_EXPORT NVENCSTATUS NVENCAPI NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *functions);
VD_EXPORT NVENCSTATUS NVENCAPI NvEncodeAPIGetMaxSupportedVersion(uint32_t *version);

static bool same(GUID a, GUID b)
{
    return !memcmp(&a, &b, sizeof(a));
}

struct vd_session *vd_session_of(void *handle)
{
    struct vd_session *session = handle;
    return session && session->self == session ? session : NULL;
}

NVENCSTATUS vd_session_error(struct vd_session *session, NVENCSTATUS status, const char *text)
{
    session->error = text;
    return status;
}

/* NULL where it is none of the double's. */
static const struct vd_coding *coding_of(GUID codec)
{
    if (same(codec, NV_ENC_CODEC_H264_GUID))
        return &vd_h264;
    return same(codec, NV_ENC_CODEC_HEVC_GUID) ? &vd_hevc : NULL;
}

static const char *NVENCAPI last_error(void *encoder)
{
    struct vd_session *session = vd_session_of(encoder);
    return session ? session->error : "no session";
}

static NVENCSTATUS NVENCAPI open_session(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *params, void **encoder)
{
    *encoder = NULL;
    if (params->version != NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER || params->apiVersion != NVENCAPI_VERSION)
        return NV_ENC_ERR_INVALID_VERSION;
    if (params->deviceType != NV_ENC_DEVICE_TYPE_CUDA || vd_context_state(params->device))
        return NV_ENC_ERR_INVALID_DEVICE;
    if (vd_fails("no-nvenc"))
        return NV_ENC_ERR_NO_ENCODE_DEVICE;
    if (vd_fails("unsupported-nvenc"))
        return NV_ENC_ERR_UNSUPPORTED_DEVICE;
    if (vd_fails("session") || vd_fails_while("busy"))
        return NV_ENC_ERR_OUT_OF_MEMORY;

    struct vd_session *session = calloc(1, sizeof(*session));
    if (!session)
        abort();
    session->self = session;
    session->context = params->device;
    session->error = "";
    *encoder = session;
    vd_log("session open");
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI destroy_session(void *encoder)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    vd_log("session close pictures=%u", session->pictures);
    session->self = NULL;
    free(session);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI guid_count(void *encoder, uint32_t *count)
{
    *count = vd_fails("no-hevc") ? 1 : 2;
    return vd_session_of(encoder) ? NV_ENC_SUCCESS : NV_ENC_ERR_INVALID_PTR;
}

static NVENCSTATUS NVENCAPI guids(void *encoder, GUID *codecs, uint32_t room, uint32_t *count)
{
    const GUID all[] = {NV_ENC_CODEC_H264_GUID, NV_ENC_CODEC_HEVC_GUID};
    for (*count = 0; *count < room && *count < 2; (*count)++)
        codecs[*count] = all[*count];
    return vd_session_of(encoder) ? NV_ENC_SUCCESS : NV_ENC_ERR_INVALID_PTR;
}

static NVENCSTATUS NVENCAPI caps(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *params, int *value)
{
    static const struct {
        NV_ENC_CAPS caps;
        int value;
    } table[] = {
        {NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES, 63},
        {NV_ENC_CAPS_SUPPORT_BFRAME_REF_MODE, 3},
        {NV_ENC_CAPS_SUPPORT_CABAC, 1},
        {NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE, 1},
        {NV_ENC_CAPS_SUPPORT_LOOKAHEAD, 1},
        {NV_ENC_CAPS_SUPPORT_MULTIPLE_REF_FRAMES, 1},
        {NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ, 1},
        {NV_ENC_CAPS_SUPPORT_WEIGHTED_PREDICTION, 1},
        {NV_ENC_CAPS_WIDTH_MAX, MOST_SIDE},
        {NV_ENC_CAPS_HEIGHT_MAX, MOST_SIDE},
        {NV_ENC_CAPS_WIDTH_MIN, LEAST_SIDE},
        {NV_ENC_CAPS_HEIGHT_MIN, LEAST_SIDE},
    };
    if (!vd_session_of(encoder))
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_CAPS_PARAM_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!coding_of(codec))
        return NV_ENC_ERR_UNSUPPORTED_PARAM;
    *value = params->capsToQuery == NV_ENC_CAPS_SUPPORT_10BIT_ENCODE && coding_of(codec) == &vd_hevc &&
             !vd_fails("no-deep");
    if (params->capsToQuery == NV_ENC_CAPS_NUM_MAX_BFRAMES)
        *value = coding_of(codec) == &vd_h264 ? VD_MOST_B : 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].caps == params->capsToQuery)
            *value = table[i].value;
    return NV_ENC_SUCCESS;
}

static bool is_preset(GUID preset)
{
    const GUID presets[] = {NV_ENC_PRESET_P1_GUID, NV_ENC_PRESET_P2_GUID, NV_ENC_PRESET_P3_GUID, NV_ENC_PRESET_P4_GUID,
                            NV_ENC_PRESET_P5_GUID, NV_ENC_PRESET_P6_GUID, NV_ENC_PRESET_P7_GUID};
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
        if (same(preset, presets[i]))
            return true;
    return false;
}

static NVENCSTATUS NVENCAPI preset_config(void *encoder, GUID codec, GUID preset, NV_ENC_TUNING_INFO tuning,
                                          NV_ENC_PRESET_CONFIG *config)
{
    if (!vd_session_of(encoder))
        return NV_ENC_ERR_INVALID_PTR;
    if (config->version != NV_ENC_PRESET_CONFIG_VER || config->presetCfg.version != NV_ENC_CONFIG_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    if (!coding_of(codec) || !is_preset(preset) || tuning == NV_ENC_TUNING_INFO_UNDEFINED)
        return NV_ENC_ERR_UNSUPPORTED_PARAM;
    NV_ENC_CONFIG *set = &config->presetCfg;
    set->profileGUID = NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID;
    set->gopLength = 250;
    set->frameIntervalP = coding_of(codec) == &vd_h264 && tuning == NV_ENC_TUNING_INFO_HIGH_QUALITY ? 3 : 1;
    set->frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    set->rcParams.rateControlMode = NV_ENC_PARAMS_RC_VBR;
    if (coding_of(codec) == &vd_hevc)
        set->encodeCodecConfig.hevcConfig.chromaFormatIDC = 1;
    else
        set->encodeCodecConfig.h264Config.chromaFormatIDC = 1;
    return NV_ENC_SUCCESS;
}

/* The shape of a sample, of the shape that the whole picture is to have. */
static void set_ratio(struct vd_vui *vui, const NV_ENC_INITIALIZE_PARAMS *params)
{
    uint64_t wide = (uint64_t)params->darWidth * params->encodeHeight;
    uint64_t high = (uint64_t)params->darHeight * params->encodeWidth, a = wide, b = high;
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    if (a && wide / a < 65536 && high / a < 65536) {
        vui->sar_width = (unsigned)(wide / a);
        vui->sar_height = (unsigned)(high / a);
    }
}

static struct vd_vui vui_of(const NV_ENC_CONFIG_H264_VUI_PARAMETERS *from, const NV_ENC_INITIALIZE_PARAMS *params)
{
    struct vd_vui vui = {
        .signal_type = from->videoSignalTypePresentFlag,
        .colour = from->colourDescriptionPresentFlag,
        .location = from->chromaSampleLocationFlag,
        .format = from->videoFormat,
        .full_range = from->videoFullRangeFlag,
        .primaries = from->colourPrimaries,
        .transfer = from->transferCharacteristics,
        .matrix = from->colourMatrix,
        .location_top = from->chromaSampleLocationTop,
        .location_bottom = from->chromaSampleLocationBot,
        .rate = params->frameRateDen ? params->frameRateNum : 0,
        .rate_base = params->frameRateDen,
    };
    set_ratio(&vui, params);
    return vui;
}

static unsigned h264_profile(GUID profile)
{
    if (same(profile, NV_ENC_H264_PROFILE_BASELINE_GUID))
        return 66;
    return same(profile, NV_ENC_H264_PROFILE_HIGH_GUID) ? 100 : 77;
}

/* Whether the configuration is one that the codings know; both kinds say the same in other members. */
static bool set_h264(struct vd_session *session, const NV_ENC_INITIALIZE_PARAMS *params)
{
    const NV_ENC_CONFIG_H264 *h264 = &params->encodeConfig->encodeCodecConfig.h264Config;
    struct vd_sequence *sequence = &session->sequence;
    sequence->depth = 8;
    sequence->profile = h264_profile(params->encodeConfig->profileGUID);
    sequence->level = h264->level;
    sequence->reorders = params->encodeConfig->frameIntervalP > 1;
    sequence->vui = vui_of(&h264->h264VUIParameters, params);
    session->headers = !h264->disableSPSPPS;
    session->repeat = h264->repeatSPSPPS;
    session->delimiters = h264->outputAUD;
    return h264->chromaFormatIDC == 1;
}

static bool set_hevc(struct vd_session *session, const NV_ENC_INITIALIZE_PARAMS *params)
{
    const NV_ENC_CONFIG_HEVC *hevc = &params->encodeConfig->encodeCodecConfig.hevcConfig;
    struct vd_sequence *sequence = &session->sequence;
    sequence->depth = 8 + (int)hevc->pixelBitDepthMinus8;
    sequence->profile = same(params->encodeConfig->profileGUID, NV_ENC_HEVC_PROFILE_MAIN10_GUID) ? 2 : 1;
    sequence->level = hevc->level;
    sequence->vui = vui_of(&hevc->hevcVUIParameters, params);
    session->headers = !hevc->disableSPSPPS;
    session->repeat = hevc->repeatSPSPPS;
    session->delimiters = hevc->outputAUD;
    return hevc->chromaFormatIDC == 1 && (sequence->depth == 8 || (sequence->depth == 10 && sequence->profile == 2));
}

static NVENCSTATUS NVENCAPI initialize(void *encoder, NV_ENC_INITIALIZE_PARAMS *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_INITIALIZE_PARAMS_VER || params->encodeConfig->version != NV_ENC_CONFIG_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    const struct vd_coding *coding = coding_of(params->encodeGUID);
    const NV_ENC_CONFIG *config = params->encodeConfig;
    int between = coding == &vd_h264 ? VD_MOST_B : 0;
    if (params->encodeWidth < LEAST_SIDE || params->encodeHeight < LEAST_SIDE)
        return vd_session_error(session, NV_ENC_ERR_INVALID_PARAM,
                                "Frame Dimension less than the minimum supported value.");
    if (session->coding || !coding || !is_preset(params->presetGUID) || params->encodeWidth > MOST_SIDE ||
        params->encodeHeight > MOST_SIDE || !params->enablePTD ||
        config->frameFieldMode != NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME || config->frameIntervalP > between + 1 ||
        !(coding == &vd_h264 ? set_h264 : set_hevc)(session, params))
        return vd_session_error(session, NV_ENC_ERR_UNSUPPORTED_PARAM,
                                "codec, preset, size, depth, chroma, fields or B");

    session->sequence.width = (int)params->encodeWidth;
    session->sequence.height = (int)params->encodeHeight;
    session->interval = config->frameIntervalP > 1 ? (unsigned)config->frameIntervalP : 1;
    session->coding = coding;
    vd_log("session start codec=%s depth=%d width=%u height=%u interval=%u", coding->name, session->sequence.depth,
           params->encodeWidth, params->encodeHeight, session->interval);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI reconfigure(void *encoder, NV_ENC_RECONFIGURE_PARAMS *params)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (params->version != NV_ENC_RECONFIGURE_PARAMS_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    set_ratio(&session->sequence.vui, &params->reInitEncodeParams);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI set_streams(void *encoder, NV_ENC_CUSTREAM_PTR in, NV_ENC_CUSTREAM_PTR out)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session || !in || !out)
        return NV_ENC_ERR_INVALID_PTR;
    session->stream = *(CUstream *)in;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS NVENCAPI sequence_params(void *encoder, NV_ENC_SEQUENCE_PARAM_PAYLOAD *payload)
{
    struct vd_session *session = vd_session_of(encoder);
    if (!session)
        return NV_ENC_ERR_INVALID_PTR;
    if (!session->coding)
        return NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
    struct vd_bits bits = {0};
    session->coding->headers(&bits, &session->sequence);
    NVENCSTATUS status = bits.size <= payload->inBufferSize ? NV_ENC_SUCCESS : NV_ENC_ERR_NOT_ENOUGH_BUFFER;
    if (!status) {
        memcpy(payload->spsppsBuffer, bits.data, bits.size);
        *payload->outSPSPPSPayloadSize = (uint32_t)bits.size;
    }
    free(bits.data);
    return status;
}

NVENCSTATUS NvEncodeAPIGetMaxSupportedVersion(uint32_t *version)
{
    *version = NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION;
    if (vd_fails("old-driver"))
        *version -= 1 << 4;
    return NV_ENC_SUCCESS;
}

/* What FFmpeg does not call is NULL. */
NVENCSTATUS NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *functions)
{
    if (functions->version != NV_ENCODE_API_FUNCTION_LIST_VER)
        return NV_ENC_ERR_INVALID_VERSION;
    *functions = (NV_ENCODE_API_FUNCTION_LIST){
        .version = functions->version,
        .nvEncOpenEncodeSessionEx = open_session,
        .nvEncDestroyEncoder = destroy_session,
        .nvEncGetEncodeGUIDCount = guid_count,
        .nvEncGetEncodeGUIDs = guids,
        .nvEncGetEncodeCaps = caps,
        .nvEncGetEncodePresetConfigEx = preset_config,
        .nvEncInitializeEncoder = initialize,
        .nvEncReconfigureEncoder = reconfigure,
        .nvEncSetIOCudaStreams = set_streams,
        .nvEncGetSequenceParams = sequence_params,
        .nvEncGetLastErrorString = last_error,
        .nvEncCreateInputBuffer = vd_nvenc_create_input,
        .nvEncDestroyInputBuffer = vd_nvenc_destroy_input,
        .nvEncLockInputBuffer = vd_nvenc_lock_input,
        .nvEncUnlockInputBuffer = vd_nvenc_unlock_input,
        .nvEncRegisterResource = vd_nvenc_register,
        .nvEncUnregisterResource = vd_nvenc_unregister,
        .nvEncMapInputResource = vd_nvenc_map,
        .nvEncUnmapInputResource = vd_nvenc_unmap,
        .nvEncCreateBitstreamBuffer = vd_nvenc_create_output,
        .nvEncDestroyBitstreamBuffer = vd_nvenc_destroy_output,
        .nvEncEncodePicture = vd_nvenc_encode,
        .nvEncLockBitstream = vd_nvenc_lock_output,
        .nvEncUnlockBitstream = vd_nvenc_unlock_output,
    };
    return NV_ENC_SUCCESS;
}
