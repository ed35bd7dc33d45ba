/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codecs, containers, depths, chroma formats and sizes that recordings come in. */
#include "row.h"

#define VP9 " -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 0 -threads 1 "
#define SHORT " -frames:v 12 "

/* ---- codecs, each in a container of its own kind ---- */

static const struct row rows[] = {
    {
        .name = "h264 in mp4",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "in.mp4",
    },
    {
        .name = "h264 with B-frames in mov",
        .input = "in.mov",
        .make = "ff" PICTURE SOUND X264 "-bf 3" AAC "in.mov",
        .container = "mov",
    },
    {
        .name = "hevc in mp4",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND SHORT "-pix_fmt yuv420p" X265 AAC "in.mp4",
    },
    {
        .name = "vp8 and vorbis in webm",
        .input = "in.webm",
        .make = "ff" PICTURE SOUND SHORT "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis in.webm",
    },
    {
        .name = "vp9 and opus in webm",
        .input = "in.webm",
        .make = "ff" PICTURE SOUND SHORT VP9 "-c:a libopus in.webm",
    },
    {
        .name = "vp9 in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SOUND SHORT VP9 "-c:a libopus in.mkv",
        .container = "mkv",
    },
    {
        .name = "av1 in mp4",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND "-frames:v 6 -c:v libaom-av1 -cpu-used 8 -usage realtime -threads 1" AAC "in.mp4",
    },
    {
        .name = "mpeg4 and mp3 in avi",
        .input = "in.avi",
        .make = "ff" PICTURE SOUND "-c:v mpeg4 -q:v 4 -c:a libmp3lame in.avi",
    },
    {
        .name = "mpeg2 and mp2 in ts",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND "-c:v mpeg2video -q:v 4 -c:a mp2 in.ts",
        .except = START,
    },
    {
        .name = "h264 and adts in ts",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "in.ts",
        .except = START,
    },
    {
        .name = "h264 and ac3 in ts",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-c:a ac3 in.ts",
        .except = START,
    },
    {
        .name = "mjpeg and pcm in mov",
        .input = "in.mov",
        .make = "ff" PICTURE SOUND SHORT "-pix_fmt yuvj420p -c:v mjpeg -c:a pcm_s16le in.mov",
        .container = "mov",
    },
    {
        .name = "mjpeg and pcm in avi",
        .input = "in.avi",
        .make = "ff" PICTURE SOUND SHORT "-pix_fmt yuvj422p -c:v mjpeg -c:a pcm_s16le in.avi",
        .container = LIBAVFORMAT_VERSION_MAJOR < 60 ? "mkv" : "mp4", /* which holds PCM since then */
        .format = "yuv422p",
    },
    {
        .name = "prores and pcm in mov",
        .input = "in.mov",
        .make = "ff" PICTURE SOUND SHORT "-pix_fmt yuv422p10le -c:v prores_ks -c:a pcm_s24le in.mov",
        .container = "mov",
        .codec = "hevc",
        .format = "yuv422p10le",
    },
    {
        .name = "h264 in flv",
        .input = "in.flv",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "in.flv",
        .except = METADATA, /* flv tells its header as metadata */
    },
    {
        .name = "sorenson and mp3 in flv",
        .input = "in.flv",
        .make = "ff" PICTURE SOUND "-c:v flv -q:v 4 -c:a libmp3lame -ar 44100 in.flv",
        .except = METADATA,
    },
    {
        .name = "h263 in 3gp",
        .input = "in.3gp",
        .make = "ff" PICTURE SOUND "-s 176x144 -c:v h263 -q:v 4" AAC "in.3gp",
    },
    {
        .name = "mpeg4 in 3gp",
        .input = "in.3gp",
        .make = "ff" PICTURE SOUND "-c:v mpeg4 -q:v 4" AAC "in.3gp",
    },
    {
        .name = "fragmented mp4",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 "-g 10" AAC "-movflags frag_keyframe+empty_moov+default_base_moof in.mp4",
    },
    {
        .name = "hevc asked for",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND SHORT X264 AAC "in.mp4",
        .options = "--codec hevc",
        .codec = "hevc",
    },
    {
        .name = "av1 asked for",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND "-frames:v 6" X264 AAC "in.mp4",
        .options = "--codec av1",
        .codec = "av1",
    },
    {
        .name = "h264 asked for in ten bits",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv420p10le" X264 "in.mp4",
        .options = "--codec h264",
        .format = "yuv420p10le",
    },

    /* ---- depths and chroma formats ---- */

    {
        .name = "h264 4:2:2",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv422p" X264 "in.mp4",
        .format = "yuv422p",
    },
    {
        .name = "h264 4:4:4",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv444p" X264 "in.mp4",
        .format = "yuv444p",
    },
    {
        .name = "h264 4:2:0 of ten bits",
        .input = "in.mkv",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv420p10le" X264 "in.mkv",
        .container = "mkv",
        .codec = "hevc",
        .format = "yuv420p10le",
    },
    {
        .name = "hevc 4:2:2 of ten bits",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv422p10le" X265 " in.mp4",
        .codec = "hevc",
        .format = "yuv422p10le",
    },
    {
        .name = "hevc 4:4:4 of ten bits",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv444p10le" X265 " in.mp4",
        .codec = "hevc",
        .format = "yuv444p10le",
    },
    {
        .name = "hevc of twelve bits",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt yuv420p12le" X265 " in.mp4",
        .codec = "hevc",
        .format = "yuv420p12le",
    },
    {
        .name = "vp9 of ten bits",
        .input = "in.webm",
        .make = "ff" PICTURE "-frames:v 6 -pix_fmt yuv420p10le" VP9 "in.webm",
        .codec = "hevc",
        .format = "yuv420p10le",
    },
    {
        .name = "grey h264",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt gray" X264 "in.mp4",
    },
    {
        .name = "grey h264 of limited range",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-vf scale=out_range=tv,format=gray" X264 "-color_range tv in.mp4",
    },
    {
        .name = "grey av1",
        .input = "in.mp4",
        .make = "ff" PICTURE "-frames:v 6 -pix_fmt gray -c:v libaom-av1 -cpu-used 8 -usage realtime -threads 1 in.mp4",
    },
    {
        .name = "grey hevc of ten bits",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-pix_fmt gray10le" X265 " in.mp4",
        .codec = "hevc",
        .format = "yuv420p10le",
    },
    {
        .name = "rgb",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-c:v libx264rgb -preset ultrafast -pix_fmt rgb24 in.mp4",
        .format = "yuv444p",
        .except = TAGS | WARNINGS,
    },
    {
        .name = "prores with alpha",
        .input = "in.mov",
        .make = "ff" PICTURE "-frames:v 6 -pix_fmt yuva444p10le -c:v prores_ks -profile:v 4 in.mov",
        .container = "mov",
        .codec = "hevc",
        .format = "yuv444p12le", /* that is what FFmpeg decodes ProRes 4444 to */
        .except = WARNINGS,
    },

    /* ---- sizes that H.264 cannot have ---- */

    {
        .name = "853x479",
        .input = "in.webm",
        .make = "ff" PICTURE "-frames:v 5 -vf scale=853:479" VP9 "in.webm",
        .warning = "854x480",
    },
    {
        .name = "175x143",
        .input = "in.webm",
        .make = "ff" PICTURE SHORT "-vf scale=175:143" VP9 "in.webm",
        .warning = "176x144",
    },
    {
        .name = "175x144 in mjpeg 4:2:2",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT "-vf scale=175:144 -pix_fmt yuvj422p -c:v mjpeg in.mov",
        .container = "mov",
        .format = "yuv422p",
        .warning = "176x144",
    },
    {
        .name = "175x143 in mjpeg 4:4:4",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT "-vf scale=175:143 -pix_fmt yuvj444p -c:v mjpeg in.mov",
        .container = "mov",
        .format = "yuv444p",
        .except = WARNINGS, /* whether 4:4:4 needs padding is the encoder's affair */
    },
    {
        .name = "1280x720",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=1280x720:r=25 -frames:v 3" X264 "in.mp4",
    },
    {
        .name = "one frame",
        .input = "in.mp4",
        .make = "ff" PICTURE "-frames:v 1" X264 "in.mp4",
    },
    {
        .name = "one frame and no duration",
        .input = "in.mkv",
        .make = "ff" PICTURE "-frames:v 1" X264 "in.mkv",
        .container = "mkv",
    },
    {
        .name = "effect none",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "in.mp4",
        .options = "--effect none",
        .except = COLOUR,
    },
    {
        .name = "the default preset",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "in.mp4",
        .options = "--preset veryfast --quality 20",
    },
};

int main(void)
{
    return rows_run("formats", rows, sizeof(rows) / sizeof(*rows));
}
