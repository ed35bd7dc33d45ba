/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The effect as a viewer sees it: mean colours of both halves against 0.7 of the input's and 0.3 of blue or red, worked
 * out here in real numbers from Rec. ITU-T H.273, 8.3.
 */
#include "check.h"

#include <libavutil/pixdesc.h>
#include <math.h>
#include <string.h>

/* What coding at quality 23 does to the mean of half a picture; blue and red in the wrong half are 35 apart. */
static const double tolerance = 2.5;

static void luma_weights(const struct seen_video *video, double *kr, double *kb)
{
    switch (video->space) {
    case AVCOL_SPC_BT709:
        *kr = 0.2126, *kb = 0.0722;
        return;
    case AVCOL_SPC_BT2020_NCL:
        *kr = 0.2627, *kb = 0.0593;
        return;
    case AVCOL_SPC_SMPTE240M:
        *kr = 0.212, *kb = 0.087;
        return;
    case AVCOL_SPC_FCC:
        *kr = 0.30, *kb = 0.11;
        return;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        *kr = 0.299, *kb = 0.114;
        return;
    default: /* untagged: what players assume */
        if (video->width >= 1280 || video->height > 576)
            *kr = 0.2126, *kb = 0.0722;
        else
            *kr = 0.299, *kb = 0.114;
    }
}

/* rgb: 0 to 255. The codes are on a scale of 8 bits. */
static void to_codes(const double rgb[3], const struct seen_video *video, double codes[3])
{
    double kr, kb;
    luma_weights(video, &kr, &kb);
    bool full = video->range == AVCOL_RANGE_JPEG || strstr(av_get_pix_fmt_name(video->format), "yuvj");
    double r = rgb[0] / 255, g = rgb[1] / 255, b = rgb[2] / 255;
    double y = kr * r + (1 - kr - kb) * g + kb * b;
    codes[0] = full ? 255 * y : 16 + 219 * y;
    codes[1] = 128 + (full ? 255 : 224) * (b - y) / (2 * (1 - kb));
    codes[2] = 128 + (full ? 255 : 224) * (r - y) / (2 * (1 - kr));
}

void check_colours(struct run *run)
{
    static const double colours[2][3] = {{0, 0, 255}, {255, 0, 0}};
    const struct seen_video *in = &run->in.video, *out = &run->out.video;
    bool rgb = av_pix_fmt_desc_get(in->format)->flags & AV_PIX_FMT_FLAG_RGB;
    for (size_t i = 0; i < in->count && i < out->count; i++) {
        for (int half = LEFT; half <= RIGHT; half++) {
            double colour[3], was[3];
            to_codes(colours[half], out, colour);
            if (rgb)
                to_codes(in->frames[i].mean[half], out, was);
            else
                memcpy(was, in->frames[i].mean[half], sizeof(was));
            const double *is = out->frames[i].mean[half];
            for (int c = 0; c < 3; c++) {
                double wanted = 0.7 * was[c] + 0.3 * colour[c];
                if (fabs(is[c] - wanted) <= tolerance)
                    continue;
                complain(run, "frame %zu, %s half: %.1f %.1f %.1f; component %d should be %.1f", i,
                         half == LEFT ? "left" : "right", is[0], is[1], is[2], c, wanted);
                return;
            }
        }
    }
}
