/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When each picture is shown, whatever the container thinks of time. */
#include "row.h"

#include <stdlib.h>
#include <string.h>

/* Intra pictures with free times: setts sets the presentation time alone when the decoding time is long past. */
#define FREE_TIMES(expression)                                                                                         \
    "ff" PICTURE SOUND "-map 0:v -map 1:a -c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le -avoid_negative_ts disabled "    \
    "-bsf:v \"setts=pts='" expression "':dts=PTS-1000\" in.mkv"

/* Four seconds with a keyframe each second. */
#define WHOLE                                                                                                          \
    "ff -f lavfi -i testsrc2=s=192x144:r=25:d=4 -f lavfi -i sine=r=48000:d=4" X264 "-g 25 -bf 2" AAC "whole.mp4\n"

/* Takes edit lists away and moves every picture 2048 ticks (0.16 s) ahead: presented before zero, decoded at zero. */
static void craft_negative(const struct folder *folder, const char *path)
{
    (void)folder;
    size_t size;
    uint8_t *data = read_file(path, &size);
    int moved = 0;
    for (size_t i = 4; i + 16 < size; i++) {
        if (!memcmp(data + i, "edts", 4))
            memcpy(data + i, "free", 4);
        if (memcmp(data + i, "ctts", 4) != 0)
            continue;
        data[i + 4] = 1; /* version 1: offsets are signed */
        for (uint32_t n = get32(data + i + 8), at = 0; at < n && i + 20 + 8 * at <= size; at++) {
            uint8_t *offset = data + i + 16 + 8 * at;
            put32(offset, get32(offset) - 2048);
        }
        moved++;
    }
    assert_int_equal(moved, 1);
    write_file(path, data, size);
    free(data);
}

static void craft_missing(const struct folder *folder, const char *path)
{
    (void)folder;
    patch_ts_times_away(path, 5);
}

static void craft_mostly_missing(const struct folder *folder, const char *path)
{
    (void)folder;
    patch_ts_times_away(path, 2);
}

static bool begins_late(const struct seen *in)
{
    return (double)in->video.frames[0].time * av_q2d(in->video.time_base) > 0.3;
}

static bool pauses(const struct seen *in)
{
    const struct seen_frame *frames = in->video.frames;
    return (double)(frames[in->video.count - 1].time - frames[0].time) * av_q2d(in->video.time_base) > 280;
}

static bool begins_early(const struct seen *in)
{
    return in->video.frames[0].time < 0;
}

static bool misses_times(const struct seen *in)
{
    for (size_t i = 0; i < in->video.count; i++)
        if (in->video.frames[i].time == AV_NOPTS_VALUE)
            return true;
    return false;
}

static bool falls_back(const struct seen *in)
{
    for (size_t i = 1; i < in->video.count; i++)
        if (in->video.frames[i].time <= in->video.frames[i - 1].time)
            return true;
    return false;
}

static bool wraps(const struct seen *in)
{
    return begins_early(in) && in->video.frames[in->video.count - 1].time > 0;
}

static bool has_2000_packets(const struct seen *in)
{
    const struct seen_audio *audio = &in->audio[0];
    double lead_s = (double)in->video.frames[0].time * av_q2d(in->video.time_base);
    return lead_s / (audio->end_s / (double)audio->count) > 2000;
}

static const struct row rows[] = {
    {
        .name = "variable frame rate",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND "-vf \"select='not(mod(n,3))+lt(n,5)',settb=1/90000\" -vsync vfr" X264 AAC "in.mp4",
    },
    {
        .name = "variable frame rate with B-frames in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SOUND "-vf \"setpts=PTS+0.013*random(1)/TB\" -vsync vfr" X264 "-bf 3" AAC "in.mkv",
        .container = "mkv",
    },
    {
        .name = "a fine clock",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND
                "-vf \"settb=1/90000,setpts=PTS+7*mod(N\\,3)\" -vsync vfr -enc_time_base 1/90000 " X264 AAC
                "-video_track_timescale 90000 in.mp4",
    },
    {
        .name = "30000/1001 frames a second",
        .input = "in.mov",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=30000/1001:d=1" SOUND X264 AAC "in.mov",
        .container = "mov",
    },
    {
        .name = "24000/1001 frames a second in mkv",
        .input = "in.mkv",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=24000/1001:d=1" SOUND X264 AAC "in.mkv",
        .container = "mkv",
    },
    {
        .name = "mp4 to mkv",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=30000/1001:d=1" SOUND X264 "-bf 2" AAC "in.mp4",
        .output = "out.mkv",
        .container = "mkv",
        .warning = "1/1000",
    },
    {
        .name = "mkv to mov",
        .input = "in.mkv",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "in.mkv",
        .output = "out.mov",
        .container = "mov",
    },
    {
        .name = "five frames a second",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=5:d=3" SOUND X264 "-bf 2" AAC "in.mp4",
    },
    {
        .name = "a hundred and twenty frames a second",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=120:d=0.5" X264 "in.mp4",
    },

    /* ---- where it begins ---- */

    {
        .name = "begins late",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "whole.mp4\n"
                "ff -itsoffset 1.2345 -i whole.mp4 -c copy -copyts in.mp4; rm whole.mp4",
        .meant = begins_late,
    },
    {
        .name = "begins late in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "whole.mp4\n"
                "ff -itsoffset 1.2345 -i whole.mp4 -c copy -copyts in.mkv; rm whole.mp4",
        .container = "mkv",
        .meant = begins_late,
    },
    {
        .name = "the picture begins after the sound",
        .input = "in.mp4",
        .make = "ff" PICTURE X264 "-bf 2 v.mp4; ff" SOUND AAC "a.mp4\n"
                "ff -itsoffset 0.3333 -i v.mp4 -i a.mp4 -map 0 -map 1 -c copy in.mp4; rm v.mp4 a.mp4",
        .meant = begins_late,
    },
    {
        .name = "the sound begins after the picture",
        .input = "in.mp4",
        .make = "ff" PICTURE X264 "-bf 2 v.mp4; ff" SOUND AAC "a.mp4\n"
                "ff -i v.mp4 -itsoffset 0.3333 -i a.mp4 -map 0 -map 1 -c copy in.mp4; rm v.mp4 a.mp4",
    },
    {
        .name = "the sound begins after the picture, to mkv",
        .input = "in.mp4",
        .make = "ff" PICTURE X264 "-bf 2 v.mp4; ff" SOUND AAC "a.mp4\n"
                "ff -i v.mp4 -itsoffset 0.3333 -i a.mp4 -map 0 -map 1 -c copy in.mp4; rm v.mp4 a.mp4",
        .output = "out.mkv",
        .container = "mkv",
        .warning = "1/1000",
    },
    {
        .name = "a pause of minutes on a fine clock",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=25:d=2 -vf \"setpts='if(gt(N,25),N+25*280,N)/25/TB'\" "
                "-fps_mode passthrough -enc_time_base 1/1000000" X264 "-bf 0 -video_track_timescale 1000000 in.mp4",
        .options = "--preset veryfast", /* with B-pictures */
        .meant = pauses,
    },
    {
        .name = "the last picture lasts long, as hevc",
        .input = "in.mkv",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=25:d=0.4 -vf \"setpts='(N+if(gt(N,8),20))/25/TB'\" "
                "-fps_mode passthrough" X264 "in.mkv",
        .output = "out.mp4",
        .options = "--codec hevc --preset veryfast",
        .codec = "hevc",
    },
    {
        .name = "begins before zero",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "in.mp4",
        .craft = craft_negative,
        .except = START | WARNINGS, /* mp4 has nothing before zero: everything moves alike */
        .meant = begins_early,
    },
    {
        .name = "ts that begins at 1.4 s",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "in.ts",
        .except = START,
    },
    {
        .name = "a cut with an edit list",
        .input = "in.mp4",
        .make = WHOLE "ff -ss 2.3 -i whole.mp4 -c copy in.mp4; rm whole.mp4",
    },
    {
        .name = "a cut with an edit list in mov",
        .input = "in.mov",
        .make = WHOLE "ff -ss 2.3 -i whole.mp4 -c copy in.mov; rm whole.mp4",
        .container = "mov",
    },
    {
        .name = "a cut with an edit list to mkv",
        .input = "in.mp4",
        .make = WHOLE "ff -ss 2.3 -i whole.mp4 -c copy in.mp4; rm whole.mp4",
        .output = "out.mkv",
        .container = "mkv",
        .except = START, /* its sound begins a little before zero: mkv has to move everything alike */
        .warning = "1/1000",
    },
    {
        .name = "a cut in mkv",
        .input = "in.mkv",
        .make = WHOLE "ff -ss 2.3 -i whole.mp4 -c copy in.mkv; rm whole.mp4",
        .container = "mkv",
    },

/* ---- times that are missing or wrong ---- */

#if LIBAVFORMAT_VERSION_MAJOR < 60 /* later programs do not write such times */
    {
        .name = "an equal time",
        .input = "in.mkv",
        .make = FREE_TIMES("if(eq(N,10),PTS-40,PTS)"),
        .container = "mkv",
        .except = REPAIRED,
        .warning = "",
        .meant = falls_back,
    },
    {
        .name = "a backward time",
        .input = "in.mkv",
        .make = FREE_TIMES("if(eq(N,10),PTS-100,PTS)"),
        .container = "mkv",
        .except = REPAIRED,
        .warning = "",
        .meant = falls_back,
    },
    {
        .name = "backward times to mov",
        .input = "in.mkv",
        .make = FREE_TIMES("if(gt(mod(N,6),3),PTS-140,PTS)"),
        .output = "out.mov",
        .container = "mov",
        .except = REPAIRED,
        .warning = "",
        .meant = falls_back,
    },
#endif
    {
        .name = "every time the same",
        .input = "in.mkv",
        .make = FREE_TIMES("if(lt(N,5),PTS,160)"),
        .container = "mkv",
        .except = REPAIRED,
        .warning = "",
        .meant = falls_back,
    },
    {
        .name = "avi with B-frames has no presentation times",
        .input = "in.avi",
        .make = "ff" PICTURE SOUND "-c:v mpeg4 -bf 2 -q:v 4 -c:a libmp3lame in.avi",
        .except = START | WARNINGS,
        .meant = misses_times,
    },
    {
        .name = "avi without B-frames",
        .input = "in.avi",
        .make = "ff" PICTURE SOUND "-c:v mpeg4 -q:v 4 -c:a libmp3lame in.avi",
    },
    {
        .name = "ts with missing times",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-bf 0" AAC "in.ts",
        .craft = craft_missing,
        .except = START | WARNINGS,
        .meant = misses_times,
    },
    {
        .name = "ts with half of its times missing",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND "-c:v mpeg2video -q:v 4 -bf 0 -c:a mp2 in.ts",
        .craft = craft_mostly_missing,
        .except = START | WARNINGS,
    },
    {
        .name = "ts whose clock wraps",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "-muxdelay 0 -output_ts_offset 95443.2 in.ts",
        .except = START | WARNINGS,
        .meant = wraps,
    },
    {
        .name = "ts shortly before the clock wraps",
        .input = "in.ts",
        .make = "ff" PICTURE SOUND X264 "-bf 2" AAC "-muxdelay 0 -output_ts_offset 95440 in.ts",
        .except = START | WARNINGS,
        .meant = begins_early,
    },

    /* ---- pictures and sound far apart in the file ---- */

    {
        .name = "2000 packets of sound before the first picture",
        .input = "in.mkv",
        .make = "ff" PICTURE X264 "v.mp4\n"
                "ff -f lavfi -i sine=r=48000:d=7 -c:a libopus -frame_duration 2.5 -b:a 24k a.mkv\n"
                "ff -itsoffset 5.5 -i v.mp4 -i a.mkv -map 0 -map 1 -c copy in.mkv; rm v.mp4 a.mkv",
        .container = "mkv",
        .meant = has_2000_packets,
    },
    {
        .name = "the picture begins after 45 s of sound",
        .input = "in.mp4",
        .make = "ff" PICTURE X264 "v.mp4; ff -f lavfi -i sine=r=48000:d=46 -c:a aac -b:a 32k a.mp4\n"
                "ff -itsoffset 45 -i v.mp4 -i a.mp4 -map 0 -map 1 -c copy in.mp4; rm v.mp4 a.mp4",
        .meant = has_2000_packets,
    },
    {
        .name = "the sound ends long before the picture",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=10:d=12" SOUND X264 AAC "in.mp4",
    },
    {
        .name = "all pictures first, then all sound",
        .input = "in.mov",
        .make = "ff -f lavfi -i testsrc2=s=192x144:r=10:d=5 -f lavfi -i sine=r=48000:d=5" X264 AAC
                "-chunk_duration 10000000 in.mov",
        .container = "mov",
    },
};

int main(void)
{
    return rows_run("time", rows, sizeof(rows) / sizeof(*rows));
}
