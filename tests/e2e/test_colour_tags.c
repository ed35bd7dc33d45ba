/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells a player how to show the pictures: colour tags, HDR, shape, rotation, fields. */
#include "row.h"

#define SHORT " -frames:v 10 "
#define TEN " -pix_fmt yuv420p10le "

/* -color_* of the encoder; the pictures themselves are made in that matrix and range by scale. */
#define TAGGED(matrix, range, tags)                                                                                    \
    "ff" PICTURE SHORT "-vf scale=out_color_matrix=" matrix ":out_range=" range ",format=yuv420p" X264 tags " in.mp4"

#define HDR10                                                                                                          \
    ":hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:"             \
    "master-display=G\\(13250,34500\\)B\\(7500,3000\\)R\\(34000,16000\\)WP\\(15635,16450\\)L\\(10000000,50\\)"

/* Twice the pictures, woven into fields. */
#define TOP_FIRST "ff -f lavfi -i testsrc2=s=192x144:r=50:d=1 -vf tinterlace=interleave_top,setfield=tff "
#define BOTTOM_FIRST "ff -f lavfi -i testsrc2=s=192x144:r=50:d=1 -vf tinterlace=interleave_bottom,setfield=bff "

static const int32_t one = 1 << 16;

static void craft_matrix(const char *path, int32_t a, int32_t b, int32_t c, int32_t d)
{
    const int32_t x = a < 0 || c < 0 ? 192 * one : 0, y = b < 0 || d < 0 ? 144 * one : 0;
    patch_display_matrix(path, (const int32_t[9]){a, b, 0, c, d, 0, x, y, 1 << 30});
}

static void craft_90(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, 0, one, -one, 0);
}

static void craft_180(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, -one, 0, 0, -one);
}

static void craft_270(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, 0, -one, one, 0);
}

static void craft_mirrored(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, -one, 0, 0, one);
}

static void craft_upside_down(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, one, 0, 0, -one);
}

static void craft_transposed(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, 0, one, one, 0);
}

static void craft_antitransposed(const struct folder *f, const char *path)
{
    (void)f;
    craft_matrix(path, 0, -one, -one, 0);
}

static bool is_hdr(const struct seen *in)
{
    return in->video.mastering && in->video.light && in->video.transfer == AVCOL_TRC_SMPTE2084;
}

static bool is_hlg(const struct seen *in)
{
    return in->video.transfer == AVCOL_TRC_ARIB_STD_B67;
}

static bool is_full(const struct seen *in)
{
    return in->video.range == AVCOL_RANGE_JPEG;
}

static bool is_anamorphic(const struct seen *in)
{
    return in->video.sample_aspect.num > in->video.sample_aspect.den;
}

static bool is_top_first(const struct seen *in)
{
    return in->video.frames[0].interlaced && in->video.frames[0].top_first;
}

static bool is_bottom_first(const struct seen *in)
{
    return in->video.frames[0].interlaced && !in->video.frames[0].top_first;
}

static const struct row rows[] = {
    {
        .name = "untagged SD",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
    },
    {
        .name = "untagged HD",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=1280x544:r=25 -frames:v 3" X264 "in.mp4",
    },
    {
        .name = "untagged and tall",
        .input = "in.mp4",
        .make = "ff -f lavfi -i testsrc2=s=320x640:r=25 -frames:v 3" X264 "in.mp4",
    },
    {
        .name = "BT.601, 625 lines",
        .input = "in.mp4",
        .make = TAGGED("bt601", "tv",
                       "-colorspace bt470bg -color_primaries bt470bg -color_trc gamma28 -color_range tv"),
    },
    {
        .name = "BT.601, 525 lines",
        .input = "in.mp4",
        .make = TAGGED("bt601", "tv",
                       "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m -color_range tv"),
    },
    {
        .name = "BT.709 in SD",
        .input = "in.mp4",
        .make = TAGGED("bt709", "tv", "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"),
    },
    {
        .name = "BT.709 of full range",
        .input = "in.mp4",
        .make = TAGGED("bt709", "pc", "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc"),
        .meant = is_full,
    },
    {
        .name = "BT.2020 of eight bits",
        .input = "in.mp4",
        .make = TAGGED("bt2020", "tv",
                       "-colorspace bt2020nc -color_primaries bt2020 -color_trc bt2020-10 -color_range tv"),
    },
    {
        .name = "SMPTE 240M",
        .input = "in.mp4",
        .make = TAGGED("smpte240m", "tv",
                       "-colorspace smpte240m -color_primaries smpte240m -color_trc smpte240m -color_range tv"),
    },
    {
        .name = "matrix alone",
        .input = "in.mp4",
        .make = TAGGED("bt709", "tv", "-colorspace bt709"),
    },
    {
        .name = "sRGB transfer",
        .input = "in.mp4",
        .make = TAGGED("bt709", "tv", "-colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1"),
    },
    {
        .name = "tags in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SHORT "-vf scale=out_color_matrix=bt709:out_range=pc,format=yuv420p" X264
                "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc in.mkv",
        .container = "mkv",
    },
    {
        .name = "tags from mkv to mp4",
        .input = "in.mkv",
        .make = "ff" PICTURE SHORT "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -colorspace bt709 "
                "-color_primaries bt709 -color_trc bt709 -color_range tv in.mkv",
        .output = "out.mp4",
    },
    {
        .name = "full range in mjpeg",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT "-pix_fmt yuvj420p -c:v mjpeg in.mov",
        .container = "mov",
        .meant = is_full,
    },
    {
        .name = "full range to hevc",
        .input = "in.mp4",
        .make = TAGGED("bt709", "pc", "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc"),
        .options = "--codec hevc",
        .codec = "hevc",
        .meant = is_full,
    },
    {
        .name = "full range to av1",
        .input = "in.mp4",
        .make = TAGGED("bt709", "pc", "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc"),
        .options = "--codec av1",
        .codec = "av1",
        .meant = is_full,
    },
    {
        .name = "HDR10",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT TEN X265 HDR10 " in.mp4",
        .codec = "hevc",
        .format = "yuv420p10le",
        .meant = is_hdr,
    },
    {
        .name = "HDR10 in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SHORT TEN X265 HDR10 " in.mkv",
        .container = "mkv",
        .codec = "hevc",
        .format = "yuv420p10le",
        .meant = is_hdr,
    },
    {
        .name = "HDR10 to av1",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT TEN X265 HDR10 " in.mp4",
        .options = "--codec av1",
        .codec = "av1",
        .format = "yuv420p10le",
        .meant = is_hdr,
    },
    {
        .name = "HLG",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT TEN X265 ":colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc in.mp4",
        .codec = "hevc",
        .format = "yuv420p10le",
        .meant = is_hlg,
    },

    /* ---- shape ---- */

    {
        .name = "anamorphic",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT "-vf setsar=16/11" X264 "in.mp4",
        .meant = is_anamorphic,
    },
    {
        .name = "anamorphic in mkv",
        .input = "in.mkv",
        .make = "ff" PICTURE SHORT "-vf setsar=4/3" X264 "in.mkv",
        .container = "mkv",
        .meant = is_anamorphic,
    },
    {
        .name = "anamorphic mpeg2",
        .input = "in.ts",
        .make = "ff -f lavfi -i testsrc2=s=352x288:r=25 -vf setsar=16/11" SHORT "-c:v mpeg2video -q:v 4 in.ts",
        .except = START,
        .meant = is_anamorphic,
    },
    {
        .name = "anamorphic and odd",
        .input = "in.webm",
        .make = "ff" PICTURE SHORT "-vf scale=175:143,setsar=4/3 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 "
                "in.webm",
        .warning = "176x144",
        .meant = is_anamorphic,
    },
    {
        .name = "rotated by 90",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_90,
    },
    {
        .name = "rotated by 180",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_180,
    },
    {
        .name = "rotated by 270",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT X264 "in.mov",
        .craft = craft_270,
        .container = "mov",
    },
    {
        .name = "mirrored",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_mirrored,
    },
    {
        .name = "upside down",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_upside_down,
    },
    {
        .name = "transposed",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_transposed,
    },
    {
        .name = "transposed the other way",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_antitransposed,
    },
    {
        .name = "rotated, odd and of full range",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT "-vf scale=175:143 -pix_fmt yuvj420p -c:v mjpeg in.mov",
        .craft = craft_90,
        .container = "mov",
        .warning = "176x144",
        .meant = is_full,
    },
    {
        .name = "rotated to hevc",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_90,
        .options = "--codec hevc",
        .codec = "hevc",
    },
#if LIBAVFORMAT_VERSION_MAJOR >= 61 /* before, mkv loses it: refused, see test_bad_input.c */
    {
        .name = "rotated to mkv",
        .input = "in.mp4",
        .make = "ff" PICTURE SHORT X264 "in.mp4",
        .craft = craft_90,
        .output = "out.mkv",
        .container = "mkv",
        .warning = "1/1000 s",
    },
#endif

    /* ---- fields ---- */

    {
        .name = "interlaced, top field first",
        .input = "in.mp4",
        .make = TOP_FIRST X264 "-flags +ildct+ilme -x264-params tff=1 in.mp4",
        .meant = is_top_first,
    },
    {
        .name = "interlaced, bottom field first",
        .input = "in.mp4",
        .make = BOTTOM_FIRST X264 "-flags +ildct+ilme -x264-params bff=1 in.mp4",
        .meant = is_bottom_first,
    },
    {
        .name = "interlaced mpeg2, top field first",
        .input = "in.ts",
        .make = TOP_FIRST "-c:v mpeg2video -q:v 4 -flags +ildct+ilme -top 1 in.ts",
        .except = START,
        .meant = is_top_first,
    },
    {
        .name = "interlaced mpeg2, bottom field first",
        .input = "in.mkv",
        .make = BOTTOM_FIRST "-c:v mpeg2video -q:v 4 -flags +ildct+ilme -top 0 in.mkv",
        .container = "mkv",
        .meant = is_bottom_first,
    },
    {
        .name = "interlaced prores of ten bits",
        .input = "in.mov",
        .make = TOP_FIRST SHORT "-pix_fmt yuv422p10le -c:v prores_ks -flags +ildct -top 1 in.mov",
        .container = "mov",
        .codec = "h264", /* by default it were HEVC, but x265 cannot say which field is first */
        .format = "yuv422p10le",
        .except = WARNINGS,
        .meant = is_top_first,
    },
    {
        .name = "progressive, flagged by the container alone",
        .input = "in.mov",
        .make = "ff" PICTURE SHORT "-field_order progressive" X264 "in.mov",
        .container = "mov",
    },
};

int main(void)
{
    return rows_run("colour_tags", rows, sizeof(rows) / sizeof(*rows));
}
