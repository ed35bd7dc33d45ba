/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few short recordings through the whole pipeline: small enough for ThreadSanitizer. */
#include "row.h"

static const struct row rows[] = {
    {
        .name = "mp4 with sound",
        .input = "in.mp4",
        .make = "ff" PICTURE SOUND X264 AAC "in.mp4",
    },
    {
        .name = "pictures that depend on later ones",
        .input = "in.mkv",
        .make = "ff" PICTURE X264 "-bf 3 -g 12 in.mkv",
        .container = "mkv",
    },
    {
        .name = "padded, and written to another frame",
        .input = "in.webm",
        .make = "ff" PICTURE "-vf scale=175:143 -frames:v 10 -c:v libvpx -deadline realtime -cpu-used 8 in.webm",
        .warning = "",
    },
    {
        .name = "ten bits",
        .input = "in.mp4",
        .make = "ff" PICTURE "-frames:v 8 -pix_fmt yuv420p10le" X265 " in.mp4",
        .codec = "hevc",
        .format = "yuv420p10le",
    },
    {
        .name = "another size half way",
        .input = "in.ts",
        .make = "ff" PICTURE X264 "-bf 0 -muxdelay 0 one.ts\n"
                "ff -f lavfi -i testsrc2=s=320x180:r=25:d=1" X264 "-bf 0 -muxdelay 0 -output_ts_offset 1 two.ts\n"
                "cat one.ts two.ts > in.ts",
        .frames = 50,
        .except = START,
        .warning = "192x144",
    },
};

int main(void)
{
    return rows_run("pipeline_smoke", rows, sizeof(rows) / sizeof(*rows));
}
