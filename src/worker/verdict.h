/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What came of trying a device, remembered in the cache folder: one small file a candidate's key. A file that cannot be
 * read, or is none of ours, is as good as none; one that cannot be written is written the next time. Any thread.
 */
#ifndef VIDRIERA_WORKER_VERDICT_H
#define VIDRIERA_WORKER_VERDICT_H

#include "vidriera/err.h"

#include <jansson.h>
#include <stdbool.h>

enum { VD_VERDICT_REFUSED_S = 600 }; /* how long one is refused for */

struct vd_verdict_on {
    bool works;
    struct vd_err err; /* why it does not */
    json_t *report;    /* the receiver's; NULL: there is none */
};

/* Makes the folder and those above it (0700) where they are not. False: it is not to be had. */
bool vd_verdict_folder(const char *folder);

/* now: wall clock. False: nothing is known, or not any more. */
bool vd_verdict_read(const char *folder, const char *key, double now, struct vd_verdict_on *verdict);

void vd_verdict_write(const char *folder, const char *key, double now, const struct vd_verdict_on *verdict);

/* What was known is not true any more. */
void vd_verdict_remove(const char *folder, const char *key);

#endif
