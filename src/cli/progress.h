/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far along, on stderr: a bar that redraws itself on a terminal, or lines for a log. One thread. */
#ifndef VIDRIERA_CLI_PROGRESS_H
#define VIDRIERA_CLI_PROGRESS_H

#include "settings.h"

struct vd_progress {
    enum { VD_SHOW_NOTHING, VD_SHOW_BAR, VD_SHOW_LINES } show;
    double shown_at; /* monotonic seconds */
    bool drawn;
};

struct vd_progress_state {
    double fraction; /* negative: not known */
    int64_t frames;
    double spent_s;    /* since the start */
    double position_s; /* of the recording */
};

/* auto: a bar when stderr is a terminal, else nothing; quiet logs show nothing. Before the slot starts: it inherits
 * that there may be a bar to wipe. */
void vd_progress_init(struct vd_progress *progress, enum vd_progress_mode mode);
void vd_progress_update(struct vd_progress *progress, const struct vd_progress_state *state);

/* Takes the bar away; lines end with the last state. */
void vd_progress_end(struct vd_progress *progress, const struct vd_progress_state *state);

#endif
