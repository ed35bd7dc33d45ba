/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two recordings held against each other, picture by picture. */
#include "apart.h"
#include "picture.h"
#include "pictures.h"

#include "vidriera/media.h"

#include <libavutil/cpu.h>
#include <libavutil/pixdesc.h>
#include <math.h>

/* What both sides' pictures become where they are not of one kind. */
static const enum AVPixelFormat kinds[] = {
    AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,   AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10,
    AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_NONE};

struct side {
    const char *name;
    struct vd_pictures pictures;
    struct vd_converter converter;
    AVFrame *frame; /* the present one */
};

/* Which of the two it is, is part of what went wrong. */
static int blame(const struct side *side, struct vd_err *err)
{
    const struct vd_err why = *err;
    return vd_fail(err, why.code, why.stage, "%s: %s", side->name, why.text);
}

static int open_side(struct side *side, int fd, const struct vd_limits *limits, struct vd_err *err)
{
    int threads = FFMIN(FFMAX(av_cpu_count() / 2, 1), 8); /* two decode at once */
    return vd_pictures_open(&side->pictures, fd, limits, threads, err) < 0 ? blame(side, err) : 0;
}

static void close_side(struct side *side)
{
    av_frame_free(&side->frame);
    vd_converter_finish(&side->converter);
    vd_pictures_close(&side->pictures);
}

static int next_picture(struct side *side, struct vd_err *err)
{
    av_frame_free(&side->frame);
    int ret = vd_pictures_next(&side->pictures, &side->frame, err);
    return ret < 0 ? blame(side, err) : ret;
}

static struct vd_converted kind_of(const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    bool rgb = desc && desc->flags & AV_PIX_FMT_FLAG_RGB;
    return (struct vd_converted){.format = vd_format_choose(frame->format, kinds),
                                 .width = frame->width,
                                 .height = frame->height,
                                 .matrix = vd_matrix_resolve(frame->colorspace, frame->width, frame->height),
                                 .full_range = !rgb && vd_format_full_range(frame->format, frame->color_range)};
}

static int bring_to(struct side *side, const struct vd_converted *kind, struct vd_err *err)
{
    if (vd_format_plain(side->frame->format) == kind->format) {
        side->frame->format = kind->format;
        return 0;
    }
    int ret = vd_convert(&side->converter, kind, &side->frame);
    if (ret >= 0)
        return 0;
    vd_fail(err, VD_INPUT, "compare", "a picture cannot be converted: %s; convert the recording first",
            av_err2str(ret));
    return blame(side, err);
}

/* *kind: of the first pair. 1: a pair was taken in; 0: both have ended. */
static int compare_next(struct side *a, struct side *b, struct vd_converted *kind, struct vd_apart *apart,
                        struct vd_err *err)
{
    int more = next_picture(a, err), other = more < 0 ? -1 : next_picture(b, err);
    if (more < 0 || other < 0)
        return -1;
    if (more != other)
        return vd_fail(err, VD_INPUT, "compare", "%s has more pictures than the %lld of the other; is it the same one?",
                       more ? a->name : b->name, (long long)apart->pairs);
    if (!more)
        return 0;
    const AVFrame *x = a->frame, *y = b->frame;
    if (x->width != y->width || x->height != y->height)
        return vd_fail(err, VD_INPUT, "compare", "picture %lld: %dx%d in %s, %dx%d in %s; scale one of them first",
                       (long long)apart->pairs + 1, x->width, x->height, a->name, y->width, y->height, b->name);
    if (!apart->pairs)
        *kind = kind_of(x);
    if (kind->format == AV_PIX_FMT_NONE)
        return vd_fail(err, VD_INPUT, "compare", "pictures of an unknown format; convert the recording first");
    if (bring_to(a, kind, err) < 0 || bring_to(b, kind, err) < 0)
        return -1;
    vd_apart_add(apart, a->frame, b->frame);
    return 1;
}

/* NULL is JSON's null to json_pack("o?"). */
static json_t *decibels(const struct vd_apart *apart, int plane)
{
    double psnr = vd_apart_psnr(apart, plane);
    return isfinite(psnr) ? json_real(round(psnr * 100) / 100) : NULL;
}

int vd_media_compare(int fd_a, int fd_b, const struct vd_limits *limits, json_t **report, struct vd_err *err)
{
    struct side a = {.name = "the first recording"}, b = {.name = "the second recording"};
    struct vd_converted kind = {.format = AV_PIX_FMT_NONE};
    struct vd_apart apart = {0};
    *report = NULL;
    int ret = open_side(&a, fd_a, limits, err);
    if (ret >= 0)
        ret = open_side(&b, fd_b, limits, err);
    if (ret >= 0)
        do
            ret = compare_next(&a, &b, &kind, &apart, err);
        while (ret > 0);
    if (ret >= 0 && !apart.pairs)
        ret = vd_fail(err, VD_INPUT, "compare", "neither recording has a picture; are they complete?");
    if (ret >= 0)
        *report = json_pack("{s:I, s:{s:o?, s:o?, s:o?}}", "frames", (json_int_t)apart.pairs, "psnr", "y",
                            decibels(&apart, 0), "u", decibels(&apart, 1), "v", decibels(&apart, 2));
    if (ret >= 0 && !*report)
        ret = vd_fail(err, VD_INPUT, "compare", "no memory for the result; raise --max-memory");
    close_side(&a);
    close_side(&b);
    return ret;
}
