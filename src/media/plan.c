/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include "compat.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/mathematics.h>
#include <libavutil/pixdesc.h>

/* QuickTime's clocks are at least this fine, so that repairs by one tick stay far below a frame; and at most that fine, so
 * that the distances between some pictures stay far below the format's 32 bits. */
enum { TICKS_MIN = 10000, TICKS_MAX = 10000000 };

static void take_tags(struct vd_plan *plan, const struct vd_source *source, const AVFrame *first)
{
    plan->range = vd_format_full_range(first->format, first->color_range) ? AVCOL_RANGE_JPEG : first->color_range;
    plan->matrix = first->colorspace;
    plan->primaries = first->color_primaries;
    plan->transfer = first->color_trc;
    plan->chroma_location = first->chroma_location;
    plan->sample_aspect_ratio = av_guess_sample_aspect_ratio(source->format, source->video, (AVFrame *)first);
    enum AVFieldOrder order = source->video->codecpar->field_order;
    plan->interlaced = vd_frame_interlaced(first) || order > AV_FIELD_PROGRESSIVE;
    plan->top_first = vd_frame_interlaced(first) ? vd_frame_top_first(first)
                                                 : order == AV_FIELD_TT || order == AV_FIELD_TB;
}

static const uint8_t *side_data(const struct vd_source *source, const AVFrame *first,
                                enum AVPacketSideDataType of_stream, enum AVFrameSideDataType of_frame, size_t *size)
{
    const uint8_t *found = vd_stream_side_data(source->video, of_stream, size);
    const AVFrameSideData *framed = found ? NULL : av_frame_get_side_data(first, of_frame);
    if (framed)
        *size = framed->size;
    return framed ? framed->data : found;
}

static bool within(AVRational value, double most)
{
    return value.den > 0 && value.num >= 0 && av_q2d(value) <= most;
}

/* Chromaticities lie between 0 and 1, and SMPTE ST 2084 ends at 10000 cd/m2; encoders refuse to open for anything else. */
static bool sane(const AVMasteringDisplayMetadata *m)
{
    bool good = true;
    for (int i = 0; m->has_primaries && i < 3; i++)
        good = good && within(m->display_primaries[i][0], 1) && within(m->display_primaries[i][1], 1);
    if (m->has_primaries)
        good = good && within(m->white_point[0], 1) && within(m->white_point[1], 1);
    if (m->has_luminance)
        good = good && within(m->max_luminance, 10000) && within(m->min_luminance, 5) &&
               av_cmp_q(m->min_luminance, m->max_luminance) < 0;
    return good;
}

static void take_side_data(struct vd_plan *plan, const struct vd_source *source, const AVFrame *first,
                           struct vd_notes *notes)
{
    static const int32_t upright[9] = {1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30};
    size_t size = 0;
    const uint8_t *matrix = side_data(source, first, AV_PKT_DATA_DISPLAYMATRIX, AV_FRAME_DATA_DISPLAYMATRIX, &size);
    if (matrix && size >= sizeof plan->display_matrix) {
        memcpy(plan->display_matrix, matrix, sizeof plan->display_matrix);
        plan->rotated = memcmp(matrix, upright, 6 * sizeof *upright) != 0;
    }
    struct vd_hdr *hdr = &plan->hdr;
    hdr->mastering = side_data(source, first, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                               AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, &hdr->mastering_size);
    hdr->light = side_data(source, first, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
                           &hdr->light_size);
    if (hdr->mastering && !sane((const void *)hdr->mastering)) {
        hdr->mastering = NULL;
        vd_dropped(notes, "mastering display metadata: its numbers are out of range");
    }
}

/* Why the device's encoder cannot make of these pictures what the processor's would; false when it can. */
static bool is_unfit(const struct vd_plan *plan, const struct vd_encoder *encoder, const AVFrame *first, char *why,
                     size_t size)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(first->format);
    enum AVPixelFormat ignored;
    bool plain = !(desc->flags & AV_PIX_FMT_FLAG_RGB) && desc->nb_components >= 3;
    bool finer = plain && (desc->log2_chroma_w != 1 || desc->log2_chroma_h != 1);
    *why = '\0';
    if (!vd_encoder_takes(encoder))
        snprintf(why, size, "%s: this FFmpeg has no such encoder", encoder->name);
    else if (plan->interlaced)
        snprintf(why, size, "%s: the recording is interlaced, which it cannot code", encoder->name);
    else if (FFMIN(first->width, first->height) < encoder->side_min)
        snprintf(why, size, "%s: takes no side below %d, and the picture is %dx%d", encoder->name, encoder->side_min,
                 first->width, first->height);
    else if (encoder->side_max && FFMAX(first->width, first->height) > encoder->side_max)
        snprintf(why, size, "%s: takes no side above %d, and the picture is %dx%d", encoder->name, encoder->side_max,
                 first->width, first->height);
    else if (finer || desc->comp[0].depth > encoder->depth_max ||
             vd_format_grey(vd_format_plain(first->format), &ignored))
        snprintf(why, size, "%s: takes 4:2:0 of %d bits at most, and the pictures are %s", encoder->name,
                 encoder->depth_max, av_get_pix_fmt_name(first->format));
    return *why;
}

/* 0: software; 1: the device's encoder, which is in the plan; -1: neither, as the device is demanded. */
static int choose_family(struct vd_plan *plan, const struct vd_job *job, enum vd_family family,
                         const struct vd_encoder *encoder, const AVFrame *first, struct vd_err *err)
{
    plan->family = VD_FAMILY_SOFTWARE;
    if (family == VD_FAMILY_SOFTWARE)
        return 0;
    if (!is_unfit(plan, encoder, first, plan->unfit, sizeof plan->unfit)) {
        plan->family = family;
        plan->encoder = encoder;
        return 1;
    }
    if (!job->demanded)
        return 0;
    return vd_fail(err, VD_UNFIT, "encode", "%s; use --device auto", plan->unfit);
}

static int choose_encoder(struct vd_plan *plan, const struct vd_job *job, enum vd_family family, const AVFrame *first,
                          struct vd_notes *notes, struct vd_err *err)
{
    enum vd_codec codec = job->recipe.codec;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(first->format);
    if (!desc)
        return vd_fail(err, VD_INPUT, "decode", "the decoder gives pictures of an unknown format; convert it first");
    bool automatic = codec == VD_CODEC_AUTO;
    if (automatic)
        codec = desc->comp[0].depth > 8 ? VD_CODEC_HEVC : VD_CODEC_H264;
    int device = choose_family(plan, job, family, vd_encoder_for(codec, family), first, err);
    if (device != 0)
        return device < 0 ? -1 : 0;
    const struct vd_encoder *software = vd_encoder_for(codec, VD_FAMILY_SOFTWARE);
    if (automatic && FFMIN(first->width, first->height) < software->side_min) {
        vd_warn(notes, "%s takes no pictures as small as %dx%d: libx264 is used", software->name, first->width,
                first->height);
        codec = VD_CODEC_H264;
    } else if (automatic && plan->interlaced && !software->interlaced) {
        vd_warn(notes, "%s cannot code interlaced pictures: libx264 is used", software->name);
        codec = VD_CODEC_H264;
    }
    plan->encoder = vd_encoder_for(codec, VD_FAMILY_SOFTWARE);
    if (FFMIN(first->width, first->height) < plan->encoder->side_min)
        return vd_fail(err, VD_USAGE, "open",
                       "--codec %s: %s takes no side below %d, and the picture is %dx%d; use h264",
                       vd_codec_name(codec), plan->encoder->name, plan->encoder->side_min, first->width, first->height);
    if (plan->interlaced && !plan->encoder->interlaced) {
        vd_warn(notes, "%s cannot code interlaced pictures: the field order is not in the video itself",
                plan->encoder->name);
        plan->interlaced = false;
    }
    return 0;
}

/* NV12 and P010 are 4:2:0 with the chroma planes in one. */
static bool same_but_packed(enum AVPixelFormat a, enum AVPixelFormat b)
{
    const AVPixFmtDescriptor *x = av_pix_fmt_desc_get(a), *y = av_pix_fmt_desc_get(b);
    return !(x->flags & AV_PIX_FMT_FLAG_RGB) && x->nb_components == 3 && x->comp[0].depth == y->comp[0].depth &&
           x->log2_chroma_w == y->log2_chroma_w && x->log2_chroma_h == y->log2_chroma_h;
}

static int choose_format(struct vd_plan *plan, const AVFrame *first, struct vd_notes *notes, struct vd_err *err)
{
    const enum AVPixelFormat *formats = vd_encoder_takes(plan->encoder);
    if (!formats)
        return vd_fail(err, VD_UNAVAILABLE, "encode", "%s: this FFmpeg has no such encoder; use another --codec",
                       plan->encoder->name);
    enum AVPixelFormat source = vd_format_plain(first->format), coloured;
    enum AVPixelFormat target = vd_format_choose(source, formats);
    if (target == AV_PIX_FMT_NONE)
        return vd_fail(err, VD_DEFECT, "encode", "%s takes no format that %s could become; use another --codec",
                       plan->encoder->name, av_get_pix_fmt_name(source));
    bool as_is = target == source || (vd_format_grey(source, &coloured) && coloured == target);
    plan->picture.source = as_is ? source : target;
    plan->picture.target = target;
    if (!as_is && !same_but_packed(source, target))
        vd_warn(notes, "pictures are %s: encoded as %s", av_get_pix_fmt_name(source), av_get_pix_fmt_name(target));
    if (plan->matrix == AVCOL_SPC_RGB) {
        plan->matrix = vd_matrix_resolve(plan->matrix, first->width, first->height);
        plan->range = AVCOL_RANGE_MPEG;
    }
    return 0;
}

static int round_up(int size, int step)
{
    return (size + step - 1) / step * step;
}

static void choose_size(struct vd_plan *plan, const AVFrame *first, struct vd_notes *notes)
{
    struct vd_picture *picture = &plan->picture;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(picture->target);
    int fields = plan->interlaced ? 2 : 1;
    picture->width = first->width;
    picture->height = first->height;
    picture->padded_width = round_up(first->width, 1 << desc->log2_chroma_w);
    picture->padded_height = round_up(first->height, (1 << desc->log2_chroma_h) * fields);
    picture->row_step = fields;
    if (picture->padded_width != first->width || picture->padded_height != first->height)
        vd_warn(notes, "%dx%d cannot be coded: the last column or row is repeated, the output is %dx%d", first->width,
                first->height, picture->padded_width, picture->padded_height);
}

static void choose_clock(struct vd_plan *plan, const struct vd_source *source, struct vd_notes *notes)
{
    AVRational from = source->video->time_base;
    int ticks = plan->container->ticks;
    if (!ticks)
        for (ticks = FFMIN(from.den, TICKS_MAX); ticks < TICKS_MIN;)
            ticks *= 2;
    if (ticks % from.den)
        vd_warn(notes, "%s keeps times to 1/%d s", plan->container->name, ticks);
    plan->time_base = (AVRational){1, ticks};
    plan->frame_rate = av_guess_frame_rate(source->format, source->video, NULL);
    if (plan->frame_rate.num <= 0 || plan->frame_rate.den <= 0)
        plan->frame_rate = (AVRational){25, 1};
}

/* Times before zero are where an mp4 hides what leads in. A recording that begins there is moved as a whole; sound that
 * leads in (priming, which the input hides too) does not count. */
static void choose_shift(struct vd_plan *plan, const struct vd_source *source, const AVFrame *first,
                         struct vd_notes *notes)
{
    bool hides = strstr(source->format->iformat->name, "mp4");
    int64_t begin = 0;
    if (first->best_effort_timestamp != AV_NOPTS_VALUE)
        begin = FFMIN(0, av_rescale_q(first->best_effort_timestamp, source->video->time_base, plan->time_base));
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        const AVStream *stream = source->format->streams[i];
        bool sound = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
        if (sound && !hides && !stream->codecpar->initial_padding && stream->start_time != AV_NOPTS_VALUE)
            begin = FFMIN(begin, av_rescale_q(stream->start_time, stream->time_base, plan->time_base));
    }
    plan->shift = -begin;
    if (plan->shift)
        vd_warn(notes, "the recording begins %.3f s before zero: all of it is moved by that",
                (double)plan->shift * av_q2d(plan->time_base));
}

static int choose_effect(struct vd_plan *plan, const struct vd_job *job, struct vd_err *err)
{
    const struct vd_picture *picture = &plan->picture;
    bool full = plan->range == AVCOL_RANGE_JPEG;
    enum AVColorSpace matrix = vd_matrix_resolve(plan->matrix, picture->width, picture->height);
    enum vd_edge left = vd_edge_left(plan->rotated ? plan->display_matrix : NULL);
    struct vd_layout layout = vd_layout_of(picture->target, picture->width, picture->height, full, matrix, left);
    plan->converted = (struct vd_converted){picture->source, picture->width, picture->height, matrix, full};
    return vd_effect_plan(&plan->effect, &job->recipe.effect, &layout, err);
}

int vd_plan_make(struct vd_plan *plan, const struct vd_job *job, enum vd_family family, const struct vd_source *source,
                 const AVFrame *first, struct vd_notes *notes, struct vd_err *err)
{
    *plan = (struct vd_plan){.first = first};
    take_tags(plan, source, first);
    take_side_data(plan, source, first, notes);
    plan->container = vd_container_choose(job, source, plan->rotated, notes, err);
    if (!plan->container || choose_encoder(plan, job, family, first, notes, err) < 0 ||
        choose_format(plan, first, notes, err) < 0)
        return -1;
    choose_size(plan, first, notes);
    choose_clock(plan, source, notes);
    choose_shift(plan, source, first, notes);
    return choose_effect(plan, job, err);
}
