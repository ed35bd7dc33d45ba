/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *or_default(const char *said, const char *usual)
{
    return said ? said : usual;
}

bool result_says(const struct run *run, const char *array, const char *part)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_object_get(run->result, array), i, entry)
        if (json_is_string(entry) && strcasestr(json_string_value(entry), part))
            return true;
    return false;
}

/* ---- the result document ---- */

/* "output.frames" and the like. */
static json_t *at(const struct run *run, const char *path)
{
    json_t *value = run->result;
    for (const char *word = path; value && word;) {
        size_t length = strcspn(word, ".");
        char key[64];
        snprintf(key, sizeof(key), "%.*s", (int)length, word);
        value = json_object_get(value, key);
        word = word[length] ? word + length + 1 : NULL;
    }
    return value;
}

static void want_text(struct run *run, const char *path, const char *wanted)
{
    const char *got = json_string_value(at(run, path));
    if (!got || strcmp(got, wanted) != 0)
        complain(run, "result: %s is %s, wanted %s", path, got ? got : "no text", wanted);
}

static void want_number(struct run *run, const char *path, long long wanted)
{
    json_t *value = at(run, path);
    if (!json_is_integer(value) || json_integer_value(value) != wanted)
        complain(run, "result: %s is %lld, wanted %lld", path, (long long)json_integer_value(value), wanted);
}

/* What a muxer writes about itself is not the recording's: it may go without a word, and with one. */
static const char *const muxers_tags[] = {"major_brand", "minor_version", "compatible_brands", "encoder", "software"};

static bool about_muxers_tag(const char *text)
{
    for (size_t i = 0; i < sizeof(muxers_tags) / sizeof(*muxers_tags); i++)
        if (strcasestr(text, muxers_tags[i]))
            return true;
    return false;
}

static void want_said(struct run *run, const char *array, const char *wanted, bool any)
{
    size_t count = 0, i;
    json_t *entry;
    json_array_foreach (json_object_get(run->result, array), i, entry)
        count += !json_is_string(entry) || !about_muxers_tag(json_string_value(entry));
    if (wanted && !result_says(run, array, wanted))
        complain(run, "result: %s does not name \"%s\"", array, wanted);
    if (!wanted && !any && count)
        complain(run, "result: %s should be empty", array);
}

void check_result(struct run *run)
{
    want_text(run, "schema", "vidriera.result.v1");
    want_text(run, "status", "completed");
    want_text(run, "input.path", run->row->input);
    want_number(run, "input.frames", (long long)run->in.video.count);
    want_text(run, "input.video.codec", run->in.video.codec);
    want_number(run, "input.video.width", run->in.video.width);
    want_number(run, "input.video.height", run->in.video.height);
    want_text(run, "output.path", run->output);
    want_number(run, "output.frames", (long long)run->out.video.count);
    want_number(run, "output.width", run->out.video.width);
    want_number(run, "output.height", run->out.video.height);
    want_text(run, "output.codec", run->out.video.codec);
    struct stat st;
    if (stat(folder_path(&run->folder, run->output), &st) == 0)
        want_number(run, "output.bytes", (long long)st.st_size);

    if (!json_is_true(at(run, "verify.frames_match")))
        complain(run, "result: verify.frames_match is not true");
    if (!json_is_true(at(run, "verify.audio_identical")))
        complain(run, "result: verify.audio_identical is not true");
    double frame_s = run->in.video.rate.num ? 1 / av_q2d(run->in.video.rate) : 1;
    if (fabs(json_number_value(at(run, "verify.duration_drift_s"))) > frame_s)
        complain(run, "result: verify.duration_drift_s is more than a frame");
    if (json_number_value(at(run, "metrics.peak_rss_bytes")) < 1e6)
        complain(run, "result: metrics.peak_rss_bytes is no size of a process");

    want_said(run, "warnings", run->row->warning, run->row->except & WARNINGS);
    want_said(run, "dropped", run->row->dropped, false);
}

/* ---- container and streams ---- */

static void want_same_name(struct run *run, const char *what, const char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0)
        complain(run, "%s: %s, wanted %s", what, got, wanted);
}

/* yuvj is an old way to say full range, and FFmpeg's H.264 decoder still says it. */
static const char *plain_format(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return "yuv420p";
    case AV_PIX_FMT_YUVJ422P:
        return "yuv422p";
    case AV_PIX_FMT_YUVJ444P:
        return "yuv444p";
    default:
        return av_get_pix_fmt_name(format);
    }
}

void check_container(struct run *run)
{
    const struct seen *in = &run->in, *out = &run->out;
    const char *container = or_default(run->row->container, "mp4");
    const char *codec = or_default(run->row->codec, "h264");
    want_same_name(run, "container", out->container, container);
    want_same_name(run, "codec", out->video.codec, codec);
    want_same_name(run, "format", plain_format(out->video.format), or_default(run->row->format, "yuv420p"));
    if (strcmp(container, "mkv") != 0 && !out->index_first)
        complain(run, "the index is not in front");
    if (strcmp(container, "mkv") != 0 && !strcmp(codec, "hevc") && strcmp(out->video.tag, "hvc1") != 0)
        complain(run, "HEVC is tagged %s, wanted hvc1", out->video.tag);

    bool dropped = json_array_size(json_object_get(run->result, "dropped"));
    if (in->pictures && !out->pictures && !dropped)
        complain(run, "the cover left without a word");
    /* mp4 keeps chapters in a data track of their own, which comes and goes with them. */
    if (in->others > out->others && !in->chapter_count && !dropped)
        complain(run, "a data track or attachment left without a word");
    if (in->more_videos > out->more_videos && !dropped)
        complain(run, "a second video left without a word");
    if (out->more_videos > in->more_videos || out->audios > in->audios || out->subtitles > in->subtitles)
        complain(run, "there is a stream that was not in the input");
}

/* ---- pictures ---- */

static double seconds(int64_t time, AVRational base)
{
    return (double)time * av_q2d(base);
}

/* Times in Matroska are whole milliseconds; mp4 and mov take the clock of the input. */
static double time_tolerance(const struct run *run)
{
    bool coarse = !strcmp(run->out.container, "mkv") && strcmp(run->in.container, "mkv") != 0;
    return coarse ? 0.00051 : 0;
}

static bool same_time(int64_t a, AVRational a_base, int64_t b, AVRational b_base, double tolerance)
{
    return av_compare_ts(a, a_base, b, b_base) == 0 || fabs(seconds(a, a_base) - seconds(b, b_base)) <= tolerance;
}

/* What the contract calls the time of frame i: its own, or for want of one the end of the frame before. */
static int64_t wanted_time(const struct seen_video *video, size_t i, int64_t previous, double *tolerance)
{
    const struct seen_frame *frame = &video->frames[i];
    if (frame->time != AV_NOPTS_VALUE)
        return frame->time;
    if (!i)
        return 0;
    int64_t duration = video->frames[i - 1].duration;
    if (duration <= 0 && video->rate.num)
        duration = av_rescale_q(1, av_inv_q(video->rate), video->time_base);
    *tolerance = 1.01 * av_q2d(video->time_base); /* a duration need not be whole ticks */
    return previous + duration;
}

/* Complains about the first frame that is wrong, not about the hundred after it. */
static void check_times(struct run *run, size_t count)
{
    const struct seen_video *in = &run->in.video, *out = &run->out.video;
    double tolerance = time_tolerance(run);
    int64_t wanted = 0, first = 0, highest = INT64_MIN, out_first = out->frames[0].time;
    bool shifted = run->row->except & START;
    for (size_t i = 0; i < count; i++) {
        double slack = tolerance;
        wanted = wanted_time(in, i, wanted, &slack);
        if (!i)
            first = wanted;
        int64_t got = out->frames[i].time;
        if (i && got <= out->frames[i - 1].time) {
            complain(run, "the time of frame %zu does not rise", i);
            return;
        }
        bool rises = wanted > highest;
        highest = FFMAX(highest, wanted);
        if (!rises && run->row->except & REPAIRED)
            continue;
        if (!same_time(wanted - (shifted ? first : 0), in->time_base, got - (shifted ? out_first : 0), out->time_base,
                       slack)) {
            complain(run, "frame %zu is at %.6f s, wanted %.6f s", i, seconds(got, out->time_base),
                     seconds(wanted, in->time_base));
            return;
        }
    }
}

static void check_fields(struct run *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct seen_frame *in = &run->in.video.frames[i], *out = &run->out.video.frames[i];
        if (in->interlaced != out->interlaced || (in->interlaced && in->top_first != out->top_first)) {
            complain(run, "frame %zu is %s %s field first, wanted %s %s field first", i,
                     out->interlaced ? "interlaced" : "progressive", out->top_first ? "top" : "bottom",
                     in->interlaced ? "interlaced" : "progressive", in->top_first ? "top" : "bottom");
            return;
        }
    }
}

/* Most codecs have no word for "limited": a stream that tells nothing is limited, unless its format is named yuvj. */
static bool full_range(const struct seen_video *video)
{
    return video->range == AVCOL_RANGE_JPEG ||
           (video->range == AVCOL_RANGE_UNSPECIFIED && strstr(av_get_pix_fmt_name(video->format), "yuvj"));
}

/* Within the fixed-point numbers that codecs write: AV1's are the coarsest, 1/65536 and 1/16384 cd/m2. */
static bool near(AVRational a, AVRational b)
{
    return fabs(av_q2d(a) - av_q2d(b)) <= 1.0 / 16384 + 1e-4 * fabs(av_q2d(a));
}

static bool same_display(const AVMasteringDisplayMetadata *a, const AVMasteringDisplayMetadata *b)
{
    for (int i = 0; i < 3; i++)
        if (!near(a->display_primaries[i][0], b->display_primaries[i][0]) ||
            !near(a->display_primaries[i][1], b->display_primaries[i][1]))
            return false;
    return near(a->white_point[0], b->white_point[0]) && near(a->white_point[1], b->white_point[1]) &&
           near(a->max_luminance, b->max_luminance) && near(a->min_luminance, b->min_luminance);
}

static void check_tags(struct run *run)
{
    const struct seen_video *in = &run->in.video, *out = &run->out.video;
    if (full_range(in) != full_range(out))
        complain(run, "range: %s, wanted %s", av_color_range_name(out->range), av_color_range_name(in->range));
    if (in->space != out->space)
        complain(run, "matrix: %s, wanted %s", av_color_space_name(out->space), av_color_space_name(in->space));
    if (in->primaries != out->primaries)
        complain(run, "primaries: %s, wanted %s", av_color_primaries_name(out->primaries),
                 av_color_primaries_name(in->primaries));
    if (in->transfer != out->transfer)
        complain(run, "transfer: %s, wanted %s", av_color_transfer_name(out->transfer),
                 av_color_transfer_name(in->transfer));
    if (in->mastering && (!out->mastering || !same_display(in->mastering, out->mastering)))
        complain(run, "HDR: the mastering display is not as it was");
    if (in->light &&
        (!out->light || in->light->MaxCLL != out->light->MaxCLL || in->light->MaxFALL != out->light->MaxFALL))
        complain(run, "HDR: the content light level is not as it was");
}

static void check_shape(struct run *run)
{
    const struct seen_video *in = &run->in.video, *out = &run->out.video;
    AVRational a = in->sample_aspect.num ? in->sample_aspect : (AVRational){1, 1};
    AVRational b = out->sample_aspect.num ? out->sample_aspect : (AVRational){1, 1};
    if (av_cmp_q(a, b) != 0)
        complain(run, "sample aspect %d:%d, wanted %d:%d", b.num, b.den, a.num, a.den);
    for (int i = 0; i < 6; i++) /* the rest only moves the picture back to the origin */
        if (i % 3 != 2 && in->matrix[i] != out->matrix[i]) {
            complain(run, "the display matrix is not as it was");
            return;
        }
}

void check_picture(struct run *run)
{
    const struct seen_video *in = &run->in.video, *out = &run->out.video;
    size_t count = FFMIN(in->count, out->count);
    if (in->count != out->count)
        complain(run, "%zu frames, wanted %zu", out->count, in->count);
    if (out->errors)
        complain(run, "the judge's decoder complains about the output");
    if (!count)
        return;
    if (!(run->row->except & TIMES))
        check_times(run, count);
    if (!(run->row->except & FIELDS))
        check_fields(run, count);
    if (!(run->row->except & COLOUR))
        check_colours(run);
    if (!(run->row->except & TAGS))
        check_tags(run);
    if (!(run->row->except & SHAPE))
        check_shape(run);
}

/* ---- sound ---- */

static bool same_packets(const struct run *run, const struct seen_audio *in, const struct seen_audio *out)
{
    if (in->count == out->count && !memcmp(in->digest, out->digest, sizeof(in->digest)))
        return true;
    return run->row->except & LOSS && !memcmp(in->whole_digest, out->digest, sizeof(in->digest));
}

/* mp4 has one name for MPEG audio of every layer; FFmpeg reads it as mp3. */
static const char *layer(const char *codec)
{
    return !strcmp(codec, "mp2") ? "mp3" : codec;
}

static void check_track(struct run *run, size_t i)
{
    const struct seen_audio *in = &run->in.audio[i], *out = &run->out.audio[i];
    if (strcmp(layer(in->codec), layer(out->codec)) != 0)
        complain(run, "audio %zu: %s, wanted %s", i, out->codec, in->codec);
    if (!same_packets(run, in, out))
        complain(run, "audio %zu: %zu packets, not the %zu of the input", i, out->count, in->count);
    if (run->in.video.frames[0].time == AV_NOPTS_VALUE || !in->count || !out->count)
        return;
    double was = seconds(in->first, in->time_base) - seconds(run->in.video.frames[0].time, run->in.video.time_base);
    double is = seconds(out->first, out->time_base) - seconds(run->out.video.frames[0].time, run->out.video.time_base);
    double tick = !strcmp(run->out.container, "mkv") ? 0.00101 : 1.01 * av_q2d(out->time_base);
    if (fabs(was - is) > tick)
        complain(run, "audio %zu begins %.6f s after the picture, wanted %.6f s", i, is, was);
}

void check_sound(struct run *run)
{
    bool may_lack = run->row->except & AUDIO && run->row->dropped;
    if (run->in.audios != run->out.audios && !may_lack)
        complain(run, "%zu audio streams, wanted %zu", run->out.audios, run->in.audios);
    if (run->row->except & AUDIO || !run->out.video.count)
        return;
    for (size_t i = 0; i < FFMIN(run->in.audios, run->out.audios); i++)
        check_track(run, i);
}

/* ---- text ---- */

static bool close_to(double a, double b)
{
    return fabs(a - b) < 0.0015; /* milliseconds are the finest that text formats have */
}

static void check_lines(struct run *run)
{
    const struct seen *in = &run->in, *out = &run->out;
    if (in->subtitles != out->subtitles || in->line_count != out->line_count) {
        complain(run, "%zu subtitle streams with %zu lines, wanted %zu with %zu", out->subtitles, out->line_count,
                 in->subtitles, in->line_count);
        return;
    }
    double shift = run->row->except & START ? in->start_s - out->start_s : 0;
    for (size_t i = 0; i < in->line_count; i++) {
        const struct seen_line *a = &in->lines[i], *b = &out->lines[i];
        if (a->stream != b->stream || strcmp(a->text, b->text) != 0)
            complain(run, "subtitle line %zu is \"%s\", wanted \"%s\"", i, b->text, a->text);
        if (!close_to(a->start_s, b->start_s + shift) || !close_to(a->end_s, b->end_s + shift))
            complain(run, "subtitle line %zu is at %.3f-%.3f s, wanted %.3f-%.3f s", i, b->start_s, b->end_s,
                     a->start_s, a->end_s);
    }
}

static void check_chapters(struct run *run)
{
    const struct seen *in = &run->in, *out = &run->out;
    if (in->chapter_count != out->chapter_count) {
        complain(run, "%zu chapters, wanted %zu", out->chapter_count, in->chapter_count);
        return;
    }
    for (size_t i = 0; i < in->chapter_count; i++) {
        const struct seen_chapter *a = &in->chapters[i], *b = &out->chapters[i];
        if (strcmp(a->title, b->title) != 0 || !close_to(a->start_s, b->start_s))
            complain(run, "chapter %zu is \"%s\" at %.3f s, wanted \"%s\" at %.3f s", i, b->title, b->start_s, a->title,
                     a->start_s);
    }
}

/* The first second of 1970 is how mp4 says that it does not know; FFmpeg's muxers then write nothing. */
static bool says_nothing(const AVDictionaryEntry *tag)
{
    return about_muxers_tag(tag->key) ||
           (!strcmp(tag->key, "creation_time") && !strncmp(tag->value, "1970-01-01T00:00:00", 19));
}

static void check_metadata(struct run *run)
{
    const AVDictionaryEntry *tag = NULL;
    while ((tag = av_dict_get(run->in.metadata, "", tag, AV_DICT_IGNORE_SUFFIX))) {
        const AVDictionaryEntry *kept = av_dict_get(run->out.metadata, tag->key, NULL, 0);
        if (!says_nothing(tag) && (!kept || strcmp(kept->value, tag->value) != 0) &&
            !result_says(run, "dropped", tag->key))
            complain(run, "metadata: %s is \"%s\", wanted \"%s\"", tag->key, kept ? kept->value : "", tag->value);
    }
    for (size_t i = 0; i < FFMIN(run->in.audios, run->out.audios); i++)
        want_same_name(run, "language of an audio stream", run->out.audio[i].language, run->in.audio[i].language);
    for (size_t i = 0; i < FFMIN(run->in.subtitles, run->out.subtitles); i++)
        want_same_name(run, "language of a subtitle stream", run->out.subtitle_language[i],
                       run->in.subtitle_language[i]);
}

void check_text(struct run *run)
{
    if (!(run->row->except & TEXT)) {
        check_lines(run);
        check_chapters(run);
    }
    if (!(run->row->except & METADATA))
        check_metadata(run);
}
