/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "whitelist.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const demuxers[] = {
    "avi", "flv", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "mpeg", "mpegts",
};

/* Audio and subtitle decoders are here because the probe opens them to learn sample rates and formats; sound itself is
 * never decoded. */
static const char *const decoders[] = {
    /* video */
    "dnxhd",
    "ffv1",
    "flv",
    "h263",
    "h264",
    "hevc",
    "libdav1d",
    "mjpeg",
    "mpeg1video",
    "mpeg2video",
    "mpeg4",
    "msmpeg4",
    "png",
    "prores",
    "qtrle",
    "rawvideo",
    "vp8",
    "vp9",
    /* sound */
    "aac",
    "aac_latm",
    "ac3",
    "adpcm_ima_qt",
    "adpcm_ima_wav",
    "adpcm_ms",
    "adpcm_swf",
    "alac",
    "amrnb",
    "amrwb",
    "dca",
    "eac3",
    "flac",
    "mp2",
    "mp3float",
    "nellymoser",
    "opus",
    "pcm_alaw",
    "pcm_f32le",
    "pcm_mulaw",
    "pcm_s16be",
    "pcm_s16le",
    "pcm_s24be",
    "pcm_s24le",
    "pcm_s32le",
    "pcm_u8",
    "speex",
    "truehd",
    "vorbis",
    /* subtitles */
    "mov_text",
    "srt",
    "ssa",
    "webvtt",
};

enum { DEMUXERS = sizeof demuxers / sizeof *demuxers, DECODERS = sizeof decoders / sizeof *decoders };

static char demuxer_list[256], decoder_list[1024];
static pthread_once_t joined = PTHREAD_ONCE_INIT;

static void join(char *list, size_t size, const char *const *names, int count)
{
    size_t used = 0;
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(list + used, size - used, "%s%s", i ? "," : "", names[i]);
}

static void join_all(void)
{
    join(demuxer_list, sizeof demuxer_list, demuxers, DEMUXERS);
    join(decoder_list, sizeof decoder_list, decoders, DECODERS);
}

const char *vd_demuxer_name(int i)
{
    return i >= 0 && i < DEMUXERS ? demuxers[i] : NULL;
}

const char *vd_decoder_name(int i)
{
    return i >= 0 && i < DECODERS ? decoders[i] : NULL;
}

const char *vd_demuxer_whitelist(void)
{
    pthread_once(&joined, join_all);
    return demuxer_list;
}

const char *vd_decoder_whitelist(void)
{
    pthread_once(&joined, join_all);
    return decoder_list;
}

bool vd_decoder_allowed(const char *name)
{
    for (int i = 0; i < DECODERS; i++)
        if (!strcmp(decoders[i], name))
            return true;
    return false;
}
