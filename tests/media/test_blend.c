/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tint on YUV planes against the formula on 8-bit BGR, on real pictures: to BGR by swscale in the stream's own matrix
 * and blended there. Compared twice: as BGR (our planes brought to BGR as well), and as YUV (theirs brought back).
 *
 * They cannot be equal. The way over BGR rounds after the conversion and after blending, clips what BGR cannot hold, and
 * on the way back makes a new chroma plane. Rounding errors of a code and less are what is left: about 48 dB as BGR, where
 * each channel mixes three rounded samples (43 where much of the picture lies outside what BGR holds), 54 to 56 dB as YUV.
 */
#include "tinted.h"

#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
#include <math.h>

enum { FRAMES = 20 };

struct ways {
    struct SwsContext *to_bgr, *to_yuv;
    AVFrame *bgr, *yuv; /* blended */
    AVFrame *ours;      /* our planes, as BGR */
};

/* Squared errors, and how many samples they are of. */
struct errors {
    double sum;
    int64_t samples;
};

static AVFrame *new_frame(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    return frame;
}

static struct SwsContext *new_way(int width, int height, enum AVPixelFormat from, enum AVPixelFormat to, int matrix)
{
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
    struct SwsContext *way = sws_getContext(width, height, from, width, height, to, flags, NULL, NULL, NULL);
    const int *coefficients = sws_getCoefficients(matrix);
    assert_non_null(way);
    sws_setColorspaceDetails(way, coefficients, 0, coefficients, 0, 0, 1 << 16, 1 << 16);
    return way;
}

static void blend(const struct ways *ways, const AVFrame *in)
{
    AVFrame *bgr = ways->bgr;
    sws_scale(ways->to_bgr, (const uint8_t *const *)in->data, in->linesize, 0, in->height, bgr->data, bgr->linesize);
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++) {
            static const double tints[2][3] = {{255, 0, 0}, {0, 0, 255}}; /* B, G, R: blue, red */
            uint8_t *pixel = bgr->data[0] + (ptrdiff_t)y * bgr->linesize[0] + 3 * x;
            for (int i = 0; i < 3; i++)
                pixel[i] = (uint8_t)lround(0.7 * pixel[i] + 0.3 * tints[x >= in->width / 2][i]);
        }
    sws_scale(ways->to_yuv, (const uint8_t *const *)bgr->data, bgr->linesize, 0, in->height, ways->yuv->data,
              ways->yuv->linesize);
}

static void compare(const AVFrame *a, const AVFrame *b, int plane, int width, int height, struct errors *errors)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int off = a->data[plane][y * a->linesize[plane] + x] - b->data[plane][y * b->linesize[plane] + x];
            errors->sum += off * off;
        }
    errors->samples += (int64_t)width * height;
}

static double psnr(const struct errors *errors)
{
    assert_true(errors->samples > 0);
    return 10 * log10(255.0 * 255.0 * (double)errors->samples / errors->sum);
}

static void compare_ways(const struct ways *ways, const AVFrame *tinted, struct errors *bgr, struct errors *yuv)
{
    int width = tinted->width, height = tinted->height;
    sws_scale(ways->to_bgr, (const uint8_t *const *)tinted->data, tinted->linesize, 0, height, ways->ours->data,
              ways->ours->linesize);
    compare(ways->ours, ways->bgr, 0, 3 * width, height, bgr);
    for (int plane = 0; plane < 3; plane++)
        compare(tinted, ways->yuv, plane, plane ? (width + 1) / 2 : width, plane ? (height + 1) / 2 : height, yuv);
}

static void measure(const char *path, double *as_bgr, double *as_yuv)
{
    struct tinted tinted;
    struct errors bgr = {0}, yuv = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    tinted_open(&tinted, fd);
    assert_int_equal(tinted.plan.picture.target, AV_PIX_FMT_YUV420P);
    int width = tinted.first->width, height = tinted.first->height;
    int matrix = vd_matrix_resolve(tinted.first->colorspace, width, height);
    struct ways ways = {new_way(width, height, AV_PIX_FMT_YUV420P, AV_PIX_FMT_BGR24, matrix),
                        new_way(width, height, AV_PIX_FMT_BGR24, AV_PIX_FMT_YUV420P, matrix),
                        new_frame(AV_PIX_FMT_BGR24, width, height), new_frame(AV_PIX_FMT_YUV420P, width, height),
                        new_frame(AV_PIX_FMT_BGR24, width, height)};
    AVFrame *frame;
    for (int i = 0; i < FRAMES && (frame = tinted_decode(&tinted)); i++) {
        blend(&ways, frame);
        tinted_apply(&tinted, &frame);
        compare_ways(&ways, frame, &bgr, &yuv);
        av_frame_free(&frame);
    }
    av_frame_free(&ways.bgr);
    av_frame_free(&ways.yuv);
    av_frame_free(&ways.ours);
    sws_freeContext(ways.to_bgr);
    sws_freeContext(ways.to_yuv);
    tinted_close(&tinted);
    close(fd);
    *as_bgr = psnr(&bgr);
    *as_yuv = psnr(&yuv);
}

static void test_clip(void **state)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", VD_CLIPS_FOLDER, (const char *)*state);
    if (access(path, R_OK) < 0) {
        if (getenv("CI"))
            fail_msg("%s is not there; ./dev clips fetches it", path);
        print_message("%s is not there; ./dev clips fetches it\n", path);
        skip();
    }
    double as_bgr, as_yuv;
    measure(path, &as_bgr, &as_yuv);
    print_message("%s: %.1f dB as BGR, %.1f dB as YUV\n", (const char *)*state, as_bgr, as_yuv);
    assert_true(as_bgr > 42 && as_yuv > 50);
    assert_true(as_bgr < 60 && as_yuv < 60); /* more would mean that the two are not computed apart */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"bigbuckbunny", test_clip, NULL, NULL, "bigbuckbunny.mp4"},
        {"bikes", test_clip, NULL, NULL, "bikes.mp4"},
        {"carphone", test_clip, NULL, NULL, "carphone_pristine.mp4"},
    };
    return cmocka_run_group_tests_name("blend", tests, NULL, NULL);
}
