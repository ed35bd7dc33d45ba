/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encoders, and how a plan and x264's words for preset and quality become theirs. */
#include "compat.h"
#include "plan.h"

#include <libavutil/avstring.h>
#include <libavutil/hwcontext.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <math.h>

/* Sides and depths of hardware: the least and the depth are what every generation takes that has the encoder at all, the
 * longest side is what none exceeds. */
static const struct vd_encoder encoders[] = {
    {VD_CODEC_H264, VD_FAMILY_SOFTWARE, "libx264", true, 1, 0, 0, 0, 0, 51, "x264-params", "mastering-display", "cll"},
    {VD_CODEC_HEVC, VD_FAMILY_SOFTWARE, "libx265", false, 16, 0, 0, 16, 5, 51, "x265-params", "master-display",
     "max-cll"},
    {VD_CODEC_AV1, VD_FAMILY_SOFTWARE, "libsvtav1", false, 64, 0, 0, 0, 12, 63, "svtav1-params", "mastering-display",
     "content-light"},
    {VD_CODEC_H264, VD_FAMILY_VAAPI, "h264_vaapi", false, 128, 4096, 8, 0, 0, 51, NULL, NULL, NULL},
    {VD_CODEC_HEVC, VD_FAMILY_VAAPI, "hevc_vaapi", false, 144, 8192, 10, 0, 2, 51, NULL, NULL, NULL},
    {VD_CODEC_AV1, VD_FAMILY_VAAPI, "av1_vaapi", false, 144, 8192, 10, 0, 90, 255, NULL, NULL, NULL},
    {VD_CODEC_H264, VD_FAMILY_NVENC, "h264_nvenc", false, 146, 4096, 8, 0, 0, 51, NULL, NULL, NULL},
    {VD_CODEC_HEVC, VD_FAMILY_NVENC, "hevc_nvenc", false, 146, 8192, 10, 0, 2, 51, NULL, NULL, NULL},
    {VD_CODEC_AV1, VD_FAMILY_NVENC, "av1_nvenc", false, 192, 8192, 10, 0, 12, 51, NULL, NULL, NULL},
};

/* What x264's words are elsewhere: SVT-AV1 counts from 13, the fastest, to 0; NVENC from p1, the fastest; VAAPI's drivers
 * from 7, the fastest. */
static const struct preset {
    const char *x264, *svt, *nvenc;
    int vaapi;
} presets[] = {
    {"ultrafast", "12", "p1", 7}, {"superfast", "11", "p1", 7}, {"veryfast", "10", "p2", 6}, {"faster", "9", "p3", 5},
    {"fast", "8", "p3", 5},       {"medium", "7", "p4", 4},     {"slow", "5", "p5", 3},      {"slower", "4", "p6", 2},
    {"veryslow", "2", "p7", 1},   {"placebo", "1", "p7", 1},
};

const struct vd_encoder *vd_encoder_for(enum vd_codec codec, enum vd_family family)
{
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (encoders[i].codec == codec && encoders[i].family == family)
            return &encoders[i];
    return NULL;
}

const enum AVPixelFormat *vd_encoder_takes(const struct vd_encoder *encoder)
{
    static const enum AVPixelFormat eight[] = {AV_PIX_FMT_NV12, AV_PIX_FMT_NONE};
    static const enum AVPixelFormat ten[] = {AV_PIX_FMT_NV12, AV_PIX_FMT_P010, AV_PIX_FMT_NONE};
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder->name);
    if (!codec || encoder->family == VD_FAMILY_SOFTWARE)
        return codec ? vd_encoder_formats(codec) : NULL;
    return encoder->depth_max > 8 ? ten : eight;
}

static const struct preset *preset_for(const char *x264)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (!strcmp(presets[i].x264, x264))
            return &presets[i];
    return &presets[2];
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
    if (!encoder->hdr_option)
        return;
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

/*
 * libx264 is opened with terms up to 4096, and set up anew with the first picture where they were larger, by which it
 * loses what makes quality 0 lossless. The container keeps them as they are.
 */
static AVRational coded_aspect(const struct vd_plan *plan)
{
    AVRational aspect = plan->sample_aspect_ratio;
    if (plan->family == VD_FAMILY_SOFTWARE && plan->encoder->codec == VD_CODEC_H264)
        av_reduce(&aspect.num, &aspect.den, aspect.num, aspect.den, 4096);
    return aspect;
}

static int set_fields(AVCodecContext *encoder, const struct vd_plan *plan, const struct vd_job *job,
                      AVBufferRef *frames)
{
    encoder->width = plan->picture.padded_width;
    encoder->height = plan->picture.padded_height;
    encoder->pix_fmt = plan->picture.target;
    if (frames) {
        encoder->pix_fmt = ((const AVHWFramesContext *)frames->data)->format;
        encoder->sw_pix_fmt = plan->picture.target;
        encoder->hw_frames_ctx = av_buffer_ref(frames);
        if (!encoder->hw_frames_ctx)
            return AVERROR(ENOMEM);
    }
    encoder->time_base = plan->time_base;
    encoder->framerate = plan->frame_rate;
    encoder->sample_aspect_ratio = coded_aspect(plan);
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
    return 0;
}

/* x264's words for how fast and how good. */
static void set_rate(AVCodecContext *encoder, const struct vd_encoder *row, const struct vd_recipe *recipe,
                     AVDictionary **options)
{
    const struct preset *preset = preset_for(recipe->preset);
    double quality = quality_for(row, recipe->quality);
    char text[16];
    snprintf(text, sizeof text, "%g", quality);
    switch (row->family) {
    case VD_FAMILY_SOFTWARE:
        av_dict_set(options, "preset", row->codec == VD_CODEC_AV1 ? preset->svt : preset->x264, 0);
        av_dict_set(options, "crf", text, 0);
        break;
    case VD_FAMILY_VAAPI: /* constant quantisers: every driver has them, low-power encoders without firmware too */
        av_dict_set(options, "rc_mode", "CQP", 0);
        encoder->global_quality = FFMAX((int)lrint(quality), 1);
        encoder->compression_level = preset->vaapi;
        break;
    case VD_FAMILY_NVENC:
        av_dict_set(options, "preset", preset->nvenc, 0);
        av_dict_set(options, "tune", "hq", 0);
        av_dict_set(options, "rc", "vbr", 0);
        av_dict_set(options, "cq", quality > 0 ? text : "1", 0); /* its 0 means: choose for me */
        encoder->bit_rate = 0;
        /* FFmpeg 5.1 to 7.0 move decoding times back by ticks of the clock instead of pictures: they come behind those of
         * showing */
        if (avcodec_version() < AV_VERSION_INT(61, 19, 0))
            encoder->max_b_frames = 0;
        break;
    }
    if (row->family != VD_FAMILY_VAAPI) /* its every key picture is one that decoding can start at */
        av_dict_set(options, "forced-idr", "1", 0);
}

/* Of hardware: no memory is how NVENC says that all its sessions are taken. */
static void fail_open(const AVCodecContext *encoder, const struct vd_plan *plan, int code, struct vd_err *err)
{
    const char *name = plan->encoder->name;
    const char *format = av_get_pix_fmt_name(plan->picture.target);
    if (plan->family == VD_FAMILY_SOFTWARE)
        vd_fail(err, code == AVERROR(ENOMEM) ? VD_INPUT : VD_DEFECT, "encode",
                "%s does not open for %s %dx%d: %s; if it is memory, raise --max-memory, else run with -v", name,
                format, encoder->width, encoder->height, av_err2str(code));
    else if (plan->family == VD_FAMILY_NVENC && code == AVERROR(ENOMEM))
        vd_fail(err, VD_AGAIN, "encode", "%s is busy: all of its sessions, or its memory, are taken; try again later",
                name);
    else
        vd_fail(err, VD_UNAVAILABLE, "encode", "%s does not open for %s %dx%d: %s; see vidriera doctor", name, format,
                encoder->width, encoder->height, av_err2str(code));
}

AVCodecContext *vd_encoder_open(const struct vd_plan *plan, const struct vd_job *job, AVBufferRef *frames,
                                struct vd_err *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(plan->encoder->name);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    AVDictionary *options = NULL;
    if (!encoder) {
        vd_fail(err, VD_UNAVAILABLE, "encode", "%s: this FFmpeg has no such encoder; use another --codec",
                plan->encoder->name);
        return NULL;
    }
    int ret = set_fields(encoder, plan, job, frames);
    set_rate(encoder, plan->encoder, &job->recipe, &options);
    hdr_options(plan, &options);
    if (ret >= 0)
        ret = avcodec_open2(encoder, codec, &options);
    av_dict_free(&options);
    if (ret >= 0)
        return encoder;
    fail_open(encoder, plan, ret, err);
    avcodec_free_context(&encoder);
    return NULL;
}

bool vd_encoder_works(enum vd_family family, AVBufferRef *device)
{
    AVCodecContext *encoder = NULL;
    AVBufferRef *frames = av_hwframe_ctx_alloc(device);
    const AVCodec *codec = avcodec_find_encoder_by_name(vd_encoder_for(VD_CODEC_H264, family)->name);
    bool works = false;
    if (!frames || !codec)
        goto done;
    AVHWFramesContext *pool = (AVHWFramesContext *)frames->data;
    pool->format = family == VD_FAMILY_VAAPI ? AV_PIX_FMT_VAAPI : AV_PIX_FMT_CUDA;
    pool->sw_format = AV_PIX_FMT_NV12;
    pool->width = 640;
    pool->height = 368;
    pool->initial_pool_size = 2;
    encoder = avcodec_alloc_context3(codec);
    if (!encoder || av_hwframe_ctx_init(frames) < 0)
        goto done;
    encoder->width = pool->width;
    encoder->height = pool->height;
    encoder->pix_fmt = pool->format;
    encoder->sw_pix_fmt = pool->sw_format;
    encoder->time_base = (AVRational){1, 25};
    encoder->framerate = (AVRational){25, 1};
    encoder->hw_frames_ctx = av_buffer_ref(frames);
    works = encoder->hw_frames_ctx && avcodec_open2(encoder, codec, NULL) >= 0;
done:
    avcodec_free_context(&encoder);
    av_buffer_unref(&frames);
    return works;
}
