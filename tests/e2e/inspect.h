/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The judge: everything that a test asks about a recording, as FFmpeg's libraries tell it when they are used in the
 * plainest way: opened by name, default options, one thread. Nothing of vidriera is in here.
 */
#ifndef E2E_INSPECT_H
#define E2E_INSPECT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mastering_display_metadata.h>
#include <stdbool.h>

enum { LEFT, RIGHT };

struct seen_frame {
    int64_t time;     /* best effort, in the stream's time base; AV_NOPTS_VALUE: the file does not tell */
    int64_t duration; /* 0: unknown */
    int width, height;
    bool interlaced, top_first;
    double mean[2][3]; /* of both halves as the viewer sees them, per component, on a scale of 8 bits */
};

struct seen_video {
    char codec[32], tag[8];
    enum AVPixelFormat format; /* of the first frame */
    int width, height;
    AVRational time_base, rate, sample_aspect;
    int32_t matrix[9]; /* the identity when the file has none */
    enum AVColorRange range;
    enum AVColorSpace space;
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    enum AVChromaLocation chroma_location;
    AVMasteringDisplayMetadata *mastering; /* HDR; NULL: none */
    AVContentLightMetadata *light;
    struct seen_frame *frames;
    size_t count;
    int errors; /* times the decoder complained */
};

/* Packets that are wholly outside the edit list are left out, and so are ADTS headers. */
struct seen_audio {
    char codec[32];
    size_t count, discarded;
    AVRational time_base;
    int64_t first; /* time of the first packet */
    double end_s;
    uint8_t digest[32];       /* SHA-256 of all payloads */
    uint8_t whole_digest[32]; /* the same without packets that are marked as damaged */
    char language[8];
};

struct seen_line {
    int stream; /* among the subtitle streams */
    double start_s, end_s;
    char *text; /* without styling */
};

struct seen_chapter {
    double start_s, end_s;
    char *title;
};

struct seen {
    char container[8]; /* mp4, mov, mkv, or FFmpeg's name for it */
    bool index_first;  /* mp4, mov: moov lies before mdat */
    double start_s;    /* of the whole, as FFmpeg reckons it */
    struct seen_video video;
    struct seen_audio audio[8];
    size_t audios;
    struct seen_line *lines;
    size_t line_count;
    char subtitle_language[8][8];
    size_t subtitles;
    struct seen_chapter *chapters;
    size_t chapter_count;
    AVDictionary *metadata;
    int pictures, others, more_videos; /* attached pictures; data and attachments; second and further videos */
};

/*
 * False when it cannot be opened or has no video. seen_free() takes whatever this leaves. width, height: how much of
 * the coded picture counts, when an encoder had to pad it; 0: all.
 */
bool inspect(const char *path, int width, int height, struct seen *seen);
void seen_free(struct seen *seen);

/* The first picture of a file, e.g. of a PNG, as packed 8-bit R, G, B. The caller frees it. NULL: there is none. */
uint8_t *inspect_picture(const char *path, int *width, int *height);

#endif
