/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which device a job is done on: the first candidate (vidriera/device.h) that has really decoded, tinted and encoded a few
 * pictures, tried in a slot of its own with a time limit, the verdict kept in the cache folder. A device that fails in the
 * middle of a job is left alone for a while. One thread.
 */
#ifndef VIDRIERA_CHOOSE_H
#define VIDRIERA_CHOOSE_H

#include "vidriera/device.h"
#include "vidriera/job.h"

#include <stdbool.h>

struct vd_chooser;

struct vd_chooser_setup {
    const char *wanted; /* the words of --device */
    const char *cache;  /* folder for verdicts; NULL: none are kept */
    const struct vd_limits *limits;
    bool afresh; /* verdicts in the cache are not read */
};

struct vd_choice {
    char words[64];   /* for the slot and the job */
    char reason[480]; /* why not a better one, as results tell it; empty: it is the best there is */
    bool demanded;    /* nothing else will do */
};

/* VD_UNAVAILABLE is not told here but by vd_chooser_take(). NULL and *err (VD_INPUT: no memory). */
struct vd_chooser *vd_chooser_open(const struct vd_chooser_setup *setup, struct vd_err *err);
void vd_chooser_close(struct vd_chooser *chooser);

/*
 * The best device there is now. Tries candidates whose verdict is not known, each with two sizes of picture: a size takes
 * a second or so, VD_PATIENCE_S where a driver hangs, and VD_PATIENCE_MOST_S at most where it computes on
 * (vidriera/patience.h). The first call does, and a later one where a device was busy when it was tried, or failed. A
 * demanded device is not tried beyond being a candidate, for its job will tell, unless the words fit several: then it is the
 * first of them that works. VD_UNAVAILABLE, or VD_AGAIN where one is only busy: there is none.
 */
int vd_chooser_take(struct vd_chooser *chooser, struct vd_choice *choice, struct vd_err *err);

/* Whether a job's error is about the device that it was done on, so that another one may do it: VD_UNAVAILABLE or VD_AGAIN
 * of opening it, or of a stage that it has a part in. */
bool vd_chooser_blames(const struct vd_err *err);

/*
 * What became of a job on that device. It failed there: the device is given up for a while (60 s, doubled each time, an hour
 * at most; with a now of INFINITY for good) and with it all rows that have the same node; that they worked is forgotten,
 * also in the cache. It was busy (VD_AGAIN): only for 10 s, and nothing is forgotten. It worked: all that is over, unless
 * it has failed since that job began. now, began: monotonic.
 */
void vd_chooser_failed(struct vd_chooser *chooser, const char *words, const struct vd_err *err, double now);
void vd_chooser_worked(struct vd_chooser *chooser, const char *words, double began);

/* Candidate i as it stands, for doctor and metrics. */
struct vd_trial {
    struct vd_candidate candidate;
    bool tried; /* in this process or, by the cache, before */
    bool works;
    struct vd_err err; /* why it does not */
    json_t *report;    /* as vd_trial_run() makes it: a probe's report a picture size; NULL: not tried; the chooser's */
};

const struct vd_trial *vd_chooser_trial(const struct vd_chooser *chooser, int i); /* NULL past the end */

/* Tries all candidates, working or not; for doctor. */
void vd_chooser_try_all(struct vd_chooser *chooser);

/* Which codecs go in and out of candidate i, tried now: as vd_trial_codecs() tells, a new array. NULL: it has none of its own,
 * or does not work. For doctor. */
json_t *vd_chooser_codecs(struct vd_chooser *chooser, int i);

/* The folder for verdicts, made; NULL: there is none. Valid as long as the chooser. */
const char *vd_chooser_cache(struct vd_chooser *chooser);

#endif
