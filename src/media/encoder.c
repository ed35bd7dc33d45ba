/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encoders, and how a plan and x264's words for preset and quality become theirs. */
#include "compat.h"
#include "plan.h"

#include <libavutil/avstring.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <math.h>

static const struct vd_encoder encoders[] = {
    {VD_CODEC_H264, "libx264", true, 1, 0, 0, 51, "x264-params", "mastering-display", "cll"},
    {VD_CODEC_HEVC, "libx265", false, 16, 16, 5, 51, "x265-params", "master-display", "max-cll"},
    {VD_CODEC_AV1, "libsvtav1", false, 64, 0, 12, 63, "svtav1-params", "mastering-display", "content-light"},
};

/* SVT-AV1 counts from 13, the fastest, to 0. */
static const struct {
    const char *x264, *svt;
} presets[] = {
    {"ultrafast", "12"}, {"superfast", "11"}, {"veryfast", "10"}, {"faster", "9"},   {"fast", "8"},
    {"medium", "7"},     {"slow", "5"},       {"slower", "4"},    {"veryslow", "2"}, {"placebo", "1"},
};

const struct vd_encoder *vd_encoder_for(enum vd_codec codec)
{
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (encoders[i].codec == codec)
            return &encoders[i];
    return NULL;
}

static const char *preset_for(const struct vd_encoder *encoder, const char *x264)
{
    if (encoder->codec != VD_CODEC_AV1)
        return x264;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (!strcmp(presets[i].x264, x264))
            return presets[i].svt;
    return presets[2].svt;
}

/* 0 stays 0: lossless, or the best there is. */
static double quality_for(const struct vd_encoder *encoder, double x264)
{
    return x264 > 0 ? fmin(x264 + encoder->quality_offset, encoder->quality_max) : 0;
}

/* x264 and x265 take integers of 0.00002 and 0.0001; SVT-AV1 takes decimals, as does the rest of the world. */
static void mastering_text(const AVMasteringDisplayMetadata *m, bool decimals, char *text, size_t size)
{
    const AVRational *p[3] = {m->display_primaries[1], m->display_primaries[2], m->display_primaries[0]};
    double xy = decimals ? 1 : 50000, nits = decimals ? 1 : 10000;
    int digits = decimals ? 5 : 0;
    snprintf(text, size, "G(%.*f,%.*f)B(%.*f,%.*f)R(%.*f,%.*f)WP(%.*f,%.*f)L(%.*f,%.*f)", digits, av_q2d(p[0][0]) * xy,
             digits, av_q2d(p[0][1]) * xy, digits, av_q2d(p[1][0]) * xy, digits, av_q2d(p[1][1]) * xy, digits,
             av_q2d(p[2][0]) * xy, digits, av_q2d(p[2][1]) * xy, digits, av_q2d(m->white_point[0]) * xy, digits,
             av_q2d(m->white_point[1]) * xy, digits, av_q2d(m->max_luminance) * nits, digits,
             av_q2d(m->min_luminance) * nits);
}

static void hdr_options(const struct vd_plan *plan, AVDictionary **options)
{
    const AVMasteringDisplayMetadata *mastering = (const void *)plan->hdr.mastering;
    const AVContentLightMetadata *light = (const void *)plan->hdr.light;
    const struct vd_encoder *encoder = plan->encoder;
    char text[400] = "", value[256];
    if (mastering && mastering->has_primaries && mastering->has_luminance) {
        mastering_text(mastering, encoder->codec == VD_CODEC_AV1, value, sizeof value);
        av_strlcatf(text, sizeof text, "%s=%s:", encoder->mastering_key, value);
    }
    if (light)
        av_strlcatf(text, sizeof text, "%s=%u,%u:", encoder->light_key, light->MaxCLL, light->MaxFALL);
    if (encoder->codec == VD_CODEC_HEVC)
        av_strlcatf(text, sizeof text, "log-level=none:");
    if (text[0]) {
        text[strlen(text) - 1] = '\0';
        av_dict_set(options, encoder->hdr_option, text, 0);
    }
}

static void set_fields(AVCodecContext *encoder, const struct vd_plan *plan, const struct vd_job *job)
{
    encoder->width = plan->picture.padded_width;
    encoder->height = plan->picture.padded_height;
    encoder->pix_fmt = plan->picture.target;
    encoder->time_base = plan->time_base;
    encoder->framerate = plan->frame_rate;
    encoder->sample_aspect_ratio = plan->sample_aspect_ratio;
    encoder->color_range = plan->range;
    encoder->colorspace = plan->matrix;
    encoder->color_primaries = plan->primaries;
    encoder->color_trc = plan->transfer;
    encoder->chroma_sample_location = plan->chroma_location;
    int most = plan->encoder->threads_max;
    encoder->thread_count = most && job->threads > most ? most : job->threads;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER; /* every container here wants parameter sets in its header */
    if (plan->interlaced) {
        encoder->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
        encoder->field_order = plan->top_first ? AV_FIELD_TT : AV_FIELD_BB;
    } else {
        encoder->field_order = AV_FIELD_PROGRESSIVE;
    }
    if (plan->encoder->codec == VD_CODEC_HEVC && strcmp(plan->container->name, "mkv"))
        encoder->codec_tag = MKTAG('h', 'v', 'c', '1'); /* the tag that Apple's players want */
}

AVCodecContext *vd_encoder_open(const struct vd_plan *plan, const struct vd_job *job, struct vd_err *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(plan->encoder->name);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    AVDictionary *options = NULL;
    char quality[16];
    if (!encoder) {
        vd_fail(err, VD_UNAVAILABLE, "encode", "%s: this FFmpeg has no such encoder; use another --codec",
                plan->encoder->name);
        return NULL;
    }
    set_fields(encoder, plan, job);
    snprintf(quality, sizeof quality, "%g", quality_for(plan->encoder, job->recipe.quality));
    av_dict_set(&options, "preset", preset_for(plan->encoder, job->recipe.preset), 0);
    av_dict_set(&options, "crf", quality, 0);
    av_dict_set(&options, "forced-idr", "1",
                0); /* a picture that must be a key picture is one that decoding can start at */
    hdr_options(plan, &options);
    int ret = avcodec_open2(encoder, codec, &options);
    av_dict_free(&options);
    if (ret >= 0)
        return encoder;
    vd_fail(err, ret == AVERROR(ENOMEM) ? VD_INPUT : VD_DEFECT, "encode",
            "%s does not open for %s %dx%d: %s; if it is memory, raise --max-memory, else run with -v",
            plan->encoder->name, av_get_pix_fmt_name(plan->picture.target), encoder->width, encoder->height,
            av_err2str(ret));
    avcodec_free_context(&encoder);
    return NULL;
}
