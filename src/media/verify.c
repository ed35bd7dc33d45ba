/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify.h"

#include "io.h"

#include <math.h>

/* Two roundings to Matroska's millisecond. */
#define LAG_MAX_S 0.002

/* One sound stream of the finished file. */
struct heard {
    XXH3_state_t *hash;
    int64_t bytes, first_pts;
};

struct reading {
    AVFormatContext *format;
    AVIOContext *io;
    struct heard *heard; /* one a stream of the file */
    int *place;          /* where an output stream is found in the file; -1: a track without packets, left out */
    int video;           /* the same for the picture */
    struct vd_tally seen;
};

static int fail_read(const struct reading *reading, int code, struct vd_err *err)
{
    int system = vd_io_errno(reading->io);
    if (system)
        return vd_fail(err, VD_IO, "verify", "the output cannot be read back: %s; check the disk", strerror(system));
    return vd_fail(err, VD_DEFECT, "verify", "the output cannot be read back: %s; report this", av_err2str(code));
}

static void reading_close(struct reading *reading)
{
    for (unsigned i = 0; reading->heard && i < reading->format->nb_streams; i++)
        XXH3_freeState(reading->heard[i].hash);
    av_free(reading->heard);
    av_free(reading->place);
    avformat_close_input(&reading->format);
    vd_io_free(&reading->io);
}

/* Where a sound stream is found in the file; -1: it is none, or not there. */
static int place_of(const struct reading *reading, const struct vd_carry *carry)
{
    return carry->out && carry->hash ? reading->place[carry->out->index] : -1;
}

/* The file has the output's streams in their order, but for those that vanish. */
static int find_places(struct reading *reading, const struct vd_mux *mux)
{
    int at = 0, count = (int)mux->format->nb_streams;
    reading->place = av_malloc_array(mux->format->nb_streams, sizeof *reading->place);
    if (!reading->place)
        return -1;
    for (int i = 0; i < count; i++)
        reading->place[i] = at++;
    for (int i = 0; i < mux->carries; i++) {
        if (!mux->carry[i].out || !vd_carry_vanishes(&mux->carry[i], mux->plan))
            continue;
        reading->place[mux->carry[i].out->index] = -1;
        for (int later = mux->carry[i].out->index + 1; later < count; later++)
            reading->place[later] -= reading->place[later] >= 0;
    }
    reading->video = reading->place[mux->video->index];
    for (int i = 0; i < mux->carries; i++)
        if (place_of(reading, &mux->carry[i]) >= (int)reading->format->nb_streams)
            return -1;
    return reading->video < (int)reading->format->nb_streams ? 0 : -1;
}

static int reading_open(struct reading *reading, const struct vd_mux *mux, int fd, atomic_llong *moved)
{
    bool mkv = !strcmp(mux->plan->container->name, "mkv");
    const AVInputFormat *demuxer = av_find_input_format(mkv ? "matroska" : "mov");
    AVDictionary *options = NULL;
    *reading = (struct reading){.io = vd_io_reader(fd, moved), .format = avformat_alloc_context()};
    if (!reading->io || !reading->format)
        return AVERROR(ENOMEM);
    vd_io_guard(reading->format);
    reading->format->pb = reading->io;
    if (!mkv) /* offsets count, but nothing that was written may be hidden */
        av_dict_set(&options, "advanced_editlist", "0", 0);
    int ret = avformat_open_input(&reading->format, NULL, demuxer, &options);
    av_dict_free(&options);
    if (ret < 0)
        return ret;
    if (find_places(reading, mux) < 0)
        return AVERROR_STREAM_NOT_FOUND;
    reading->heard = av_calloc(reading->format->nb_streams, sizeof *reading->heard);
    for (unsigned i = 0; reading->heard && i < reading->format->nb_streams; i++) {
        struct heard *heard = &reading->heard[i];
        heard->first_pts = AV_NOPTS_VALUE;
        heard->hash = XXH3_createState();
        if (!heard->hash || XXH3_128bits_reset(heard->hash) != XXH_OK)
            return AVERROR(ENOMEM);
    }
    return reading->heard ? 0 : AVERROR(ENOMEM);
}

static int read_all(struct reading *reading)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? 0 : AVERROR(ENOMEM);
    while (ret >= 0) {
        ret = av_read_frame(reading->format, packet);
        if (ret < 0)
            break;
        struct heard *heard = &reading->heard[packet->stream_index];
        enum AVMediaType type = reading->format->streams[packet->stream_index]->codecpar->codec_type;
        if (packet->stream_index == reading->video) {
            vd_tally_add(&reading->seen, packet->pts, packet->duration);
        } else if (type == AVMEDIA_TYPE_AUDIO) {
            XXH3_128bits_update(heard->hash, packet->data, (size_t)packet->size);
            heard->bytes += packet->size;
            if (heard->first_pts == AV_NOPTS_VALUE)
                heard->first_pts = packet->pts;
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return ret == AVERROR_EOF ? 0 : ret;
}

/* Equal but for one constant shift (Matroska knows no negative times): count, sum and sum of squares of the distances
 * from the first picture. All sums wrap alike. */
static bool same_times(const struct vd_tally *a, const struct vd_tally *b)
{
    uint64_t n = (uint64_t)a->packets, fa = (uint64_t)a->first, fb = (uint64_t)b->first;
    return a->packets == b->packets && a->sum - n * fa == b->sum - n * fb &&
           a->squares - 2 * fa * a->sum + n * fa * fa == b->squares - 2 * fb * b->sum + n * fb * fb;
}

static double seconds(int64_t ticks, AVRational base)
{
    return (double)ticks * av_q2d(base);
}

/* How long after the first picture a stream begins. */
static double lag(int64_t first_pts, AVRational base, const struct vd_tally *tally, const struct vd_mux *mux)
{
    return seconds(first_pts, base) - seconds(tally->first, mux->video->time_base);
}

static bool same_sound(const struct reading *reading, const struct vd_mux *mux, struct vd_err *err)
{
    for (int i = 0; i < mux->carries; i++) {
        const struct vd_carry *carry = &mux->carry[i];
        int at = place_of(reading, carry);
        if (at < 0)
            continue;
        const struct heard *heard = &reading->heard[at];
        XXH128_hash_t in = XXH3_128bits_digest(carry->hash), out = XXH3_128bits_digest(heard->hash);
        if (carry->bytes != heard->bytes || !XXH128_isEqual(in, out)) {
            vd_fail(err, VD_DEFECT, "verify",
                    "the output's sound is not the input's: stream %d, %lld bytes in, %lld out; report this",
                    carry->in->index, (long long)carry->bytes, (long long)heard->bytes);
            return false;
        }
        double before = lag(carry->first_pts, carry->out->time_base, &mux->tally, mux);
        double after = lag(heard->first_pts, reading->format->streams[at]->time_base, &reading->seen, mux);
        if (carry->packets && fabs(after - before) > LAG_MAX_S) {
            vd_fail(err, VD_DEFECT, "verify", "the output's sound (stream %d) is %.3f s off its place; report this",
                    carry->in->index, after - before);
            return false;
        }
    }
    return true;
}

static void name_lost_tags(const AVDictionary *wanted, const AVDictionary *got, const char *where,
                           struct vd_notes *notes)
{
    const AVDictionaryEntry *tag = NULL;
    while ((tag = av_dict_get(wanted, "", tag, AV_DICT_IGNORE_SUFFIX)))
        if (!av_dict_get(got, tag->key, NULL, 0) && strcmp(tag->key, "vendor_id") && strcmp(tag->key, "handler_name"))
            vd_dropped(notes, "%s tag %s: the container does not hold it", where, tag->key);
}

static void name_losses(const struct vd_mux *mux, const struct reading *reading)
{
    char where[32];
    name_lost_tags(mux->format->metadata, reading->format->metadata, "file", mux->notes);
    for (unsigned i = 0; i < mux->format->nb_streams; i++) {
        int at = reading->place[i];
        snprintf(where, sizeof where, "stream %u", i);
        if (at >= 0 && at < (int)reading->format->nb_streams)
            name_lost_tags(mux->format->streams[i]->metadata, reading->format->streams[at]->metadata, where,
                           mux->notes);
    }
    if (reading->format->nb_chapters < mux->format->nb_chapters)
        vd_dropped(mux->notes, "%u of %u chapters: the container does not hold them",
                   mux->format->nb_chapters - reading->format->nb_chapters, mux->format->nb_chapters);
}

/* mp4 and mov tell how long a track is; Matroska only where each picture begins. */
static double length_of(const struct reading *reading, AVRational base, double last)
{
    const AVStream *video = reading->format->streams[reading->video];
    if (video->duration != AV_NOPTS_VALUE && video->duration > 0)
        return seconds(video->duration, video->time_base);
    return seconds(reading->seen.last - reading->seen.first, base) + last;
}

static int judge(struct vd_verdict *verdict, const struct vd_mux *mux, const struct reading *reading, int64_t frames,
                 struct vd_err *err)
{
    const struct vd_tally *in = &mux->tally, *out = &reading->seen;
    AVRational base = mux->video->time_base;
    double last = seconds(in->last_duration, base);
    double length_in = seconds(in->last - in->first, base) + last, length_out = length_of(reading, base, last);
    *verdict = (struct vd_verdict){.frames = out->packets,
                                   .duration_s = length_out,
                                   .duration_drift_s = length_out - length_in,
                                   .frames_match = frames == out->packets && same_times(in, out)};
    if (!verdict->frames_match)
        return vd_fail(err, VD_DEFECT, "verify",
                       "the output's pictures are not the input's: %lld decoded, %lld in the output; report this",
                       (long long)frames, (long long)out->packets);
    if (fabs(verdict->duration_drift_s) > fmax(av_q2d(av_inv_q(mux->plan->frame_rate)), last))
        return vd_fail(err, VD_DEFECT, "verify", "the output is %.3f s off the input's length; report this",
                       verdict->duration_drift_s);
    verdict->pictures_sound = true;
    verdict->audio_identical = same_sound(reading, mux, err);
    return verdict->audio_identical ? 0 : -1;
}

int vd_verify(struct vd_verdict *verdict, const struct vd_mux *mux, int fd, int64_t frames, atomic_llong *moved,
              struct vd_err *err)
{
    struct reading reading;
    int ret = reading_open(&reading, mux, fd, moved);
    if (ret >= 0)
        ret = read_all(&reading);
    if (ret < 0) {
        fail_read(&reading, ret, err);
    } else {
        ret = judge(verdict, mux, &reading, frames, err);
        name_losses(mux, &reading);
    }
    reading_close(&reading);
    return ret < 0 ? -1 : 0;
}
