/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a device's pictures are those that it ought to make, give or take what encoding costs: picture by picture, so
 * that one bad one among many is seen, and area by area, so that what is wrong in a corner, at an edge or beside the middle
 * is. One thread.
 */
#ifndef VIDRIERA_MEDIA_JUDGE_H
#define VIDRIERA_MEDIA_JUDGE_H

#include "apart.h"

#include "vidriera/err.h"

/* Pictures are at least that wide and high. */
enum { VD_JUDGED_MIN = 64 };

struct vd_judge {
    const char *what;      /* is judged, in words */
    struct vd_apart apart; /* so far */
};

/*
 * The next pair; NULL: one side has no more. 1: they are the same but for what an encoder does; 0: both have ended, after
 * one pair at least. -1 and *err (VD_UNAVAILABLE): not so, with words on what is wrong.
 */
int vd_judge_next(struct vd_judge *judge, const AVFrame *right, const AVFrame *made, struct vd_err *err);

#endif
