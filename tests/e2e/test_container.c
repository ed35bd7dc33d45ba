/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies beside the pictures, damaged files, and names of files. */
#include "row.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES                                                                                                          \
    "printf '1\\n00:00:00,100 --> 00:00:00,450\\nHola <i>mundo</i>\\n\\n"                                              \
    "2\\n00:00:00,500 --> 00:00:00,900\\nGr\\303\\274\\303\\237e, \\346\\227\\245\\346\\234\\254\\nzwei\\n\\n' > "     \
    "one.srt\nprintf '1\\n00:00:00,200 --> 00:00:00,800\\nSecond language\\n\\n' > two.srt\n"

#define CHAPTERS                                                                                                       \
    "printf ';FFMETADATA1\\ntitle=The \\\"title\\\" \\303\\241\\nartist=Somebody\\ncomment=two\\\\\\nlines\\n"         \
    "[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=0\\nEND=400\\ntitle=Beginning\\n"                                             \
    "[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=400\\nEND=1000\\ntitle=Middle \\303\\251\\n' > meta.txt\n"

#define BOTH PICTURE SOUND
#define TWO_SOUNDS PICTURE SOUND " -f lavfi -i sine=f=880:r=44100:d=1 "

/* Noise over the headers of some of its sound: packets of the second stream that ffmpeg makes have PID 0x101. */
static void craft_adts(const struct folder *folder, const char *path)
{
    (void)folder;
    size_t size;
    uint8_t *data = read_file(path, &size);
    for (size_t at = 0, seen = 0; at + 188 <= size; at += 188)
        if ((data[at + 1] & 0x1f) == 1 && data[at + 2] == 1 && seen++ % 3 == 2)
            for (int i = 20; i < 180; i += 7)
                data[at + (size_t)i] ^= 0xa5;
    write_file(path, data, size);
    free(data);
}

/* The file ends after that share of it. */
static void cut_to(const char *path, double share)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, (off_t)((double)st.st_size * share)), 0);
}

static void craft_cut(const struct folder *folder, const char *path)
{
    (void)folder;
    cut_to(path, 0.6);
}

/* A stretch of nonsense in the middle. */
static void craft_scratched(const struct folder *folder, const char *path)
{
    (void)folder;
    size_t size;
    uint8_t *data = read_file(path, &size);
    for (size_t i = size / 2; i < size / 2 + size / 50; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    write_file(path, data, size);
    free(data);
}

static bool has_two_sounds(const struct seen *in)
{
    return in->audios == 2 && strcmp(in->audio[1].language, "fra") == 0;
}

static bool has_lines(const struct seen *in)
{
    return in->line_count >= 2;
}

static bool has_two_subtitles(const struct seen *in)
{
    return in->subtitles == 2 && in->line_count == 3 && strcmp(in->subtitle_language[1], "eng") == 0;
}

static bool has_chapters(const struct seen *in)
{
    return in->chapter_count == 2 && av_dict_get(in->metadata, "title", NULL, 0);
}

static bool has_cover(const struct seen *in)
{
    return in->pictures == 1;
}

static bool has_other(const struct seen *in)
{
    return in->others == 1;
}

static bool has_two_videos(const struct seen *in)
{
    return in->more_videos == 1;
}

static const struct row rows[] = {
    {
        .name = "no sound",
        .input = "in.mov",
        .make = "ff" PICTURE X264 "in.mov",
        .container = "mov",
    },
    {
        .name = "two sounds with languages",
        .input = "in.mp4",
        .make = "ff" TWO_SOUNDS "-map 0 -map 1 -map 2" X264 "-c:a:0 aac -c:a:1 libmp3lame "
                "-metadata:s:a:0 language=spa -metadata:s:a:1 language=fra in.mp4",
        .meant = has_two_sounds,
    },
    {
        .name = "two sounds in ts",
        .input = "in.ts",
        .make = "ff" TWO_SOUNDS "-map 0 -map 1 -map 2" X264 "-c:a:0 aac -c:a:1 ac3 "
                "-metadata:s:a:0 language=spa -metadata:s:a:1 language=fra in.ts",
        .meant = has_two_sounds,
        .except = START,
    },
    {
        .name = "two sounds in mkv, to mp4",
        .input = "in.mkv",
        .make = "ff" TWO_SOUNDS "-map 0 -map 1 -map 2" X264 "-c:a:0 libopus -c:a:1 ac3 "
                "-metadata:s:a:0 language=spa -metadata:s:a:1 language=fra in.mkv",
        .meant = has_two_sounds,
        .output = "out.mp4",
    },
    {
        .name = "sound before the picture in stream order",
        .input = "in.mp4",
        .make = "ff" BOTH "-map 1 -map 0" X264 AAC "in.mp4",
    },
    {
        .name = "pcm keeps to mkv",
        .input = "in.mkv",
        .make = "ff" BOTH X264 "-c:a pcm_s16le in.mkv",
        .container = "mkv",
    },
    {
        .name = "pcm of 24 bits to mov",
        .input = "in.mkv",
        .make = "ff" BOTH X264 "-c:a pcm_s24le in.mkv",
        .output = "out.mov",
        .container = "mov",
    },

    /* ---- text ---- */

    {
        .name = "subtitles in mkv",
        .input = "in.mkv",
        .make = LINES "ff" BOTH "-i one.srt -i two.srt -map 0 -map 1 -map 2 -map 3" X264 AAC "-c:s srt "
                      "-metadata:s:s:0 language=spa -metadata:s:s:1 language=eng in.mkv; rm *.srt",
        .meant = has_two_subtitles,
        .container = "mkv",
    },
    {
        .name = "subtitles in mp4",
        .input = "in.mp4",
        .make = LINES "ff" BOTH "-i one.srt -i two.srt -map 0 -map 1 -map 2 -map 3" X264 AAC "-c:s mov_text "
                      "-metadata:s:s:0 language=spa -metadata:s:s:1 language=eng in.mp4; rm *.srt",
        .meant = has_two_subtitles,
    },
    {
        .name = "subtitles in mkv, to mp4",
        .input = "in.mkv",
        .make = LINES "ff" BOTH "-i one.srt -i two.srt -map 0 -map 1 -map 2 -map 3" X264 AAC "-c:s srt "
                      "-metadata:s:s:0 language=spa -metadata:s:s:1 language=eng in.mkv; rm *.srt",
        .meant = has_two_subtitles,
        .output = "out.mp4",
    },
    {
        .name = "subtitles in mp4, to mkv",
        .input = "in.mp4",
        .make = LINES "ff" BOTH "-i one.srt -i two.srt -map 0 -map 1 -map 2 -map 3" X264 AAC "-c:s mov_text "
                      "-metadata:s:s:0 language=spa -metadata:s:s:1 language=eng in.mp4; rm *.srt",
        .meant = has_two_subtitles,
        .output = "out.mkv",
        .container = "mkv",
        .warning = "1/1000",
    },
    {
        .name = "styled subtitles in mkv, to mov",
        .input = "in.mkv",
        .make = LINES "ff" BOTH "-i one.srt -map 0 -map 1 -map 2" X264 AAC "-c:s ass in.mkv; rm *.srt",
        .meant = has_lines,
        .output = "out.mov",
        .container = "mov",
    },
    {
        .name = "webvtt in webm",
        .input = "in.webm",
        .make = LINES "ff" BOTH "-i one.srt -map 0 -map 1 -map 2 -c:v libvpx -deadline realtime -cpu-used 8 "
                      "-c:a libopus -c:s webvtt in.webm; rm *.srt",
        .meant = has_lines,
    },
    {
        .name = "subtitles in a recording that begins late",
        .input = "in.mkv",
        .make = LINES "ff" BOTH "-i one.srt -map 0 -map 1 -map 2" X264 AAC "-c:s srt whole.mkv\n"
                      "ff -itsoffset 2.5 -i whole.mkv -map 0 -c copy -copyts in.mkv; rm *.srt whole.mkv",
        .meant = has_lines,
        .output = "out.mp4",
    },
    {
        .name = "chapters and metadata in mp4",
        .input = "in.mp4",
        .make = CHAPTERS "ff" BOTH "-i meta.txt -map 0 -map 1 -map_metadata 2" X264 AAC
                         "-metadata creation_time=2024-02-29T12:34:56Z in.mp4; rm meta.txt",
        .meant = has_chapters,
    },
    {
        .name = "chapters and metadata in mkv",
        .input = "in.mkv",
        .make = CHAPTERS "ff" BOTH "-i meta.txt -map 0 -map 1 -map_metadata 2" X264 AAC
                         "-metadata MY_OWN=thing in.mkv; rm meta.txt",
        .meant = has_chapters,
        .container = "mkv",
    },
    {
        .name = "chapters and metadata in mkv, to mov",
        .input = "in.mkv",
        .make = CHAPTERS "ff" BOTH "-i meta.txt -map 0 -map 1 -map_metadata 2" X264 AAC "in.mkv; rm meta.txt",
        .meant = has_chapters,
        .output = "out.mov",
        .container = "mov",
    },
    {
        .name = "metadata that mp4 cannot hold",
        .input = "in.mkv",
        .make = "ff" BOTH X264 AAC "-metadata MY_OWN=thing in.mkv",
        .output = "out.mp4",
        .dropped = "MY_OWN",
    },
    {
        .name = "metadata of a transport stream",
        .input = "in.ts",
        .make = "ff" BOTH X264 AAC "-metadata service_name=Name -metadata service_provider=Who in.ts",
        .except = START,
    },

    /* ---- streams that are not the recording ---- */

    {
        .name = "cover art in mp4",
        .input = "in.mp4",
        .make = "ff -f lavfi -i mandelbrot=s=300x300 -frames:v 1 cover.png\n"
                "ff" BOTH "-i cover.png -map 0 -map 1 -map 2" X264 AAC "-c:v:1 png -disposition:v:1 attached_pic "
                "in.mp4; rm cover.png",
        .meant = has_cover,
    },
    {
        .name = "cover art in mkv",
        .input = "in.mkv",
        .make = "ff -f lavfi -i mandelbrot=s=300x300 -frames:v 1 cover.jpg\n"
                "ff" BOTH X264 AAC "-attach cover.jpg -metadata:s:t mimetype=image/jpeg -metadata:s:t "
                "filename=cover.jpg in.mkv; rm cover.jpg",
        .meant = has_cover,
        .container = "mkv",
    },
    {
        .name = "a data track",
        .input = "in.mov",
        .make = "ff" BOTH X264 AAC "-timecode 01:00:00:00 in.mov",
        .meant = has_other,
        .container = "mov",
        .dropped = "data",
    },
    {
        .name = "an attachment",
        .input = "in.mkv",
        .make = "echo text > note.txt\n"
                "ff" BOTH X264 AAC "-attach note.txt -metadata:s:t mimetype=text/plain in.mkv; rm note.txt",
        .meant = has_other,
        .container = "mkv",
    },
    {
        .name = "an attachment, to mp4",
        .input = "in.mkv",
        .make = "echo text > note.txt\n"
                "ff" BOTH X264 AAC "-attach note.txt -metadata:s:t mimetype=text/plain in.mkv; rm note.txt",
        .meant = has_other,
        .output = "out.mp4",
        .dropped = "attachment",
    },
    {
        .name = "a second video",
        .input = "in.mkv",
        .make = "ff" BOTH "-f lavfi -i mandelbrot=s=160x96:r=25 -map 0 -map 1 -map 2" X264 AAC "-shortest in.mkv",
        .meant = has_two_videos,
        .container = "mkv",
        .dropped = "video",
    },

    /* ---- damage ---- */

    {
        .name = "mp4 cut off in the middle",
        .input = "in.mp4",
        .make = "ff" BOTH X264 "-g 12" AAC "-movflags +faststart in.mp4",
        .craft = craft_cut,
        .frames = 8,
        .except = LOSS,
        .warning = "",
    },
#if LIBAVFORMAT_VERSION_MAJOR < 60 /* the file of later muxers, cut there, is one that the judge cannot open */
    {
        .name = "fragmented mp4 cut off in the middle",
        .input = "in.mp4",
        .make = "ff" BOTH X264 "-g 5" AAC "-movflags frag_keyframe+empty_moov+default_base_moof in.mp4",
        .craft = craft_cut,
        .frames = 8,
        .except = LOSS | WARNINGS, /* nothing tells that more was meant to come, but for a box that is not whole */
    },
#endif
    {
        .name = "ts cut off in the middle",
        .input = "in.ts",
        .make = "ff" BOTH X264 "-g 12" AAC "in.ts",
        .craft = craft_cut,
        .frames = 8,
        .except = START | LOSS | WARNINGS, /* a transport stream has no end of its own */
    },
    {
        .name = "a sound stream that holds nothing",
        .input = "in.mkv",
        .make = "ff" BOTH X264 AAC "a.mkv\nff -i a.mkv -map 0 -c copy -bsf:a noise=drop=1 in.mkv; rm a.mkv",
        .output = "out.mp4",
        .except = AUDIO,
        .dropped = "holds nothing",
    },
    {
        .name = "damaged sound headers in ts",
        .input = "in.ts",
        .make = "ff" BOTH X264 AAC "in.ts",
        .craft = craft_adts,
        .except = START | AUDIO | WARNINGS | LOSS,
    },
    {
        .name = "a cover that is no picture",
        .input = "in.mkv",
        .make = "head -c 3000 /dev/urandom > rnd.jpg\n"
                "ff" BOTH X264 AAC "-attach rnd.jpg -metadata:s:t mimetype=image/jpeg in.mkv; rm rnd.jpg",
        .output = "out.mp4",
        .except = METADATA,
        .dropped = "no picture",
    },
    {
        .name = "mkv cut off in the middle",
        .input = "in.mkv",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=25:d=3 -f lavfi -i sine=r=48000:d=3" X264 "-g 12" AAC "in.mkv",
        .craft = craft_cut,
        .frames = 30,
        .except = LOSS,
        .container = "mkv",
        .warning = "",
    },
    {
        .name = "avi cut off in the middle",
        .input = "in.avi",
        .make = "ff" BOTH "-c:v mpeg4 -q:v 4 -c:a libmp3lame in.avi",
        .craft = craft_cut,
        .frames = 8,
        .except = LOSS,
        .warning = "",
    },
    {
        .name = "a scratch in the middle",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=25:d=3" X264 "-g 12 in.mp4",
        .craft = craft_scratched,
        .frames = 40,
        .except = TIMES | COLOUR, /* what a decoder conceals, and how, depends on its threads */
        .warning = "",
    },
    {
        .name = "the size changes half way",
        .input = "in.ts",
        .make = "ff" BOTH X264 "-bf 0" AAC "-muxdelay 0 one.ts\n"
                "ff -f lavfi -i testsrc2=s=320x240:r=25:d=1" SOUND X264 "-bf 0" AAC
                "-muxdelay 0 -output_ts_offset 1.024 two.ts\n"
                "cat one.ts two.ts > in.ts; rm one.ts two.ts",
        .frames = 50,
        .except = START,
        .warning = "192x144",
    },
    {
        .name = "the size changes to an odd one, and back",
        .input = "in.mkv",
        .make = "ff" PICTURE "-an -vf scale=175:143 -c:v mjpeg -frames:v 5 odd.mkv\n"
                "ff" PICTURE "-an -c:v mjpeg -pix_fmt yuvj420p -frames:v 5 even.mkv\n"
                "printf \"file even.mkv\\nfile odd.mkv\\nfile even.mkv\\n\" > list.txt\n"
                "ff -f concat -safe 0 -i list.txt -c copy in.mkv; rm list.txt odd.mkv even.mkv",
        .frames = 15,
        .container = "mkv",
        .warning = "192x144",
    },

    /* ---- names ---- */

    {
        .name = "a name with everything",
        .input = "a b'c\"d\n\xc3\xa1\xe6\x97\xa5 %d $(x) [1];&.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "plain.mp4; mv plain.mp4 \"$(printf "
                "'a b\\047c\\042d\\n\\303\\241\\346\\227\\245 %%d $(x) [1];&.mp4')\"",
    },
    {
        .name = "a name that looks like a protocol",
        .input = "concat:http:in.mp4",
        .make = "ff" PICTURE X264 "plain.mp4; mv plain.mp4 concat:http:in.mp4",
    },
    {
        .name = "an output with a newline",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "in.mp4",
        .output = "o\nu't\xc3\xa9.mp4",
    },
    {
        .name = "several dots",
        .input = "my.first.video.webm",
        .make = "ff" PICTURE "-frames:v 5 -c:v libvpx -deadline realtime -cpu-used 8 my.first.video.webm",
    },
    {
        .name = "capitals in the extension",
        .input = "IN.MOV",
        .make = "ff" PICTURE X264 "in.mov; mv in.mov IN.MOV",
        .container = "mov",
    },
    {
        .name = "an extension that is wrong",
        .input = "in.avi",
        .make = "ff" PICTURE SOUND X264 AAC "in.mkv; mv in.mkv in.avi",
        .container = "mkv",
    },
};

int main(void)
{
    return rows_run("container", rows, sizeof(rows) / sizeof(*rows));
}
