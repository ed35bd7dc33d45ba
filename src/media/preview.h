/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One picture from the middle, before and after, side by side, as the viewer sees it, as PNG. Kept while the encode
 * thread runs, written after it.
 */
#ifndef VIDRIERA_MEDIA_PREVIEW_H
#define VIDRIERA_MEDIA_PREVIEW_H

#include "picture.h"

struct vd_plan;

struct vd_preview {
    bool wanted;
    int64_t middle_us; /* the first picture at or after this time, from the first one */
    bool found;
    AVFrame *before, *after;
};

/* Whether the picture at that time is to be kept: the first of all until the middle is reached. */
bool vd_preview_wants(const struct vd_preview *preview, int64_t position_us);

/* Keep a reference; replace an earlier one. Negative AVERROR. */
int vd_preview_before(struct vd_preview *preview, const AVFrame *frame, int64_t position_us);
int vd_preview_after(struct vd_preview *preview, const AVFrame *frame);

/* Writes the PNG to fd. VD_IO; VD_DEFECT. */
int vd_preview_write(const struct vd_preview *preview, const struct vd_plan *plan, int fd, struct vd_err *err);
void vd_preview_finish(struct vd_preview *preview);

#endif
