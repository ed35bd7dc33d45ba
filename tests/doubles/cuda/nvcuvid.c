/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The double of libnvcuvid.so.1: decodes what the double of NVENC writes, and no other H.264. Surfaces are host memory;
 * a mapped one is a copy in device memory, as the driver's is.
 */
#include "cuda.h"
#include "pcm.h"

#include <ffnvcodec/dynlink_nvcuvid.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SURFACES 32
#define MAX_SIDE 4096

struct surface {
    uint8_t *data; /* NV12 or P016, without padding */
    bool decoded;
};

struct decoder {
    struct decoder *self;
    const struct vd_coding *coding;
    int width, height, depth; /* whole macroblocks */
    int surface_count;
    unsigned most_mapped, pictures;
    struct surface surfaces[MAX_SURFACES];
    struct {
        CUdeviceptr address; /* 0: free */
        CUstream stream;     /* whose work it is mapped for */
    } mapped[MAX_SURFACES];
};

VD_EXPORT tcuvidGetDecoderCaps cuvidGetDecoderCaps;
VD_EXPORT tcuvidCreateDecoder cuvidCreateDecoder;
VD_EXPORT tcuvidDestroyDecoder cuvidDestroyDecoder;
VD_EXPORT tcuvidDecodePicture cuvidDecodePicture;
VD_EXPORT tcuvidGetDecodeStatus cuvidGetDecodeStatus;
VD_EXPORT tcuvidMapVideoFrame cuvidMapVideoFrame64;
VD_EXPORT tcuvidUnmapVideoFrame cuvidUnmapVideoFrame64;

static CUresult check_context(void)
{
    CUcontext context = NULL;
    CUresult result = cuCtxGetCurrent(&context);
    return result || context ? result : VD_INVALID_CONTEXT;
}

static struct decoder *decoder_of(CUvideodecoder handle)
{
    struct decoder *decoder = handle;
    return decoder && decoder->self == decoder ? decoder : NULL;
}

static bool is_supported(cudaVideoCodec codec, cudaVideoChromaFormat chroma, unsigned long depth_minus8)
{
    return chroma == cudaVideoChromaFormat_420 &&
           ((codec == cudaVideoCodec_H264 && !depth_minus8) ||
            (codec == cudaVideoCodec_HEVC && (!depth_minus8 || depth_minus8 == 2)));
}

static cudaVideoSurfaceFormat format_of(unsigned long depth_minus8)
{
    return depth_minus8 ? cudaVideoSurfaceFormat_P016 : cudaVideoSurfaceFormat_NV12;
}

CUresult cuvidGetDecoderCaps(CUVIDDECODECAPS *caps)
{
    CUresult result = check_context();
    if (result)
        return result;
    caps->bIsSupported = !vd_fails("no-nvdec") &&
                         is_supported(caps->eCodecType, caps->eChromaFormat, caps->nBitDepthMinus8);
    caps->nOutputFormatMask = (unsigned short)(1 << format_of(caps->nBitDepthMinus8));
    caps->nMaxWidth = caps->nMaxHeight = MAX_SIDE;
    caps->nMaxMBCount = MAX_SIDE * MAX_SIDE / 256;
    caps->nMinWidth = 48;
    caps->nMinHeight = 16;
    vd_log("caps codec=%d chroma=%d depth=%u supported=%d", (int)caps->eCodecType, (int)caps->eChromaFormat,
           caps->nBitDepthMinus8 + 8, caps->bIsSupported);
    return CUDA_SUCCESS;
}

static size_t row_bytes(const struct decoder *decoder)
{
    return (size_t)decoder->width * (decoder->depth > 8 ? 2 : 1);
}

static void free_decoder(struct decoder *decoder)
{
    for (int i = 0; i < decoder->surface_count; i++)
        free(decoder->surfaces[i].data);
    decoder->self = NULL;
    free(decoder);
}

CUresult cuvidCreateDecoder(CUvideodecoder *handle, CUVIDDECODECREATEINFO *info)
{
    CUresult result = check_context();
    if (result)
        return result;
    if (!is_supported(info->CodecType, info->ChromaFormat, info->bitDepthMinus8))
        return VD_NOT_SUPPORTED;
    if (!info->ulNumDecodeSurfaces || info->ulNumDecodeSurfaces > MAX_SURFACES || !info->ulNumOutputSurfaces ||
        info->ulNumOutputSurfaces > MAX_SURFACES || info->ulWidth > MAX_SIDE || info->ulHeight > MAX_SIDE ||
        info->ulTargetWidth != info->ulWidth || info->ulTargetHeight != info->ulHeight ||
        info->OutputFormat != format_of(info->bitDepthMinus8))
        return VD_INVALID_VALUE;

    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        abort();
    decoder->self = decoder;
    decoder->coding = info->CodecType == cudaVideoCodec_H264 ? &vd_h264 : &vd_hevc;
    decoder->depth = 8 + (int)info->bitDepthMinus8;
    decoder->width = (int)(info->ulWidth + 15) / 16 * 16;
    decoder->height = (int)(info->ulHeight + 15) / 16 * 16;
    decoder->surface_count = (int)info->ulNumDecodeSurfaces;
    decoder->most_mapped = (unsigned)info->ulNumOutputSurfaces;
    for (int i = 0; i < decoder->surface_count; i++) {
        decoder->surfaces[i].data = malloc(row_bytes(decoder) * (size_t)decoder->height * 3 / 2);
        if (!decoder->surfaces[i].data)
            abort();
    }
    *handle = decoder;
    vd_log("decoder open codec=%s depth=%d width=%lu height=%lu surfaces=%lu", decoder->coding->name, decoder->depth,
           info->ulWidth, info->ulHeight, info->ulNumDecodeSurfaces);
    return CUDA_SUCCESS;
}

CUresult cuvidDestroyDecoder(CUvideodecoder handle)
{
    struct decoder *decoder = decoder_of(handle);
    CUresult result = check_context();
    if (!decoder || result)
        return result ? result : VD_INVALID_HANDLE;
    for (unsigned i = 0; i < decoder->most_mapped; i++)
        if (decoder->mapped[i].address)
            cuMemFree_v2(decoder->mapped[i].address);
    vd_log("decoder close pictures=%u", decoder->pictures);
    free_decoder(decoder);
    return CUDA_SUCCESS;
}

/* NULL, or what in the parameters the double of NVENC never makes. */
static const char *look_at_h264(const CUVIDPICPARAMS *params)
{
    const CUVIDH264PICPARAMS *h264 = &params->CodecSpecific.h264;
    if (params->field_pic_flag || !h264->frame_mbs_only_flag)
        return "fields";
    if (h264->entropy_coding_mode_flag || h264->bit_depth_luma_minus8 || h264->bit_depth_chroma_minus8)
        return "CABAC or depth";
    if (h264->pic_order_cnt_type != 0 || h264->log2_max_pic_order_cnt_lsb_minus4 != 4 ||
        h264->log2_max_frame_num_minus4 || !h264->deblocking_filter_control_present_flag ||
        h264->pic_order_present_flag || h264->redundant_pic_cnt_present_flag || h264->pic_init_qp_minus26)
        return "another header";
    return NULL;
}

static const char *look_at_hevc(const CUVIDPICPARAMS *params, int depth)
{
    const CUVIDHEVCPICPARAMS *hevc = &params->CodecSpecific.hevc;
    if (!hevc->IdrPicFlag || !hevc->pcm_enabled_flag || !hevc->pcm_loop_filter_disabled_flag)
        return "no PCM";
    if (hevc->log2_min_luma_coding_block_size_minus3 != 1 || hevc->log2_diff_max_min_luma_coding_block_size ||
        hevc->pcm_sample_bit_depth_luma_minus1 + 1 != depth || hevc->pcm_sample_bit_depth_chroma_minus1 + 1 != depth)
        return "other blocks or depths";
    if (hevc->sample_adaptive_offset_enabled_flag || hevc->output_flag_present_flag || hevc->init_qp_minus26 ||
        hevc->num_extra_slice_header_bits || hevc->pps_slice_chroma_qp_offsets_present_flag ||
        hevc->deblocking_filter_override_enabled_flag || hevc->tiles_enabled_flag ||
        hevc->entropy_coding_sync_enabled_flag || hevc->loop_filter_across_slices_enabled_flag)
        return "another header";
    return NULL;
}

static const char *look_at(const struct decoder *decoder, const CUVIDPICPARAMS *params)
{
    if (params->PicWidthInMbs != decoder->width / 16 || params->FrameHeightInMbs != decoder->height / 16)
        return "another size";
    if (params->CurrPicIdx < 0 || params->CurrPicIdx >= decoder->surface_count)
        return "no such surface";
    if (!params->intra_pic_flag)
        return "prediction";
    if (params->nNumSlices != 1 || params->nBitstreamDataLen < 4 || memcmp(params->pBitstreamData, "\0\0\1", 3))
        return "more slices than one";
    return decoder->coding == &vd_h264 ? look_at_h264(params) : look_at_hevc(params, decoder->depth);
}

CUresult cuvidDecodePicture(CUvideodecoder handle, CUVIDPICPARAMS *params)
{
    struct decoder *decoder = decoder_of(handle);
    CUresult result = check_context();
    if (!decoder || result)
        return result ? result : VD_INVALID_HANDLE;
    vd_hangs("hang-decode");
    if (vd_fails("decode"))
        return CUDA_ERROR_UNKNOWN;
    const char *wrong = look_at(decoder, params);
    if (!wrong) {
        struct surface *surface = &decoder->surfaces[params->CurrPicIdx];
        size_t stride = row_bytes(decoder);
        wrong = decoder->coding->read(params->pBitstreamData + 3, params->nBitstreamDataLen - 3,
                                      &(struct vd_surface){surface->data,
                                                           surface->data + stride * (size_t)decoder->height, stride,
                                                           decoder->width, decoder->height, decoder->depth});
        surface->decoded = !wrong;
    }
    if (wrong) {
        vd_log("decode refused why=\"%s\"", wrong);
        return VD_NOT_SUPPORTED;
    }
    vd_log("decode number=%u bytes=%u", decoder->pictures++, params->nBitstreamDataLen);
    return CUDA_SUCCESS;
}

CUresult cuvidGetDecodeStatus(CUvideodecoder handle, int index, CUVIDGETDECODESTATUS *status)
{
    struct decoder *decoder = decoder_of(handle);
    if (!decoder || index < 0 || index >= decoder->surface_count)
        return VD_INVALID_VALUE;
    status->decodeStatus = decoder->surfaces[index].decoded ? cuvidDecodeStatus_Success : cuvidDecodeStatus_Invalid;
    return CUDA_SUCCESS;
}

/* A free place among those that may be mapped at a time, or -1. */
static int free_place(const struct decoder *decoder)
{
    for (unsigned i = 0; i < decoder->most_mapped; i++)
        if (!decoder->mapped[i].address)
            return (int)i;
    return -1;
}

CUresult cuvidMapVideoFrame64(CUvideodecoder handle, int index, CUdeviceptr *address, unsigned *pitch,
                              CUVIDPROCPARAMS *params)
{
    struct decoder *decoder = decoder_of(handle);
    CUresult result = check_context();
    if (!decoder || result)
        return result ? result : VD_INVALID_HANDLE;
    int place = free_place(decoder);
    if (!params->progressive_frame || index < 0 || index >= decoder->surface_count || !decoder->surfaces[index].decoded)
        return VD_INVALID_VALUE;
    if (place < 0)
        return VD_MAP_FAILED;

    size_t wide = row_bytes(decoder), rows = (size_t)decoder->height * 3 / 2, stride;
    result = cuMemAllocPitch_v2(address, &stride, wide, rows, 16);
    if (result)
        return result;
    decoder->mapped[place].address = *address;
    decoder->mapped[place].stream = params->output_stream;
    *pitch = (unsigned)stride;
    uint8_t *memory = vd_device_memory(*address, stride * rows, NULL);
    for (size_t y = 0; y < rows; y++)
        memcpy(memory + y * stride, decoder->surfaces[index].data + y * wide, wide);
    vd_log("map index=%d pitch=%zu", index, stride);
    return CUDA_SUCCESS;
}

CUresult cuvidUnmapVideoFrame64(CUvideodecoder handle, CUdeviceptr address)
{
    struct decoder *decoder = decoder_of(handle);
    CUresult result = check_context();
    if (!decoder || result)
        return result ? result : VD_INVALID_HANDLE;
    for (unsigned i = 0; i < decoder->most_mapped; i++)
        if (address && decoder->mapped[i].address == address) {
            decoder->mapped[i].address = 0;
            vd_queue_wait(decoder->mapped[i].stream);
            return vd_device_free(address);
        }
    return VD_INVALID_VALUE;
}
