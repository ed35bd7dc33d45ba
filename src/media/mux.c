/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mux.h"

#include "compat.h"
#include "io.h"

#include <libavutil/mathematics.h>
#include <limits.h>

static int fail_mux(struct vd_mux *mux, int code, const char *doing, struct vd_err *err)
{
    int system = vd_io_errno(mux->io);
    if (system)
        return vd_fail(err, VD_IO, "mux", "the output cannot be written: %s; %s", strerror(system),
                       system == ENOSPC ? "free some space" : "check the disk");
    if (code == AVERROR(ERANGE))
        return vd_fail(err, VD_INPUT, "mux", "a pause in the recording is longer than %s can tell; use -o x.mkv",
                       mux->plan->container->name);
    if (code == AVERROR(ENOMEM))
        return vd_fail(err, VD_INPUT, "mux", "no memory for the output's index; raise --max-memory");
    return vd_fail(err, VD_INPUT, "mux", "%s %s: %s; try another container (-o x.%s)", mux->plan->container->name,
                   doing, av_err2str(code), mux->plan->container->ticks ? "mp4" : "mkv");
}

/* What describes the container itself, or statistics that are no longer true. */
static void drop_stale_tags(AVDictionary **tags)
{
    static const char *const stale[] = {"major_brand", "minor_version", "compatible_brands", "encoder",        "rotate",
                                        "DURATION",    "BPS",           "NUMBER_OF_FRAMES",  "NUMBER_OF_BYTES"};
    const AVDictionaryEntry *tag = NULL;
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
        av_dict_set(tags, stale[i], NULL, 0);
    tag = av_dict_get(*tags, "language", NULL, 0);
    if (tag && !strcmp(tag->value, "und"))
        av_dict_set(tags, "language", NULL, 0);
    /* the beginning of time is how containers write "not set" */
    tag = av_dict_get(*tags, "creation_time", NULL, 0);
    if (tag && !strncmp(tag->value, "1970-01-01T00:00:00", 19))
        av_dict_set(tags, "creation_time", NULL, 0);
    tag = NULL;
    while ((tag = av_dict_get(*tags, "_STATISTICS_", NULL, AV_DICT_IGNORE_SUFFIX)))
        av_dict_set(tags, tag->key, NULL, 0);
}

static int copy_chapters(AVFormatContext *out, const AVFormatContext *in)
{
    if (!in->nb_chapters)
        return 0;
    out->chapters = av_calloc(in->nb_chapters, sizeof *out->chapters);
    if (!out->chapters)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < in->nb_chapters; i++) {
        AVChapter *chapter = av_mallocz(sizeof *chapter);
        if (!chapter)
            return AVERROR(ENOMEM);
        *chapter = *in->chapters[i];
        chapter->metadata = NULL;
        out->chapters[out->nb_chapters++] = chapter;
        if (av_dict_copy(&chapter->metadata, in->chapters[i]->metadata, 0) < 0)
            return AVERROR(ENOMEM);
    }
    return 0;
}

static int copy_side_data(AVStream *out, const struct vd_plan *plan, const AVStream *in)
{
    static const enum AVPacketSideDataType kept[] = {AV_PKT_DATA_SPHERICAL, AV_PKT_DATA_STEREO3D};
    int ret = 0;
    if (plan->rotated)
        ret = vd_stream_add_side_data(out, AV_PKT_DATA_DISPLAYMATRIX, plan->display_matrix,
                                      sizeof plan->display_matrix);
    if (ret >= 0 && plan->hdr.mastering)
        ret = vd_stream_add_side_data(out, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, plan->hdr.mastering,
                                      plan->hdr.mastering_size);
    if (ret >= 0 && plan->hdr.light)
        ret = vd_stream_add_side_data(out, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, plan->hdr.light, plan->hdr.light_size);
    for (size_t i = 0; ret >= 0 && i < sizeof kept / sizeof *kept; i++) {
        size_t size;
        const uint8_t *data = vd_stream_side_data(in, kept[i], &size);
        if (data)
            ret = vd_stream_add_side_data(out, kept[i], data, size);
    }
    return ret;
}

static void name_lost_side_data(const AVStream *in, struct vd_notes *notes)
{
    size_t size;
    if (vd_stream_side_data(in, AV_PKT_DATA_DOVI_CONF, &size))
        vd_dropped(notes, "Dolby Vision metadata: it does not survive a new encoding");
    if (vd_stream_side_data(in, AV_PKT_DATA_ICC_PROFILE, &size))
        vd_dropped(notes, "ICC colour profile: the encoders take none");
}

static int add_video(struct vd_mux *mux, const struct vd_source *source, const AVCodecContext *encoder)
{
    AVStream *stream = avformat_new_stream(mux->format, NULL);
    if (!stream)
        return AVERROR(ENOMEM);
    int ret = avcodec_parameters_from_context(stream->codecpar, encoder);
    if (ret >= 0)
        ret = av_dict_copy(&stream->metadata, source->video->metadata, 0);
    if (ret >= 0)
        ret = copy_side_data(stream, mux->plan, source->video);
    stream->time_base = mux->plan->time_base;
    stream->avg_frame_rate = mux->plan->frame_rate;
    stream->r_frame_rate = mux->plan->frame_rate;
    stream->sample_aspect_ratio = mux->plan->sample_aspect_ratio;
    stream->disposition = source->video->disposition;
    mux->video = stream;
    return ret;
}

static bool is_attached(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT || stream->disposition & AV_DISPOSITION_ATTACHED_PIC;
}

/* Streams keep their order, players and scripts choose by number; but what is attached comes last, as it will when the
 * file is read again. */
static int add_streams(struct vd_mux *mux, const struct vd_source *source, const AVCodecContext *encoder, bool attached,
                       struct vd_err *err)
{
    for (int i = 0; i < mux->carries; i++) {
        const AVStream *in = source->format->streams[i];
        if (is_attached(in) != attached)
            continue;
        int ret = i == mux->video_index ? add_video(mux, source, encoder)
                                        : vd_carry_open(&mux->carry[i], mux->format, mux->plan, in, mux->notes, err);
        if (ret < 0)
            return err->code ? -1 : fail_mux(mux, ret, "cannot take a stream", err);
    }
    return 0;
}

static int64_t lcm(int64_t a, int64_t b)
{
    return a / av_gcd(a, b) * b;
}

/*
 * QuickTime counts the start of a track in ticks of the movie's clock, milliseconds unless told otherwise. Where a
 * stream starts late, the clock must be one that hits every start exactly.
 */
static int64_t movie_clock(const struct vd_mux *mux, const struct vd_source *source)
{
    int64_t ticks = mux->plan->time_base.den;
    bool late = mux->plan->shift > 0;
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        const AVStream *in = source->format->streams[i];
        late = late || (in->start_time != AV_NOPTS_VALUE && in->start_time > 0);
        if (in->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && in->codecpar->sample_rate > 0)
            ticks = lcm(ticks, in->codecpar->sample_rate);
        if (ticks > INT_MAX)
            return mux->plan->time_base.den;
    }
    return late ? ticks : 1000;
}

static int write_header(struct vd_mux *mux, const struct vd_source *source)
{
    AVDictionary *options = NULL;
    if (!mux->plan->container->ticks) {
        av_dict_set(&options, "movflags", "+faststart", 0);
        av_dict_set_int(&options, "movie_timescale", movie_clock(mux, source), 0);
        av_dict_set_int(&options, "video_track_timescale", mux->plan->time_base.den, 0);
    }
    mux->format->flags |= AVFMT_FLAG_AUTO_BSF;
    int ret = avformat_write_header(mux->format, &options);
    av_dict_free(&options);
    return ret;
}

int vd_mux_open(struct vd_mux *mux, const struct vd_plan *plan, const struct vd_source *source,
                const AVCodecContext *encoder, int fd, atomic_llong *moved, struct vd_notes *notes, struct vd_err *err)
{
    *mux = (struct vd_mux){.plan = plan, .notes = notes, .video_index = source->video->index};
    mux->carry = av_calloc(source->format->nb_streams, sizeof *mux->carry);
    mux->io = vd_io_writer(fd, moved);
    int ret = avformat_alloc_output_context2(&mux->format, NULL, plan->container->muxer, NULL);
    if (!mux->carry || !mux->io || ret < 0)
        return fail_mux(mux, AVERROR(ENOMEM), "cannot start", err);
    mux->carries = (int)source->format->nb_streams;
    mux->format->pb = mux->io;
    vd_io_guard(mux->format);
    if (av_dict_copy(&mux->format->metadata, source->format->metadata, 0) < 0 ||
        copy_chapters(mux->format, source->format) < 0)
        return fail_mux(mux, AVERROR(ENOMEM), "cannot take metadata", err);
    drop_stale_tags(&mux->format->metadata);
    name_lost_side_data(source->video, notes);
    if (add_streams(mux, source, encoder, false, err) < 0 || add_streams(mux, source, encoder, true, err) < 0)
        return -1;
    for (unsigned i = 0; i < mux->format->nb_streams; i++)
        drop_stale_tags(&mux->format->streams[i]->metadata);
    ret = write_header(mux, source);
    return ret < 0 ? fail_mux(mux, ret, "cannot hold these streams", err) : 0;
}

void vd_tally_add(struct vd_tally *tally, int64_t pts, int64_t duration)
{
    if (!tally->packets || pts < tally->first)
        tally->first = pts;
    if (!tally->packets || pts > tally->last) {
        tally->last = pts;
        tally->last_duration = duration;
    }
    tally->packets++;
    tally->sum += (uint64_t)pts;
    tally->squares += (uint64_t)pts * (uint64_t)pts;
}

/* One packet of the picture is held back: the last one is changed before it is written. Takes packet. */
static int write_picture(struct vd_mux *mux, AVPacket *packet)
{
    AVPacket *ready = mux->held;
    packet->stream_index = mux->video->index;
    av_packet_rescale_ts(packet, mux->plan->time_base, mux->video->time_base);
    if (!mux->tally.packets)
        mux->first_dts = packet->dts;
    vd_tally_add(&mux->tally, packet->pts, packet->duration);
    mux->held = packet;
    if (ready && !mux->plan->container->ticks && packet->dts - ready->dts > INT_MAX) {
        av_packet_free(&ready);
        return AVERROR(ERANGE);
    }
    int ret = ready ? av_interleaved_write_frame(mux->format, ready) : 0;
    av_packet_free(&ready);
    return ret;
}

/* A clock that a pause overruns is the recording's; else it is what the encoder made that the container refuses. */
static int fail_picture(struct vd_mux *mux, int code, struct vd_err *err)
{
    bool software = mux->plan->family == VD_FAMILY_SOFTWARE;
    if (software || vd_io_errno(mux->io) || code == AVERROR(ERANGE) || code == AVERROR(ENOMEM))
        return fail_mux(mux, code, "refuses a packet", err);
    return vd_fail(err, VD_DEFECT, "mux", "%s refuses a picture of %s: %s; use another --device",
                   mux->plan->container->name, mux->plan->encoder->name, av_err2str(code));
}

/* An mp4 track ends where its last packet in decoding order does, which need not be the one that is shown last: that one
 * is made to last until the end of all. */
static int write_last_picture(struct vd_mux *mux)
{
    const struct vd_tally *tally = &mux->tally;
    AVPacket *last = mux->held;
    if (!last)
        return 0;
    int64_t shown = tally->last + tally->last_duration - tally->first;
    last->duration = FFMAX(1, shown - (last->dts - mux->first_dts));
    int ret = av_interleaved_write_frame(mux->format, last);
    av_packet_free(&mux->held);
    return ret;
}

int vd_mux_write(struct vd_mux *mux, AVPacket *packet, struct vd_err *err)
{
    int ret = 0;
    if (packet->stream_index == mux->video_index) {
        ret = write_picture(mux, packet);
        if (ret < 0)
            return fail_picture(mux, ret, err);
    } else {
        if (packet->stream_index < mux->carries)
            ret = vd_carry_packet(&mux->carry[packet->stream_index], packet, mux->plan, &mux->repaired);
        else
            mux->late++;
        if (ret > 0)
            ret = av_interleaved_write_frame(mux->format, packet);
        av_packet_free(&packet);
    }
    return ret < 0 ? fail_mux(mux, ret, "refuses a packet", err) : 0;
}

int vd_mux_end(struct vd_mux *mux, struct vd_err *err)
{
    int ret = write_last_picture(mux);
    if (ret < 0)
        return fail_picture(mux, ret, err);
    ret = av_write_trailer(mux->format);
    avio_flush(mux->io);
    if (ret >= 0)
        ret = mux->io->error;
    if (ret < 0)
        return fail_mux(mux, ret, "cannot be finished", err);
    int64_t damaged = 0;
    for (int i = 0; i < mux->carries; i++) {
        damaged += mux->carry[i].damaged;
        if (vd_carry_vanishes(&mux->carry[i], mux->plan))
            vd_dropped(mux->notes, "audio stream %d (%s): it holds nothing", i,
                       avcodec_get_name(mux->carry[i].in->codecpar->codec_id));
    }
    if (mux->repaired)
        vd_warn(mux->notes, "%lld times of sound or subtitles did not rise: repaired by the smallest shift",
                (long long)mux->repaired);
    if (damaged)
        vd_warn(mux->notes, "%lld damaged packets of sound or subtitles are lost", (long long)damaged);
    if (mux->late)
        vd_dropped(mux->notes, "%lld packets of streams that turned up after the start", (long long)mux->late);
    return 0;
}

void vd_mux_close(struct vd_mux *mux)
{
    for (int i = 0; i < mux->carries; i++)
        vd_carry_close(&mux->carry[i]);
    av_packet_free(&mux->held);
    av_freep(&mux->carry);
    mux->carries = 0;
    if (mux->format)
        mux->format->pb = NULL;
    avformat_free_context(mux->format);
    mux->format = NULL;
    vd_io_free(&mux->io);
}
