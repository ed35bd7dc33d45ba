/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect.h"

#include "make.h"

#include <libavcodec/bsf.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/sha.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is needed only while a file is being read. */
struct reader {
    AVFormatContext *format;
    struct seen *seen;
    int width, height;                 /* how much of a picture counts; 0: all */
    int video;                         /* index of the stream that is the picture */
    int audio_of[64], subtitle_of[64]; /* our number for a stream, or -1 */
    AVCodecContext *decoder, *text_decoder[8];
    AVBSFContext *unframe[8];
    struct AVSHA *sha[8], *whole_sha[8];
    AVPacket *packet;
    AVFrame *frame;
    size_t frame_room, line_room;
};

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    array = realloc(array, *room * size);
    if (!array)
        abort();
    return array;
}

/* ---- pictures ---- */

struct half {
    double sum;
    double samples;
};

/* Sample x, y of a component, by the description of the format and nothing else. */
static double sample(const AVFrame *frame, const AVComponentDescriptor *comp, int x, int y)
{
    const uint8_t *p = frame->data[comp->plane] + (ptrdiff_t)y * frame->linesize[comp->plane] +
                       (ptrdiff_t)x * comp->step + comp->offset;
    unsigned word = comp->depth + comp->shift > 8 ? p[0] | (unsigned)p[1] << 8 : p[0];
    return (double)(word >> comp->shift & ((1u << comp->depth) - 1)) / (1 << (comp->depth - 8));
}

/*
 * Position x, y of a plane in 1/2 luma samples is seen at m0 * x + m3 * y (libavutil/display.h). With the centre of a
 * sample taken, a sample that is exactly in the middle belongs to neither half.
 */
static int half_of(const int32_t matrix[9], int width, int height, int x2, int y2)
{
    double across = matrix[0] ? width : height;
    double at = matrix[0] ? x2 / 2.0 : y2 / 2.0;
    bool turned = (matrix[0] ? matrix[0] : matrix[3]) < 0;
    double seen_at = turned ? across - at : at;
    double middle = (int)across / 2;
    return seen_at < middle ? LEFT : seen_at > middle ? RIGHT : -1;
}

/* width, height: the part of the picture that counts; the rest is padding. */
static void measure(const AVFrame *frame, const int32_t matrix[9], int width, int height, double mean[2][3])
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    for (int c = 0; c < 3; c++) {
        struct half halves[2] = {{0, 0}, {0, 0}};
        bool colour = c > 0 && format->nb_components >= 3;
        bool chroma = colour && !(format->flags & AV_PIX_FMT_FLAG_RGB);
        int sx = chroma ? format->log2_chroma_w : 0;
        int sy = chroma ? format->log2_chroma_h : 0;
        if (c > 0 && !colour) { /* grey */
            mean[LEFT][c] = mean[RIGHT][c] = 128;
            continue;
        }
        for (int y = 0; y < AV_CEIL_RSHIFT(height, sy); y++) {
            for (int x = 0; x < AV_CEIL_RSHIFT(width, sx); x++) {
                int half = half_of(matrix, width, height, (2 * x + 1) << sx, (2 * y + 1) << sy);
                if (half < 0)
                    continue;
                halves[half].sum += sample(frame, &format->comp[c], x, y);
                halves[half].samples += 1;
            }
        }
        for (int half = LEFT; half <= RIGHT; half++)
            mean[half][c] = halves[half].samples > 0 ? halves[half].sum / halves[half].samples : 0;
    }
}

static void replace(void *field, const void *data, size_t size)
{
    void **pointer = field;
    av_free(*pointer);
    *pointer = av_memdup(data, size);
}

static void see_tags(struct seen_video *video, const AVFrame *frame, const AVCodecParameters *par)
{
    video->format = frame->format;
    video->range = frame->color_range ? frame->color_range : par->color_range;
    video->space = frame->colorspace != AVCOL_SPC_UNSPECIFIED ? frame->colorspace : par->color_space;
    video->primaries = frame->color_primaries != AVCOL_PRI_UNSPECIFIED ? frame->color_primaries : par->color_primaries;
    video->transfer = frame->color_trc != AVCOL_TRC_UNSPECIFIED ? frame->color_trc : par->color_trc;
    video->chroma_location = frame->chroma_location ? frame->chroma_location : par->chroma_location;
    const AVFrameSideData *mastering = av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const AVFrameSideData *light = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    if (mastering)
        replace(&video->mastering, mastering->data, mastering->size);
    if (light)
        replace(&video->light, light->data, light->size);
}

static bool frame_interlaced(const AVFrame *frame, bool *top_first)
{
#if LIBAVUTIL_VERSION_MAJOR >= 59
    *top_first = frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST;
    return frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
    *top_first = frame->top_field_first;
    return frame->interlaced_frame;
#endif
}

static int64_t frame_duration(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_MAJOR >= 59
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

static void see_frame(struct reader *reader)
{
    struct seen_video *video = &reader->seen->video;
    const AVFrame *frame = reader->frame;
    if (!video->count)
        see_tags(video, frame, reader->format->streams[reader->video]->codecpar);
    video->frames = grow(video->frames, video->count, &reader->frame_room, sizeof(*video->frames));
    struct seen_frame *seen = &video->frames[video->count++];
    *seen = (struct seen_frame){
        .time = frame->best_effort_timestamp,
        .duration = frame_duration(frame),
        .width = frame->width,
        .height = frame->height,
    };
    seen->interlaced = frame_interlaced(frame, &seen->top_first);
    int width = reader->width ? FFMIN(reader->width, frame->width) : frame->width;
    int height = reader->height ? FFMIN(reader->height, frame->height) : frame->height;
    measure(frame, video->matrix, width, height, seen->mean);
}

static void see_frames(struct reader *reader, const AVPacket *packet)
{
    if (avcodec_send_packet(reader->decoder, packet) < 0)
        reader->seen->video.errors++;
    int result;
    while ((result = avcodec_receive_frame(reader->decoder, reader->frame)) >= 0)
        see_frame(reader);
    if (result != AVERROR(EAGAIN) && result != AVERROR_EOF)
        reader->seen->video.errors++;
}

/* ---- sound ---- */

/* A packet that is no ADTS after all stays as it is: the other side has the same. */
static void take_frame_off(AVBSFContext *unframe, AVPacket *packet)
{
    AVPacket *framed = av_packet_clone(packet), *bare = av_packet_alloc();
    if (framed && bare && av_bsf_send_packet(unframe, framed) >= 0 && av_bsf_receive_packet(unframe, bare) >= 0) {
        av_packet_unref(packet);
        av_packet_move_ref(packet, bare);
    } else {
        av_bsf_flush(unframe);
    }
    av_packet_free(&framed);
    av_packet_free(&bare);
}

static void see_sound(struct reader *reader, AVPacket *packet, int number)
{
    struct seen_audio *audio = &reader->seen->audio[number];
    if (packet->flags & AV_PKT_FLAG_DISCARD) {
        audio->discarded++;
        return;
    }
    if (!audio->count++)
        audio->first = packet->pts;
    audio->end_s = (double)(packet->pts + packet->duration) * av_q2d(audio->time_base);
    bool damaged = packet->flags & AV_PKT_FLAG_CORRUPT;
    if (reader->unframe[number])
        take_frame_off(reader->unframe[number], packet);
    av_sha_update(reader->sha[number], packet->data, (size_t)packet->size);
    if (!damaged)
        av_sha_update(reader->whole_sha[number], packet->data, (size_t)packet->size);
}

static bool prepare_sound(struct reader *reader, const AVStream *stream, int number)
{
    struct seen_audio *audio = &reader->seen->audio[number];
    audio->time_base = stream->time_base;
    snprintf(audio->codec, sizeof(audio->codec), "%s", avcodec_get_name(stream->codecpar->codec_id));
    reader->sha[number] = av_sha_alloc();
    reader->whole_sha[number] = av_sha_alloc();
    av_sha_init(reader->sha[number], 256);
    av_sha_init(reader->whole_sha[number], 256);
    if (stream->codecpar->codec_id != AV_CODEC_ID_AAC)
        return true;
    if (av_bsf_alloc(av_bsf_get_by_name("aac_adtstoasc"), &reader->unframe[number]) < 0)
        return false;
    avcodec_parameters_copy(reader->unframe[number]->par_in, stream->codecpar);
    reader->unframe[number]->time_base_in = stream->time_base;
    return av_bsf_init(reader->unframe[number]) >= 0;
}

/* ---- text ---- */

/* An ASS event: eight fields, each ended by a comma, then the text with {overrides} and \N for a new line. */
static char *plain_text(const char *ass)
{
    for (int i = 0; i < 8 && ass; i++)
        ass = strchr(ass, ',') ? strchr(ass, ',') + 1 : NULL;
    char *text = strdup(ass ? ass : "");
    char *to = text;
    bool hidden = false;
    for (const char *from = text; *from; from++) {
        if (*from == '{' || *from == '}')
            hidden = *from == '{';
        else if (!hidden && from[0] == '\\' && (from[1] == 'N' || from[1] == 'n'))
            *to++ = '\n', from++;
        else if (!hidden && *from != '\r')
            *to++ = *from;
    }
    *to = 0;
    return text;
}

static void see_text(struct reader *reader, AVPacket *packet, int number)
{
    struct seen *seen = reader->seen;
    AVSubtitle subtitle;
    int got = 0;
    if (!reader->text_decoder[number] ||
        avcodec_decode_subtitle2(reader->text_decoder[number], &subtitle, &got, packet) < 0 || !got)
        return;
    double tick = av_q2d(reader->format->streams[packet->stream_index]->time_base);
    for (unsigned i = 0; i < subtitle.num_rects; i++) {
        if (!subtitle.rects[i]->ass)
            continue;
        seen->lines = grow(seen->lines, seen->line_count, &reader->line_room, sizeof(*seen->lines));
        seen->lines[seen->line_count++] = (struct seen_line){
            .stream = number,
            .start_s = (double)packet->pts * tick,
            .end_s = (double)(packet->pts + packet->duration) * tick,
            .text = plain_text(subtitle.rects[i]->ass),
        };
    }
    avsubtitle_free(&subtitle);
}

static AVCodecContext *open_decoder(const AVStream *stream)
{
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    AVCodecContext *decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!decoder)
        return NULL;
    avcodec_parameters_to_context(decoder, stream->codecpar);
    decoder->pkt_timebase = stream->time_base;
    decoder->thread_count = 1;
    if (avcodec_open2(decoder, codec, NULL) < 0)
        avcodec_free_context(&decoder);
    return decoder;
}

/* ---- the whole ---- */

static const void *stream_side_data(const AVStream *stream, enum AVPacketSideDataType type, size_t *size)
{
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVPacketSideData *data = av_packet_side_data_get(stream->codecpar->coded_side_data,
                                                           stream->codecpar->nb_coded_side_data, type);
    *size = data ? data->size : 0;
    return data ? data->data : NULL;
#else
    return av_stream_get_side_data(stream, type, size);
#endif
}

static bool prepare_video(struct reader *reader, AVStream *stream)
{
    struct seen_video *video = &reader->seen->video;
    const AVCodecParameters *par = stream->codecpar;
    snprintf(video->codec, sizeof(video->codec), "%s", avcodec_get_name(par->codec_id));
    av_fourcc_make_string(video->tag, par->codec_tag);
    video->width = par->width;
    video->height = par->height;
    video->time_base = stream->time_base;
    video->rate = stream->avg_frame_rate;
    video->sample_aspect = av_guess_sample_aspect_ratio(reader->format, stream, NULL);
    video->matrix[0] = video->matrix[4] = 1 << 16;
    video->matrix[8] = 1 << 30;
    size_t size;
    const void *data = stream_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (data)
        memcpy(video->matrix, data, sizeof(video->matrix));
    data = stream_side_data(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, &size);
    if (data)
        replace(&video->mastering, data, size);
    data = stream_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, &size);
    if (data)
        replace(&video->light, data, size);
    reader->decoder = open_decoder(stream);
    return reader->decoder;
}

static void copy_language(char language[8], const AVStream *stream)
{
    const AVDictionaryEntry *tag = av_dict_get(stream->metadata, "language", NULL, 0);
    snprintf(language, 8, "%s", tag && strcmp(tag->value, "und") != 0 ? tag->value : "");
}

static bool prepare_stream(struct reader *reader, AVStream *stream)
{
    struct seen *seen = reader->seen;
    int index = stream->index;
    reader->audio_of[index] = reader->subtitle_of[index] = -1;
    switch (stream->codecpar->codec_type) {
    case AVMEDIA_TYPE_VIDEO:
        if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
            seen->pictures++;
        else if (reader->video >= 0)
            seen->more_videos++;
        else {
            reader->video = index;
            return prepare_video(reader, stream);
        }
        return true;
    case AVMEDIA_TYPE_AUDIO:
        if (seen->audios == 8)
            return false;
        reader->audio_of[index] = (int)seen->audios;
        copy_language(seen->audio[seen->audios].language, stream);
        return prepare_sound(reader, stream, (int)seen->audios++);
    case AVMEDIA_TYPE_SUBTITLE:
        if (seen->subtitles == 8)
            return false;
        reader->subtitle_of[index] = (int)seen->subtitles;
        copy_language(seen->subtitle_language[seen->subtitles], stream);
        reader->text_decoder[seen->subtitles++] = open_decoder(stream);
        return true;
    default:
        seen->others++;
        return true;
    }
}

static void see_chapters(struct reader *reader)
{
    struct seen *seen = reader->seen;
    seen->chapter_count = reader->format->nb_chapters;
    seen->chapters = calloc(seen->chapter_count + 1, sizeof(*seen->chapters));
    for (size_t i = 0; i < seen->chapter_count; i++) {
        const AVChapter *chapter = reader->format->chapters[i];
        const AVDictionaryEntry *title = av_dict_get(chapter->metadata, "title", NULL, 0);
        seen->chapters[i].start_s = (double)chapter->start * av_q2d(chapter->time_base);
        seen->chapters[i].end_s = (double)chapter->end * av_q2d(chapter->time_base);
        seen->chapters[i].title = strdup(title ? title->value : "");
    }
}

static void see_container(struct reader *reader, const char *path)
{
    struct seen *seen = reader->seen;
    const char *name = reader->format->iformat->name;
    const AVDictionaryEntry *brand = av_dict_get(reader->format->metadata, "major_brand", NULL, 0);
    bool box = strstr(name, "mp4") != NULL;
    const char *told = box                        ? brand && !strcmp(brand->value, "qt  ") ? "mov" : "mp4"
                       : strstr(name, "matroska") ? "mkv"
                                                  : name;
    snprintf(seen->container, sizeof(seen->container), "%s", told);
    if (!box)
        return;
    size_t size;
    uint8_t *data = read_file(path, &size);
    for (size_t at = 0; at + 16 <= size;) {
        uint64_t length = AV_RB32(data + at);
        if (length == 1)
            length = AV_RB64(data + at + 8);
        if (!memcmp(data + at + 4, "moov", 4))
            seen->index_first = true;
        if (!memcmp(data + at + 4, "mdat", 4) || length < 8)
            break;
        at += length;
    }
    free(data);
}

static bool prepare(struct reader *reader, const char *path)
{
    if (avformat_open_input(&reader->format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(reader->format, NULL) < 0 || reader->format->nb_streams > 64)
        return false;
    reader->video = -1;
    for (unsigned i = 0; i < reader->format->nb_streams; i++)
        if (!prepare_stream(reader, reader->format->streams[i]))
            return false;
    see_container(reader, path);
    see_chapters(reader);
    reader->seen->start_s = (double)reader->format->start_time / AV_TIME_BASE;
    av_dict_copy(&reader->seen->metadata, reader->format->metadata, 0);
    reader->packet = av_packet_alloc();
    reader->frame = av_frame_alloc();
    return reader->video >= 0 && reader->packet && reader->frame;
}

static void read_all(struct reader *reader)
{
    while (av_read_frame(reader->format, reader->packet) >= 0) {
        AVPacket *packet = reader->packet;
        int index = packet->stream_index;
        if (index == reader->video)
            see_frames(reader, packet);
        else if (index < 64 && reader->audio_of[index] >= 0)
            see_sound(reader, packet, reader->audio_of[index]);
        else if (index < 64 && reader->subtitle_of[index] >= 0)
            see_text(reader, packet, reader->subtitle_of[index]);
        av_packet_unref(packet);
    }
    see_frames(reader, NULL);
    for (size_t i = 0; i < reader->seen->audios; i++) {
        av_sha_final(reader->sha[i], reader->seen->audio[i].digest);
        av_sha_final(reader->whole_sha[i], reader->seen->audio[i].whole_digest);
    }
}

bool inspect(const char *path, int width, int height, struct seen *seen)
{
    *seen = (struct seen){0};
    av_log_set_level(AV_LOG_QUIET);
    struct reader reader = {.seen = seen, .width = width, .height = height};
    bool fine = prepare(&reader, path);
    if (fine)
        read_all(&reader);
    for (int i = 0; i < 8; i++) {
        avcodec_free_context(&reader.text_decoder[i]);
        av_bsf_free(&reader.unframe[i]);
        av_free(reader.sha[i]);
        av_free(reader.whole_sha[i]);
    }
    avcodec_free_context(&reader.decoder);
    av_packet_free(&reader.packet);
    av_frame_free(&reader.frame);
    avformat_close_input(&reader.format);
    return fine;
}

void seen_free(struct seen *seen)
{
    for (size_t i = 0; i < seen->line_count; i++)
        free(seen->lines[i].text);
    for (size_t i = 0; i < seen->chapter_count; i++)
        free(seen->chapters[i].title);
    free(seen->lines);
    free(seen->chapters);
    free(seen->video.frames);
    av_free(seen->video.mastering);
    av_free(seen->video.light);
    av_dict_free(&seen->metadata);
    *seen = (struct seen){0};
}

static uint8_t *to_rgb(const AVFrame *frame)
{
    struct SwsContext *sws = sws_getContext(frame->width, frame->height, frame->format, frame->width, frame->height,
                                            AV_PIX_FMT_RGB24, SWS_POINT, NULL, NULL, NULL);
    int stride = 3 * frame->width;
    uint8_t *rgb = malloc((size_t)stride * (size_t)frame->height);
    if (!sws || !rgb)
        abort();
    sws_scale(sws, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, &rgb, &stride);
    sws_freeContext(sws);
    return rgb;
}

uint8_t *inspect_picture(const char *path, int *width, int *height)
{
    av_log_set_level(AV_LOG_QUIET);
    AVFormatContext *format = NULL;
    AVCodecContext *decoder = NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    uint8_t *rgb = NULL;
    if (avformat_open_input(&format, path, NULL, NULL) >= 0 && avformat_find_stream_info(format, NULL) >= 0 &&
        (decoder = open_decoder(format->streams[0])) && av_read_frame(format, packet) >= 0 &&
        avcodec_send_packet(decoder, packet) >= 0 && avcodec_send_packet(decoder, NULL) >= 0 &&
        avcodec_receive_frame(decoder, frame) >= 0) {
        *width = frame->width;
        *height = frame->height;
        rgb = to_rgb(frame);
    }
    avcodec_free_context(&decoder);
    avformat_close_input(&format);
    av_packet_free(&packet);
    av_frame_free(&frame);
    return rgb;
}
