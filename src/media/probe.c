/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device is proved on a stream that its own encoder made, for what another one makes it may have no decoder. */
#include "judge.h"
#include "pattern.h"
#include "picture.h"
#include "pictures.h"
#include "speed.h"

#include "vidriera/media.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Enough for pictures that refer to others; quality as x264 counts it. Not the fastest preset: with those, SVT-AV1 1.4 and
 * 2.3 leave blocks of wrong colour in corners and along the lower edge, at qualities better than this one too. */
#define PRESET "faster"
enum { PICTURES = 7, QUALITY = 12 };

/* Files in memory. */
struct trial {
    int given;  /* the pattern */
    int coded;  /* by the device's encoder */
    int tinted; /* what its decoder, kernel and encoder made of that */
};

static int open_trial(struct trial *trial, struct vd_err *err)
{
    int *const files[] = {&trial->given, &trial->coded, &trial->tinted};
    *trial = (struct trial){-1, -1, -1};
    for (int i = 0; i < 3; i++) {
        *files[i] = memfd_create("vidriera-probe", MFD_CLOEXEC);
        if (*files[i] < 0)
            return vd_fail(err, VD_AGAIN, "probe", "no file in memory to be had: %s; try again later", strerror(errno));
    }
    return 0;
}

static void close_trial(struct trial *trial)
{
    const int files[] = {trial->given, trial->coded, trial->tinted};
    for (int i = 0; i < 3; i++)
        if (files[i] >= 0)
            close(files[i]);
}

static void ignore_plan(void *opaque, const char *container)
{
    (void)opaque;
    (void)container;
}

static void ignore_progress(void *opaque, const struct vd_media_progress *progress)
{
    (void)opaque;
    (void)progress;
}

static struct vd_job job_for(const struct vd_media_probe *probe, const struct vd_limits *limits)
{
    struct vd_job job;
    vd_job_defaults(&job);
    job.limits = *limits;
    job.recipe.codec = probe->codec == VD_CODEC_AUTO ? VD_CODEC_H264 : probe->codec;
    job.recipe.quality = QUALITY;
    strcpy(job.recipe.preset, PRESET);
    job.threads = 2;
    job.demanded = true;
    return job;
}

static int run(const struct vd_job *job, struct vd_device *device, int input, int output, json_t **report,
               struct vd_err *err)
{
    const struct vd_media_io io = {.input = input, .output = output, .preview = -1};
    const struct vd_media_watch watch = {ignore_plan, ignore_progress, NULL};
    return vd_media_run(job, device, &io, &watch, report, err);
}

static int run_both(const struct vd_job *job, struct vd_device *device, const struct trial *trial, json_t **report,
                    struct vd_err *err)
{
    struct vd_job untinted = *job;
    json_t *first = NULL;
    strcpy(untinted.recipe.effect.name, "none");
    int ret = run(&untinted, device, trial->given, trial->coded, &first, err);
    json_decref(first);
    return ret < 0 ? -1 : run(job, device, trial->coded, trial->tinted, report, err);
}

/* What the processor makes of a picture; NULL: no memory, or no such effect. */
static AVFrame *tint(const AVFrame *frame, const struct vd_effect_params *params, struct vd_err *err)
{
    AVFrame *out = av_frame_alloc();
    struct vd_effect_plan plan;
    struct vd_planes from, to;
    enum AVColorSpace matrix = vd_matrix_resolve(frame->colorspace, frame->width, frame->height);
    struct vd_layout layout = vd_layout_of(frame->format, frame->width, frame->height,
                                           vd_format_full_range(frame->format, frame->color_range), matrix,
                                           VD_EDGE_LEFT);
    if (out) {
        out->format = frame->format;
        out->width = frame->width;
        out->height = frame->height;
    }
    if (!out || av_frame_get_buffer(out, 0) < 0) {
        vd_fail(err, VD_AGAIN, "probe", "no memory for a picture; raise --max-memory");
        goto fail;
    }
    if (vd_effect_plan(&plan, params, &layout, err) < 0)
        goto fail;
    for (int i = 0; i < 3; i++) {
        from.data[i] = frame->data[i];
        from.stride[i] = frame->linesize[i];
        to.data[i] = out->data[i];
        to.stride[i] = out->linesize[i];
    }
    vd_effect_apply(&plan, &to, &from);
    return out;
fail:
    av_frame_free(&out);
    return NULL;
}

struct judging {
    struct vd_pictures coded, tinted;
    struct vd_judge of_encoder, of_tint;
};

/* The next picture of each: 1, 0 at the end, -1 and *err. */
static int judge_next(struct judging *judging, const struct vd_pattern *pattern, const struct vd_effect_params *params,
                      struct vd_err *err)
{
    AVFrame *given = NULL, *coded = NULL, *right = NULL, *tinted = NULL;
    int number = (int)judging->of_encoder.apart.pairs;
    int ret = vd_pictures_next(&judging->coded, &coded, err);
    if (ret >= 0)
        ret = vd_pictures_next(&judging->tinted, &tinted, err);
    if (ret >= 0 && number < PICTURES && !(given = vd_pattern_picture(pattern, number)))
        ret = vd_fail(err, VD_AGAIN, "probe", "no memory for a picture; raise --max-memory");
    if (ret >= 0)
        ret = vd_judge_next(&judging->of_encoder, given, coded, err);
    if (ret > 0 && !(right = tint(coded, params, err)))
        ret = -1;
    if (ret >= 0)
        ret = vd_judge_next(&judging->of_tint, right, tinted, err);
    av_frame_free(&given);
    av_frame_free(&coded);
    av_frame_free(&right);
    av_frame_free(&tinted);
    return ret;
}

/* *psnr: of the plane that is worst. */
static int judge(const struct trial *trial, const struct vd_pattern *pattern, const struct vd_job *job, double *psnr,
                 struct vd_err *err)
{
    struct judging judging = {.of_encoder.what = "what its encoder makes", .of_tint.what = "what it tints"};
    int ret = vd_pictures_open(&judging.coded, trial->coded, &job->limits, 1, err);
    if (ret >= 0)
        ret = vd_pictures_open(&judging.tinted, trial->tinted, &job->limits, 1, err);
    if (ret >= 0)
        do
            ret = judge_next(&judging, pattern, &job->recipe.effect, err);
        while (ret > 0);
    *psnr = INFINITY;
    for (int plane = 0; ret >= 0 && plane < 3; plane++)
        *psnr = fmin(*psnr, vd_apart_psnr(&judging.of_tint.apart, plane));
    vd_pictures_close(&judging.coded);
    vd_pictures_close(&judging.tinted);
    return ret;
}

static json_t *rounded(double value)
{
    return isfinite(value) && value >= 0 ? json_real(round(value * 100) / 100) : NULL;
}

static json_t *make_report(const json_t *run, const char *model, double psnr, double speed)
{
    const json_t *device = json_object_get(run, "device");
    return json_pack("{s:s?, s:O, s:O, s:O, s:O, s:o?, s:o?}", "model", *model ? model : NULL, "decoder",
                     json_object_get(device, "decoder"), "kernel", json_object_get(device, "kernel"), "encoder",
                     json_object_get(device, "encoder"), "copies_per_frame",
                     json_object_get(device, "copies_per_frame"), "psnr", rounded(psnr), "tint_gb_per_s",
                     rounded(speed));
}

int vd_media_probe(const struct vd_media_probe *probe, struct vd_device *device, const struct vd_limits *limits,
                   json_t **report, struct vd_err *err)
{
    const struct vd_pattern pattern = {probe->width, probe->height,
                                       probe->deep ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P};
    const struct vd_job job = job_for(probe, limits);
    struct trial trial;
    json_t *told = NULL;
    double psnr;
    *report = NULL;
    int ret = open_trial(&trial, err);
    if (ret >= 0)
        ret = vd_pattern_write(&pattern, PICTURES, trial.given, err);
    if (ret >= 0)
        ret = run_both(&job, device, &trial, &told, err);
    if (ret >= 0)
        ret = judge(&trial, &pattern, &job, &psnr, err);
    if (ret >= 0 &&
        !(*report = make_report(told, vd_device_traits(device)->model, psnr, vd_speed_of_tint(device, probe->deep))))
        ret = vd_fail(err, VD_AGAIN, "probe", "no memory for the result; raise --max-memory");
    json_decref(told);
    close_trial(&trial);
    if (ret < 0 && err->code != VD_AGAIN) /* whatever it is for a recording: here the device is to blame */
        err->code = VD_UNAVAILABLE;
    return ret;
}
