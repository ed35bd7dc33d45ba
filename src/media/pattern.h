/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures to try a device with: waves of brightness and colour that move, smooth enough for any encoder, and nowhere alike
 * from one picture to the next. Any thread. */
#ifndef VIDRIERA_MEDIA_PATTERN_H
#define VIDRIERA_MEDIA_PATTERN_H

#include "vidriera/err.h"

#include <libavutil/frame.h>

struct vd_pattern {
    int width, height;
    enum AVPixelFormat format; /* yuv420p or yuv420p10 */
};

/* Picture i, for the caller to free; NULL: no memory. */
AVFrame *vd_pattern_picture(const struct vd_pattern *pattern, int i);

/* Writes a recording of that many pictures, losslessly coded, to an empty file. */
int vd_pattern_write(const struct vd_pattern *pattern, int pictures, int fd, struct vd_err *err);

#endif
