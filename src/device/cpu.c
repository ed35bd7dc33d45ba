/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effect on host memory, by SIMD: in place where the frame is ours alone, else into a pooled frame in one pass. */
#include "vidriera/device.h"
#include "vidriera/frame_memory.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <string.h>

/* What the widest vector load and x264's own copy like; av_malloc aligns as much. */
enum { ALIGN = 64 };

struct vd_device {
    struct vd_effect_plan effect;
    struct vd_picture picture;
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

struct vd_device *vd_device_open(const struct vd_effect_plan *effect, const struct vd_picture *picture)
{
    struct vd_device *device = av_mallocz(sizeof *device);
    if (!device)
        return NULL;
    device->effect = *effect;
    device->picture = *picture;
    int bytes = av_image_get_buffer_size(picture->target, picture->padded_width, picture->padded_height, ALIGN);
    device->pool = bytes > 0 ? vd_frame_pool((size_t)bytes + ALIGN) : NULL;
    device->neutral = neutral_row(picture);
    if (device->pool && device->neutral)
        return device;
    vd_device_close(device);
    return NULL;
}

void vd_device_close(struct vd_device *device)
{
    if (!device)
        return;
    av_buffer_pool_uninit(&device->pool);
    av_free(device->neutral);
    av_free(device);
}

static AVFrame *pooled_frame(struct vd_device *device, const AVFrame *like)
{
    const struct vd_picture *picture = &device->picture;
    AVFrame *frame = av_frame_alloc();
    if (!frame || av_frame_copy_props(frame, like) < 0)
        goto fail;
    frame->buf[0] = av_buffer_pool_get(device->pool);
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

static void copy_planes(const struct vd_device *device, AVFrame *out, const struct vd_planes *in)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(device->picture.target);
    for (int i = 0; i < av_pix_fmt_count_planes(device->picture.target); i++) {
        int bytes = row_bytes(device->picture.target, device->picture.width, i);
        const uint8_t *from = in->data[i];
        uint8_t *to = out->data[i];
        for (int y = 0; y < plane_rows(desc, device->picture.height, i); y++) {
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

int vd_device_process(struct vd_device *device, AVFrame **frame, struct vd_err *err)
{
    const struct vd_picture *picture = &device->picture;
    bool same = picture->source == picture->target && picture->width == picture->padded_width &&
                picture->height == picture->padded_height;
    if (same && device->effect.identity)
        return 0;
    struct vd_planes in = planes_of(*frame);
    if (same && av_frame_is_writable(*frame) > 0) {
        vd_effect_apply(&device->effect, &in, &in);
        return 0;
    }
    AVFrame *out = pooled_frame(device, *frame);
    if (!out) {
        av_frame_free(frame);
        return vd_fail(err, VD_INPUT, "effect", "no memory for a picture; raise --max-memory");
    }
    if (picture->source != picture->target)
        for (int i = 1; i < 3; i++) {
            in.data[i] = device->neutral;
            in.stride[i] = 0;
        }
    struct vd_planes to = planes_of(out);
    if (device->effect.identity)
        copy_planes(device, out, &in);
    else
        vd_effect_apply(&device->effect, &to, &in);
    pad(picture, out);
    av_frame_free(frame);
    *frame = out;
    return 0;
}
