/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NVIDIA: NVDEC's surface in, the kernel as PTX, a surface of the encoder's pool out. A picture that software decoded is
 * tinted by SIMD, which costs less than its way to the device does, and goes up then.
 *
 * All work goes to the stream of FFmpeg's device context. NVDEC puts its pictures out on it, so the kernel comes after
 * them, and NVENC reads on it. It is waited for all the same: the decoder takes its surface back when the frame is freed,
 * and an error of the device is to be known of this picture and not of one to come.
 */
#include "backend.h"

#include "cuda_driver.h"
#include "kernels/source.h"
#include "program.h"

#include <assert.h>
#include <errno.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_cuda.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>

/* cuda.h's, and not in ffnvcodec's part of it. */
enum {
    ERROR_OUT_OF_MEMORY = 2,
    ERROR_INVALID_IMAGE = 200,
    ERROR_NO_BINARY_FOR_GPU = 209,
    ERROR_INVALID_PTX = 218,
    ERROR_UNSUPPORTED_PTX_VERSION = 222,
};

/* Threads of a block: two warps along a row. Each sample has its thread, neighbours neighbouring ones. */
enum { THREADS_X = 64, THREADS_Y = 4 };

struct cuda {
    struct vd_cuda_driver driver;
    const AVCUDADeviceContext *context; /* of traits.hardware */
    CUmodule module;
    CUfunction tint8, tint16;
};

/* Memory that others have is had later. */
static int failed(const struct cuda *cuda, const char *stage, const char *what, CUresult code, struct vd_err *err)
{
    return vd_fail(err, (int)code == ERROR_OUT_OF_MEMORY ? VD_AGAIN : VD_UNAVAILABLE, stage,
                   "cuda: %s: %s; see vidriera doctor", what, vd_cuda_driver_error(&cuda->driver, code));
}

static CUresult push(const struct cuda *cuda)
{
    return cuda->driver.cuCtxPushCurrent(cuda->context->cuda_ctx);
}

static void pop(const struct cuda *cuda)
{
    CUcontext was;
    cuda->driver.cuCtxPopCurrent(&was);
}

static CUresult launch(const struct cuda *cuda, bool wide, CUdeviceptr dst, CUdeviceptr src,
                       struct vd_tint_plane *plane)
{
    void *arguments[] = {&dst, &src, plane};
    unsigned across = ((unsigned)plane->width + THREADS_X - 1) / THREADS_X;
    unsigned down = ((unsigned)plane->rows + THREADS_Y - 1) / THREADS_Y;
    return cuda->driver.cuLaunchKernel(wide ? cuda->tint16 : cuda->tint8, across, down, 1, THREADS_X, THREADS_Y, 1, 0,
                                       cuda->context->stream, arguments, NULL);
}

/* Of a pool. What others use now is free later; but FFmpeg has the same error for a context that is broken. */
static int lacks_memory(const struct cuda *cuda, int ret, const char *what, struct vd_err *err)
{
    CUresult code = push(cuda);
    if (!code) {
        code = cuda->driver.cuStreamSynchronize(cuda->context->stream);
        pop(cuda);
    }
    if (code)
        return failed(cuda, "effect", "pictures are not to be had", code, err);
    return vd_fail(err, ret == AVERROR(ENOMEM) ? VD_AGAIN : VD_UNAVAILABLE, "effect",
                   "cuda: no memory on the device for %s: %s; let it do less at once", what, av_err2str(ret));
}

/* The first launch of a kernel is when the driver puts it on the device: not to be waited for by a picture. */
static CUresult warm_up(const struct cuda *cuda)
{
    struct vd_tint_plane plane = {.width = 64, .rows = 2, .first = 32, .dst_stride = 128, .src_stride = 128};
    CUdeviceptr memory;
    CUresult code = cuda->driver.cuMemAlloc(&memory, (size_t)plane.rows * 128);
    if (code)
        return code;
    for (int wide = 0; wide < 2 && !code; wide++) {
        plane.depth = wide ? 10 : 8;
        code = launch(cuda, wide, memory, memory, &plane);
    }
    if (!code)
        code = cuda->driver.cuStreamSynchronize(cuda->context->stream);
    CUresult freed = cuda->driver.cuMemFree(memory);
    return code ? code : freed;
}

/* With the context pushed. */
static int load_kernels(struct cuda *cuda, struct vd_err *err)
{
    CUresult code = cuda->driver.cuModuleLoadData(&cuda->module, vd_tint_ptx);
    switch ((int)code) {
    case CUDA_SUCCESS:
        break;
    case ERROR_INVALID_IMAGE:
    case ERROR_NO_BINARY_FOR_GPU:
    case ERROR_INVALID_PTX:
    case ERROR_UNSUPPORTED_PTX_VERSION:
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "cuda: the NVIDIA driver, or the device, is too old for our PTX (%s); install a newer driver",
                       vd_cuda_driver_error(&cuda->driver, code));
    default:
        return failed(cuda, "open", "the kernels cannot be loaded", code, err);
    }
    code = cuda->driver.cuModuleGetFunction(&cuda->tint8, cuda->module, "vd_tint_buffer8");
    if (!code)
        code = cuda->driver.cuModuleGetFunction(&cuda->tint16, cuda->module, "vd_tint_buffer16");
    if (!code)
        code = warm_up(cuda);
    return code ? failed(cuda, "open", "the kernels do not run", code, err) : 0;
}

static int prepare(struct vd_device *device, struct cuda *cuda, struct vd_err *err)
{
    CUdevice number;
    CUresult code = push(cuda);
    if (code)
        return failed(cuda, "open", "the device cannot be used", code, err);
    int ret = load_kernels(cuda, err);
    if (ret == 0 && (cuda->driver.cuCtxGetDevice(&number) ||
                     cuda->driver.cuDeviceGetName(device->traits.model, sizeof device->traits.model, number)))
        device->traits.model[0] = 0;
    pop(cuda);
    return ret;
}

static void close_cuda(struct vd_device *device)
{
    struct cuda *cuda = device->own;
    if (cuda->module && push(cuda) == CUDA_SUCCESS) {
        cuda->driver.cuModuleUnload(cuda->module);
        pop(cuda);
    }
    av_buffer_unref(&device->traits.hardware);
    vd_cuda_driver_unload(&cuda->driver);
    av_free(cuda);
    device->own = NULL;
}

/* place: which of how many devices. */
static int open_hardware(struct vd_device *device, struct cuda *cuda, const char *place, int devices,
                         struct vd_err *err)
{
    const char *index = *place ? place : "0";
    char *end;
    errno = 0;
    long number = strtol(index, &end, 10);
    if (*end || errno || number < 0 || number >= devices)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "cuda:%s: no such NVIDIA device (of %d, counted from 0); see vidriera doctor", place, devices);
    int ret = av_hwdevice_ctx_create(&device->traits.hardware, AV_HWDEVICE_TYPE_CUDA, index, NULL, 0);
    if (ret < 0)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "cuda: FFmpeg cannot open the NVIDIA device: %s; see vidriera doctor", av_err2str(ret));
    cuda->context = ((AVHWDeviceContext *)device->traits.hardware->data)->hwctx;
    return 0;
}

static int open_cuda(struct vd_device *device, const char *place, struct vd_err *err)
{
    int devices = 0;
    device->traits = (struct vd_device_traits){.family = VD_FAMILY_NVENC, .surface = AV_PIX_FMT_CUDA};
    if (!*vd_tint_ptx)
        return vd_fail(err, VD_UNAVAILABLE, "open", "cuda: this build has no PTX; build with clang >= 15");
    struct cuda *cuda = av_mallocz(sizeof *cuda);
    if (!cuda)
        return vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
    device->own = cuda;
    if (vd_cuda_driver_load(&cuda->driver, &devices, err) == 0 &&
        open_hardware(device, cuda, place, devices, err) == 0 && prepare(device, cuda, err) == 0)
        return 0;
    close_cuda(device);
    return -1;
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    filter->facts.kernel = "ptx";
    filter->frames = av_hwframe_ctx_alloc(filter->device->traits.hardware);
    if (!filter->frames)
        return vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
    AVHWFramesContext *frames = (AVHWFramesContext *)filter->frames->data;
    frames->format = AV_PIX_FMT_CUDA;
    frames->sw_format = picture->target;
    frames->width = picture->padded_width;
    frames->height = picture->padded_height;
    /* the same ones from first to last: FFmpeg registers each address with NVENC, and has room for 64 */
    frames->initial_pool_size = filter->held;
    int ret = av_hwframe_ctx_init(filter->frames);
    if (ret < 0) {
        char what[64];
        snprintf(what, sizeof what, "%d pictures of %dx%d", filter->held, frames->width, frames->height);
        return lacks_memory(filter->device->own, ret, what, err);
    }
    return vd_cpu_start(filter, &filter->own, err);
}

static void stop(struct vd_filter *filter)
{
    vd_cpu_stop(filter->own);
}

/* A picture of the pool, with the properties of another; NULL and *err. */
static AVFrame *pooled(const struct vd_filter *filter, const AVFrame *like, struct vd_err *err)
{
    AVFrame *frame = av_frame_alloc();
    int ret = frame ? av_hwframe_get_buffer(filter->frames, frame, 0) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = av_frame_copy_props(frame, like);
    if (ret >= 0)
        return frame;
    av_frame_free(&frame);
    lacks_memory(filter->device->own, ret, "a picture", err);
    return NULL;
}

static CUdeviceptr address(const AVFrame *surface, int plane)
{
    return (CUdeviceptr)(uintptr_t)surface->data[plane];
}

/* With the context pushed. */
static CUresult tint(const struct vd_filter *filter, const AVFrame *to, const AVFrame *from)
{
    const struct cuda *cuda = filter->device->own;
    const struct vd_effect_plan *effect = &filter->effect;
    CUresult code = CUDA_SUCCESS;
    for (int i = 0; i < effect->planes && !code; i++) {
        struct vd_tint_plane plane = vd_program_plane(&effect->plane[i]);
        plane.dst_stride = to->linesize[i];
        plane.src_stride = from->linesize[i];
        code = launch(cuda, effect->wide, address(to, i), address(from, i), &plane);
    }
    return code;
}

/* One end of a copy, a plane of a picture. */
struct end {
    CUmemorytype type;
    void *host;
    CUdeviceptr device;
    size_t pitch;
};

static struct end end_of(const AVFrame *frame, int plane)
{
    size_t pitch = (size_t)frame->linesize[plane];
    if (frame->format == AV_PIX_FMT_CUDA)
        return (struct end){CU_MEMORYTYPE_DEVICE, NULL, address(frame, plane), pitch};
    return (struct end){CU_MEMORYTYPE_HOST, frame->data[plane], 0, pitch};
}

/* Between host and surfaces, any way, with the context pushed; format: of the samples. Not av_hwframe_transfer_data(),
 * which for CUDA returns 0 whatever the driver said. */
static CUresult copy(const struct cuda *cuda, enum AVPixelFormat format, const AVFrame *to, const AVFrame *from)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    CUresult code = CUDA_SUCCESS;
    for (int i = 0; i < av_pix_fmt_count_planes(format) && !code; i++) {
        struct end dst = end_of(to, i), src = end_of(from, i);
        CUDA_MEMCPY2D rows = {
            .srcMemoryType = src.type,
            .srcHost = src.host,
            .srcDevice = src.device,
            .srcPitch = src.pitch,
            .dstMemoryType = dst.type,
            .dstHost = dst.host,
            .dstDevice = dst.device,
            .dstPitch = dst.pitch,
            .WidthInBytes = (size_t)av_image_get_linesize(format, to->width, i),
            .Height = (size_t)(i ? AV_CEIL_RSHIFT(to->height, desc->log2_chroma_h) : to->height),
        };
        code = cuda->driver.cuMemcpy2DAsync(&rows, cuda->context->stream);
    }
    return code;
}

static CUresult wait(const struct cuda *cuda, CUresult code)
{
    CUresult waited = cuda->driver.cuStreamSynchronize(cuda->context->stream);
    return code ? code : waited;
}

static int download(struct vd_filter *filter, AVFrame *host, const AVFrame *surface, struct vd_err *err)
{
    const struct cuda *cuda = filter->device->own;
    host->format = ((const AVHWFramesContext *)surface->hw_frames_ctx->data)->sw_format;
    host->width = surface->width;
    host->height = surface->height;
    if (av_frame_get_buffer(host, 0) < 0)
        return vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
    CUresult code = push(cuda);
    if (!code) {
        code = wait(cuda, copy(cuda, host->format, host, surface));
        pop(cuda);
    }
    return code ? failed(cuda, "effect", "a picture cannot be read back", code, err) : 0;
}

static int process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    const struct cuda *cuda = filter->device->own;
    const struct vd_picture *picture = &filter->picture;
    bool surface = (*frame)->format == AV_PIX_FMT_CUDA;
    assert(!surface || ((*frame)->width == picture->padded_width && (*frame)->height == picture->padded_height));
    filter->facts.kernel = surface ? "ptx" : vd_dsp()->name;
    if (!surface && vd_cpu_process(filter, filter->own, frame, err) < 0)
        return -1;

    CUresult code;
    AVFrame *out = pooled(filter, *frame, err);
    if (!out)
        goto fail;
    code = push(cuda);
    if (!code) {
        code = wait(cuda, surface && !filter->effect.identity ? tint(filter, out, *frame)
                                                              : copy(cuda, picture->target, out, *frame));
        pop(cuda);
    }
    if (code) {
        failed(cuda, "effect", surface ? "the kernel fails" : "a picture cannot be sent to the device", code, err);
        goto fail;
    }
    filter->facts.copies += !surface;
    av_frame_free(frame);
    *frame = out;
    return 0;
fail:
    av_frame_free(&out);
    av_frame_free(frame);
    return -1;
}

const struct vd_backend vd_backend_cuda = {
    .name = "cuda",
    .words = "cuda",
    .automatic = true,
    .places = VD_PLACES_NVIDIA,
    .open = open_cuda,
    .close = close_cuda,
    .start = start,
    .process = process,
    .stop = stop,
    .download = download,
};
