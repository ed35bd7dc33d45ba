/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include "picture.h"

#include <assert.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Codes of 8 bits. A half may be off by what rounding in one direction costs; a strip is small, and coarse quantisers
 * leave more in it. */
#define HALF_OFF 1.5
#define STRIP_OFF 4.0
#define PSNR_MIN 30.0

/* The strips that lie along the edges and on both sides of the middle, in luma samples. A row or a column that is wrong
 * altogether is more than STRIP_OFF of one. */
enum { STRIP = 8, COLUMNS = 6, ROWS = 3, MIDDLE = COLUMNS / 2 };

static const char *const planes[] = {"Y", "Cb", "Cr"};

static int wrong(const struct vd_judge *judge, struct vd_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int wrong(const struct vd_judge *judge, struct vd_err *err, const char *fmt, ...)
{
    char how[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(how, sizeof how, fmt, args);
    va_end(args);
    return vd_fail(err, VD_UNAVAILABLE, "probe", "%s is wrong: %s; update its driver, or take another device",
                   judge->what, how);
}

static const char *name_of(int format)
{
    const char *name = av_get_pix_fmt_name(format);
    return name ? name : "unknown";
}

static double mean(struct vd_difference difference, int depth)
{
    return (double)difference.sum / (double)difference.samples / (1 << (depth - 8));
}

static void add(struct vd_difference *to, struct vd_difference more)
{
    to->sum += more.sum;
    to->squares += more.squares;
    to->samples += more.samples;
}

static int judge_plane(const struct vd_judge *judge, const AVFrame *right, const AVFrame *made, int plane,
                       struct vd_err *err)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(right->format);
    struct vd_area whole = vd_plane_area(right, plane);
    int across = STRIP >> (plane ? desc->log2_chroma_w : 0), down = STRIP >> (plane ? desc->log2_chroma_h : 0);
    int middle = whole.width / 2, depth = desc->comp[0].depth, number = (int)judge->apart.pairs + 1;
    const int x[] = {0, across, middle - across, middle, middle + across, whole.width - across, whole.width};
    const int y[] = {0, down, whole.height - down, whole.height};
    struct vd_difference half[2] = {0};
    struct vd_area worst = whole;
    double most = 0;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            struct vd_area area = {x[column], y[row], x[column + 1] - x[column], y[row + 1] - y[row]};
            struct vd_difference difference = vd_difference_in(right, made, plane, area);
            add(&half[column >= MIDDLE], difference);
            if (fabs(mean(difference, depth)) > fabs(most)) {
                most = mean(difference, depth);
                worst = area;
            }
        }
    for (int side = 0; side < 2; side++)
        if (fabs(mean(half[side], depth)) >= HALF_OFF)
            return wrong(judge, err, "picture %d: %s of the %s half is off by %.1f of 255", number, planes[plane],
                         side ? "right" : "left", mean(half[side], depth));
    if (fabs(most) >= STRIP_OFF)
        return wrong(judge, err, "picture %d: %s is off by %.1f of 255 in the %dx%d samples at %d,%d", number,
                     planes[plane], most, worst.width, worst.height, worst.x, worst.y);
    return 0;
}

static int judge_pair(const struct vd_judge *judge, const AVFrame *right, const AVFrame *made, struct vd_err *err)
{
    struct vd_apart pair = {0};
    int number = (int)judge->apart.pairs + 1;
    if (right->width != made->width || right->height != made->height ||
        vd_format_plain(right->format) != vd_format_plain(made->format))
        return wrong(judge, err, "picture %d is %dx%d %s instead of %dx%d %s", number, made->width, made->height,
                     name_of(made->format), right->width, right->height, name_of(right->format));
    assert(right->width >= VD_JUDGED_MIN && right->height >= VD_JUDGED_MIN);
    for (int plane = 0; plane < 3; plane++)
        if (judge_plane(judge, right, made, plane, err) < 0)
            return -1;
    vd_apart_add(&pair, right, made);
    for (int plane = 0; plane < 3; plane++)
        if (vd_apart_psnr(&pair, plane) < PSNR_MIN)
            return wrong(judge, err, "picture %d: %s is %.1f dB from what it ought to be, less than %.0f", number,
                         planes[plane], vd_apart_psnr(&pair, plane), PSNR_MIN);
    return 1;
}

int vd_judge_next(struct vd_judge *judge, const AVFrame *right, const AVFrame *made, struct vd_err *err)
{
    if (!right && !made && judge->apart.pairs)
        return 0;
    if (!right || !made)
        return wrong(judge, err, "it has %s pictures than went in", made ? "more" : "fewer");
    int ret = judge_pair(judge, right, made, err);
    if (ret > 0)
        vd_apart_add(&judge->apart, right, made);
    return ret;
}
