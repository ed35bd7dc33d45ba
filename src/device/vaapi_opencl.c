/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Without a copy: the decoder's surface and one of the encoder's pool are mapped as OpenCL images, and the kernel goes
 * from the one to the other. The decoder's is only read: later pictures are predicted from it.
 */
#include "program.h"

#include "vaapi.h"

#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_opencl.h>
#include <libavutil/mem.h>

/* Of a device. */
struct sharing {
    AVBufferRef *opencl;
    cl_command_queue queue;
    struct vd_program program;
};

/* Of a filter. */
struct mapping {
    struct vd_vaapi_host *host; /* for pictures that are there */
    AVBufferRef *out;           /* the encoder's pool as OpenCL sees it */
    AVBufferRef *in;            /* the decoder's */
    AVBufferRef *decoder;       /* whose that is */
};

static void close_device(struct vd_device *device)
{
    struct sharing *sharing = device->own;
    if (sharing) {
        vd_program_finish(&sharing->program);
        if (sharing->queue)
            clReleaseCommandQueue(sharing->queue);
        av_buffer_unref(&sharing->opencl);
        av_freep(&device->own);
    }
    vd_vaapi_close(device);
}

static int derive(struct vd_device *device, struct sharing *sharing, struct vd_err *err)
{
    int ret = av_hwdevice_ctx_create_derived(&sharing->opencl, AV_HWDEVICE_TYPE_OPENCL, device->traits.hardware, 0);
    if (ret < 0)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "vaapi-opencl: no OpenCL driver with cl_intel_va_api_media_sharing for %s (%s); install "
                       "intel-opencl-icd where the GPU is Intel's, else use vaapi-host",
                       device->traits.model, av_err2str(ret));
    const AVOpenCLDeviceContext *opencl = ((AVHWDeviceContext *)sharing->opencl->data)->hwctx;
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(opencl->context, opencl->device_id, 0, &code);
    if (code != CL_SUCCESS)
        return vd_fail(err, VD_UNAVAILABLE, "open", "vaapi-opencl: no command queue: %s; use vaapi-host",
                       vd_program_error(code));
    sharing->queue = queue;
    return vd_program_build(&sharing->program, opencl->context, opencl->device_id, err);
}

/* One small picture all the way: now is when a runtime may still compile and read files. */
static int warm_up(struct vd_device *device, struct vd_err *err)
{
    enum { SIZE = 64 };
    const struct vd_layout layout = {
        .width = SIZE,
        .height = SIZE,
        .depth = 8,
        .log2_chroma_w = 1,
        .log2_chroma_h = 1,
        .interleaved = true,
        .matrix = 1,
    };
    const struct vd_picture picture = {
        .source = AV_PIX_FMT_NV12,
        .target = AV_PIX_FMT_NV12,
        .width = SIZE,
        .height = SIZE,
        .padded_width = SIZE,
        .padded_height = SIZE,
        .row_step = 1,
    };
    struct vd_effect_params params;
    struct vd_effect_plan plan;
    vd_effect_defaults(&params);
    if (vd_effect_plan(&plan, &params, &layout, err) < 0)
        return -1;
    struct vd_filter *filter = vd_filter_open(device, &plan, &picture, 2, err);
    AVFrame *frame = filter ? av_frame_alloc() : NULL;
    int ret = -1;
    if (frame && av_hwframe_get_buffer(filter->frames, frame, 0) >= 0)
        ret = vd_filter_process(filter, &frame, err);
    else if (filter)
        vd_fail(err, VD_UNAVAILABLE, "open", "vaapi-opencl: no surface to try it on; use vaapi-host");
    av_frame_free(&frame);
    vd_filter_close(filter);
    return ret;
}

static int open_device(struct vd_device *device, const char *place, struct vd_err *err)
{
    if (vd_vaapi_open(device, place, err) < 0)
        return -1;
    struct sharing *sharing = av_mallocz(sizeof *sharing);
    device->own = sharing;
    if (!sharing) {
        vd_fail(err, VD_UNAVAILABLE, "open", "vaapi-opencl: no memory to start; raise --max-memory");
        goto close;
    }
    if (derive(device, sharing, err) < 0)
        goto close;
    if (warm_up(device, err) < 0) {
        snprintf(err->stage, sizeof err->stage, "open");
        err->code = err->code == VD_UNFIT ? VD_UNAVAILABLE : err->code;
        goto close;
    }
    return 0;
close:
    close_device(device);
    return -1;
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    struct sharing *sharing = filter->device->own;
    struct mapping *mapping = av_mallocz(sizeof *mapping);
    if (!mapping)
        return vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
    filter->own = mapping;
    filter->facts.kernel = "opencl-image";
    mapping->host = vd_vaapi_host_start(filter, err);
    if (!mapping->host || vd_vaapi_pool(filter, err) < 0)
        return -1;
    int ret = av_hwframe_ctx_create_derived(&mapping->out, AV_PIX_FMT_OPENCL, sharing->opencl, filter->frames,
                                            AV_HWFRAME_MAP_WRITE | AV_HWFRAME_MAP_OVERWRITE);
    return ret < 0 ? vd_vaapi_fail(filter, "surfaces cannot be shared with OpenCL", ret, err) : 0;
}

static void stop(struct vd_filter *filter)
{
    struct mapping *mapping = filter->own;
    if (!mapping)
        return;
    vd_vaapi_host_stop(mapping->host);
    av_buffer_unref(&mapping->in);
    av_buffer_unref(&mapping->decoder);
    av_buffer_unref(&mapping->out);
    av_free(mapping);
}

/* The decoder may take a new pool at any picture. */
static int follow(struct vd_filter *filter, const AVFrame *surface, struct vd_err *err)
{
    struct sharing *sharing = filter->device->own;
    struct mapping *mapping = filter->own;
    if (mapping->decoder && mapping->decoder->data == surface->hw_frames_ctx->data)
        return 0;
    av_buffer_unref(&mapping->in);
    av_buffer_unref(&mapping->decoder);
    int ret = av_hwframe_ctx_create_derived(&mapping->in, AV_PIX_FMT_OPENCL, sharing->opencl, surface->hw_frames_ctx,
                                            AV_HWFRAME_MAP_READ);
    if (ret < 0)
        return vd_vaapi_fail(filter, "the decoder's surfaces cannot be shared with OpenCL", ret, err);
    mapping->decoder = av_buffer_ref(surface->hw_frames_ctx);
    return mapping->decoder ? 0 : vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
}

/* The surface is OpenCL's until the frame given here is freed. NULL and *err otherwise. */
static AVFrame *map(const struct vd_filter *filter, AVBufferRef *frames, const AVFrame *surface, int flags,
                    struct vd_err *err)
{
    AVFrame *mapped = av_frame_alloc();
    if (mapped)
        mapped->hw_frames_ctx = av_buffer_ref(frames);
    if (!mapped || !mapped->hw_frames_ctx) {
        av_frame_free(&mapped);
        vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
        return NULL;
    }
    mapped->format = AV_PIX_FMT_OPENCL;
    int ret = av_hwframe_map(mapped, surface, flags);
    if (ret < 0) {
        av_frame_free(&mapped);
        vd_vaapi_fail(filter, "a surface cannot be mapped for OpenCL", ret, err);
    }
    return mapped;
}

/* Where the runtime knows no images of two channels, both components are one after the other in a single one. */
static int channels_of(cl_mem image, int *channels)
{
    cl_image_format format;
    int ret = clGetImageInfo(image, CL_IMAGE_FORMAT, sizeof format, &format, NULL);
    if (ret == CL_SUCCESS)
        *channels = format.image_channel_order == CL_RG ? 2 : 1;
    return ret;
}

static int run(struct vd_filter *filter, const AVFrame *out, const AVFrame *in, struct vd_err *err)
{
    struct sharing *sharing = filter->device->own;
    int ret = CL_SUCCESS;
    for (int i = 0; ret == CL_SUCCESS && i < filter->effect.planes; i++) {
        cl_mem dst = (cl_mem)out->data[i], src = (cl_mem)in->data[i];
        struct vd_tint_plane plane = vd_program_plane(&filter->effect.plane[i]);
        int channels = 1;
        ret = channels_of(dst, &channels);
        if (ret == CL_SUCCESS)
            ret = vd_program_image(&sharing->program, sharing->queue, dst, src, channels, &plane);
    }
    int done = vd_program_wait(&sharing->program, sharing->queue);
    if (ret == CL_SUCCESS)
        ret = done;
    return ret == CL_SUCCESS
               ? 0
               : vd_fail(err, VD_UNAVAILABLE, "effect",
                         "vaapi-opencl: the kernel does not run: %s; see vidriera doctor", vd_program_error(ret));
}

/* A surface is given back by OpenCL when the last reference to its mapped frame goes: before the encoder gets it. */
static AVFrame *tint(struct vd_filter *filter, const AVFrame *surface, struct vd_err *err)
{
    struct mapping *mapping = filter->own;
    AVFrame *out = NULL, *in = NULL;
    AVFrame *result = vd_vaapi_surface(filter, surface, err);
    int ret = -1;
    if (result)
        in = map(filter, mapping->in, surface, AV_HWFRAME_MAP_READ, err);
    if (in)
        out = map(filter, mapping->out, result, AV_HWFRAME_MAP_WRITE | AV_HWFRAME_MAP_OVERWRITE, err);
    if (out)
        ret = run(filter, out, in, err);
    av_frame_free(&out);
    av_frame_free(&in);
    if (ret < 0)
        av_frame_free(&result);
    return result;
}

static int process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    struct mapping *mapping = filter->own;
    bool mapped = (*frame)->hw_frames_ctx != NULL;
    filter->facts.kernel = mapped ? "opencl-image" : vd_dsp()->name;
    if (!mapped)
        return vd_vaapi_host_process(filter, mapping->host, frame, err);
    AVFrame *result = follow(filter, *frame, err) == 0 ? tint(filter, *frame, err) : NULL;
    av_frame_free(frame);
    *frame = result;
    return result ? 0 : -1;
}

const struct vd_backend vd_backend_vaapi_opencl = {
    .name = "vaapi-opencl",
    .words = "vaapi",
    .automatic = true,
    .places = VD_PLACES_RENDER,
    .open = open_device,
    .close = close_device,
    .start = start,
    .process = process,
    .stop = stop,
};
