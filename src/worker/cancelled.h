/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs that somebody wants cancelled, until they end: the control topic as a bounded set. One thread. */
#ifndef VIDRIERA_WORKER_CANCELLED_H
#define VIDRIERA_WORKER_CANCELLED_H

#include <jansson.h>
#include <stdbool.h>

enum { VD_CANCELLED_MAX = 10000 };

struct vd_cancelled {
    json_t *jobs; /* an object as a set */
};

/* False when the set is full. */
bool vd_cancelled_add(struct vd_cancelled *set, const char *job);
void vd_cancelled_remove(struct vd_cancelled *set, const char *job);
bool vd_cancelled_has(const struct vd_cancelled *set, const char *job);
void vd_cancelled_finish(struct vd_cancelled *set);

#endif
