/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preview.h"

#include "plan.h"

#include <errno.h>
#include <libavutil/display.h>
#include <libavutil/mathematics.h>
#include <unistd.h>

/* Each half is at most that wide; a larger picture is scaled down. */
enum { HALF_MAX = 1280, GAP = 8 };

bool vd_preview_wants(const struct vd_preview *preview, int64_t position_us)
{
    return preview->wanted && !preview->found && (!preview->before || position_us >= preview->middle_us);
}

static int keep(AVFrame **kept, const AVFrame *frame)
{
    av_frame_free(kept);
    *kept = av_frame_clone(frame);
    return *kept ? 0 : AVERROR(ENOMEM);
}

int vd_preview_before(struct vd_preview *preview, const AVFrame *frame, int64_t position_us)
{
    preview->found = position_us >= preview->middle_us;
    return keep(&preview->before, frame);
}

int vd_preview_after(struct vd_preview *preview, const AVFrame *frame)
{
    return keep(&preview->after, frame);
}

void vd_preview_finish(struct vd_preview *preview)
{
    av_frame_free(&preview->before);
    av_frame_free(&preview->after);
}

/* A picture as RGB, square pixels, upright: how many samples one coded row and column become is in `size`. */
static AVFrame *to_rgb(const AVFrame *frame, const struct vd_plan *plan, int width, int height)
{
    AVFrame *rgb = av_frame_clone(frame);
    bool full = plan->range == AVCOL_RANGE_JPEG;
    enum AVColorSpace matrix = vd_matrix_resolve(plan->matrix, plan->picture.width, plan->picture.height);
    struct vd_converted wanted = {AV_PIX_FMT_RGB24, width, height, matrix, true};
    struct vd_converter converter = {0};
    if (!rgb)
        return NULL;
    rgb->colorspace = matrix;
    rgb->color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    rgb->width = plan->picture.width; /* without what was repeated for the encoder */
    rgb->height = plan->picture.height;
    vd_convert(&converter, &wanted, &rgb);
    vd_converter_finish(&converter);
    return rgb;
}

/* Where a displayed pixel comes from, in whole turns and mirrors: displayed (x, y) = M (coded). */
static void place(const AVFrame *rgb, AVFrame *canvas, int left, const int32_t matrix[9])
{
    bool turned = llabs(matrix[1]) > llabs(matrix[0]);
    int64_t across_x = turned ? 0 : matrix[0], across_y = turned ? matrix[3] : 0;
    int64_t down_x = turned ? matrix[1] : 0, down_y = turned ? 0 : matrix[4];
    bool mirror_x = across_x + across_y < 0, mirror_y = down_x + down_y < 0;
    int width = turned ? rgb->height : rgb->width, height = turned ? rgb->width : rgb->height;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int u = mirror_x ? width - 1 - x : x, v = mirror_y ? height - 1 - y : y;
            const uint8_t *from = rgb->data[0] + (ptrdiff_t)(turned ? u : v) * rgb->linesize[0] + 3 * (turned ? v : u);
            uint8_t *to = canvas->data[0] + (ptrdiff_t)y * canvas->linesize[0] + 3 * (left + x);
            memcpy(to, from, 3);
        }
}

static AVFrame *side_by_side(const struct vd_preview *preview, const struct vd_plan *plan)
{
    static const int32_t upright[9] = {1 << 16, 0, 0, 0, 1 << 16};
    const int32_t *matrix = plan->rotated ? plan->display_matrix : upright;
    bool turned = llabs(matrix[1]) > llabs(matrix[0]);
    AVRational sar = plan->sample_aspect_ratio.num > 0 ? plan->sample_aspect_ratio : (AVRational){1, 1};
    int64_t width = av_rescale(plan->picture.width, sar.num, sar.den), height = plan->picture.height;
    int64_t longest = FFMAX(width, height);
    if (longest > HALF_MAX) {
        width = FFMAX(1, width * HALF_MAX / longest);
        height = FFMAX(1, height * HALF_MAX / longest);
    }
    AVFrame *before = to_rgb(preview->before, plan, (int)width, (int)height);
    AVFrame *after = to_rgb(preview->after, plan, (int)width, (int)height);
    AVFrame *canvas = av_frame_alloc();
    int half = (int)(turned ? height : width);
    if (canvas) {
        canvas->format = AV_PIX_FMT_RGB24;
        canvas->width = 2 * half + GAP;
        canvas->height = (int)(turned ? width : height);
    }
    if (!before || !after || !canvas || av_frame_get_buffer(canvas, 0) < 0) {
        av_frame_free(&canvas);
    } else {
        memset(canvas->data[0], 0xff, (size_t)canvas->linesize[0] * (size_t)canvas->height);
        place(before, canvas, 0, matrix);
        place(after, canvas, half + GAP, matrix);
    }
    av_frame_free(&before);
    av_frame_free(&after);
    return canvas;
}

static AVPacket *to_png(const AVFrame *canvas)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    int ret = AVERROR(ENOMEM);
    if (encoder && packet) {
        encoder->pix_fmt = canvas->format;
        encoder->width = canvas->width;
        encoder->height = canvas->height;
        encoder->time_base = (AVRational){1, 1};
        encoder->thread_count = 1;
        ret = avcodec_open2(encoder, codec, NULL);
    }
    if (ret >= 0)
        ret = avcodec_send_frame(encoder, canvas);
    if (ret >= 0)
        ret = avcodec_send_frame(encoder, NULL);
    if (ret >= 0)
        ret = avcodec_receive_packet(encoder, packet);
    if (ret < 0)
        av_packet_free(&packet);
    avcodec_free_context(&encoder);
    return packet;
}

int vd_preview_write(const struct vd_preview *preview, const struct vd_plan *plan, int fd, struct vd_err *err)
{
    AVFrame *canvas = preview->before && preview->after ? side_by_side(preview, plan) : NULL;
    AVPacket *png = canvas ? to_png(canvas) : NULL;
    int ret = 0;
    av_frame_free(&canvas);
    if (!png)
        return vd_fail(err, VD_DEFECT, "preview", "the preview picture cannot be made; report this");
    for (int done = 0; !ret && done < png->size;) {
        ssize_t put = pwrite(fd, png->data + done, (size_t)(png->size - done), done);
        if (put < 0 && errno != EINTR)
            ret = vd_fail(err, VD_IO, "preview", "the preview cannot be written: %s; free some space", strerror(errno));
        done += put > 0 ? (int)put : 0;
    }
    av_packet_free(&png);
    return ret;
}
