/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effect on host memory, by SIMD: in place where the frame is ours alone, else into a pooled frame in one pass. */
#include "backend.h"

#include "vidriera/frame_memory.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <string.h>

/* What the widest vector load and x264's own copy like; av_malloc aligns as much. */
enum { ALIGN = 64 };

struct cpu {
    AVBufferPool *pool;
    uint8_t *neutral; /* one row of grey chroma, for sources that have none */
};

static int row_bytes(enum AVPixelFormat format, int width, int plane)
{
    return av_image_get_linesize(format, width, plane);
}

static int plane_rows(const AVPixFmtDescriptor *desc, int height, int plane)
{
    return plane == 1 || plane == 2 ? AV_CEIL_RSHIFT(height, desc->log2_chroma_h) : height;
}

static uint8_t *neutral_row(const struct vd_picture *picture)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(picture->target);
    int bytes = row_bytes(picture->target, picture->padded_width, 1);
    uint8_t *row = av_malloc((size_t)bytes + ALIGN);
    if (!row)
        return NULL;
    if (desc->comp[0].depth == 8) {
        memset(row, 128, (size_t)bytes);
    } else {
        uint16_t code = (uint16_t)(1 << (desc->comp[0].depth - 1));
        for (int i = 0; i < bytes / 2; i++)
            memcpy(row + 2 * i, &code, 2);
    }
    return row;
}

int vd_cpu_start(struct vd_filter *filter, void **own, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    struct cpu *cpu = av_mallocz(sizeof *cpu);
    int bytes = av_image_get_buffer_size(picture->target, picture->padded_width, picture->padded_height, ALIGN);
    if (cpu) {
        cpu->pool = bytes > 0 ? vd_frame_pool((size_t)bytes + ALIGN) : NULL;
        cpu->neutral = neutral_row(picture);
    }
    *own = cpu;
    if (cpu && cpu->pool && cpu->neutral)
        return 0;
    vd_cpu_stop(cpu);
    *own = NULL;
    return vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
}

void vd_cpu_stop(void *own)
{
    struct cpu *cpu = own;
    if (!cpu)
        return;
    av_buffer_pool_uninit(&cpu->pool);
    av_free(cpu->neutral);
    av_free(cpu);
}

static AVFrame *pooled_frame(const struct vd_picture *picture, struct cpu *cpu, const AVFrame *like)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame || av_frame_copy_props(frame, like) < 0)
        goto fail;
    frame->buf[0] = av_buffer_pool_get(cpu->pool);
    if (!frame->buf[0])
        goto fail;
    frame->format = picture->target;
    frame->width = picture->padded_width;
    frame->height = picture->padded_height;
    frame->crop_left = frame->crop_right = frame->crop_top = frame->crop_bottom = 0;
    if (av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, picture->target, frame->width,
                             frame->height, ALIGN) < 0)
        goto fail;
    return frame;
fail:
    av_frame_free(&frame);
    return NULL;
}

static struct vd_planes planes_of(const AVFrame *frame)
{
    struct vd_planes planes;
    for (int i = 0; i < 3; i++) {
        planes.data[i] = frame->data[i];
        planes.stride[i] = frame->linesize[i];
    }
    return planes;
}

static void copy_planes(const struct vd_picture *picture, AVFrame *out, const struct vd_planes *in)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(picture->target);
    for (int i = 0; i < av_pix_fmt_count_planes(picture->target); i++) {
        int bytes = row_bytes(picture->target, picture->width, i);
        const uint8_t *from = in->data[i];
        uint8_t *to = out->data[i];
        for (int y = 0; y < plane_rows(desc, picture->height, i); y++) {
            memcpy(to, from, (size_t)bytes);
            from += in->stride[i];
            to += out->linesize[i];
        }
    }
}

static void pad_plane(const struct vd_picture *picture, const AVPixFmtDescriptor *desc, AVFrame *frame, int plane)
{
    int have = row_bytes(picture->target, picture->width, plane);
    int want = row_bytes(picture->target, picture->padded_width, plane);
    int rows = plane_rows(desc, picture->height, plane);
    /* the last sample: of one component, or of both where they alternate (NV12) */
    int step = desc->comp[plane ? 1 : 0].step;
    for (int y = 0; y < rows && have < want; y++) {
        uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
        for (int x = have; x < want; x++)
            row[x] = row[x - step];
    }
    for (int y = rows; y < plane_rows(desc, picture->padded_height, plane); y++) {
        int from = y >= picture->row_step ? y - picture->row_step : 0;
        memcpy(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane],
               frame->data[plane] + (ptrdiff_t)from * frame->linesize[plane], (size_t)want);
    }
}

static void pad(const struct vd_picture *picture, AVFrame *frame)
{
    if (picture->width == picture->padded_width && picture->height == picture->padded_height)
        return;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(picture->target);
    for (int i = 0; i < av_pix_fmt_count_planes(picture->target); i++)
        pad_plane(picture, desc, frame, i);
}

int vd_cpu_process_by(struct vd_filter *filter, void *own, vd_cpu_tint_fn *tint, AVFrame **frame, struct vd_err *err)
{
    const struct vd_picture *picture = &filter->picture;
    struct cpu *cpu = own;
    bool same = picture->source == picture->target && picture->width == picture->padded_width &&
                picture->height == picture->padded_height;
    if (same && filter->effect.identity)
        return 0;
    struct vd_planes in = planes_of(*frame);
    if (same && av_frame_is_writable(*frame) > 0) {
        if (tint(filter, *frame, *frame, &in, err) == 0)
            return 0;
        av_frame_free(frame);
        return -1;
    }
    AVFrame *out = pooled_frame(picture, cpu, *frame);
    if (!out) {
        av_frame_free(frame);
        return vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
    }
    if (picture->source != picture->target)
        for (int i = 1; i < 3; i++) {
            in.data[i] = cpu->neutral;
            in.stride[i] = 0;
        }
    int ret = 0;
    if (filter->effect.identity)
        copy_planes(picture, out, &in);
    else
        ret = tint(filter, out, *frame, &in, err);
    if (ret == 0)
        pad(picture, out);
    else
        av_frame_free(&out);
    av_frame_free(frame);
    *frame = out;
    return ret;
}

static int tint_here(struct vd_filter *filter, AVFrame *out, const AVFrame *in, const struct vd_planes *from,
                     struct vd_err *err)
{
    struct vd_planes to = planes_of(out);
    (void)in;
    (void)err;
    vd_effect_apply(&filter->effect, &to, from);
    return 0;
}

int vd_cpu_process(struct vd_filter *filter, void *own, AVFrame **frame, struct vd_err *err)
{
    return vd_cpu_process_by(filter, own, tint_here, frame, err);
}

static int open_cpu(struct vd_device *device, const char *place, struct vd_err *err)
{
    if (*place)
        return vd_fail(err, VD_UNAVAILABLE, "open", "cpu:%s: the processor has no places; use --device cpu", place);
    device->traits = (struct vd_device_traits){.family = VD_FAMILY_SOFTWARE, .surface = AV_PIX_FMT_NONE};
    return 0;
}

static void close_cpu(struct vd_device *device)
{
    (void)device;
}

static int start(struct vd_filter *filter, struct vd_err *err)
{
    filter->facts.kernel = vd_dsp()->name;
    return vd_cpu_start(filter, &filter->own, err);
}

static int process(struct vd_filter *filter, AVFrame **frame, struct vd_err *err)
{
    return vd_cpu_process(filter, filter->own, frame, err);
}

static void stop(struct vd_filter *filter)
{
    vd_cpu_stop(filter->own);
}

const struct vd_backend vd_backend_cpu = {
    .name = "cpu",
    .words = "cpu",
    .automatic = true,
    .open = open_cpu,
    .close = close_cpu,
    .start = start,
    .process = process,
    .stop = stop,
};
