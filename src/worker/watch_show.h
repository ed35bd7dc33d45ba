/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a watch that is alone in its process shows of it, as show.h does for a worker; of another one, nothing. Its loop's
 * thread. */
#ifndef VIDRIERA_WORKER_WATCH_SHOW_H
#define VIDRIERA_WORKER_WATCH_SHOW_H

#include "watch_send.h"

/* Each time round the loop. away: the folder that is; NULL: none. */
void vd_watch_show(const struct vd_watch_setup *setup, const struct vd_watch_out *out, const struct vd_err *away);

/* In the middle of what takes long, as long as it goes on. */
void vd_watch_show_alive(const struct vd_watch_setup *setup);

/* The loop comes round after this time at the latest. */
int64_t vd_watch_show_longest_ms(const struct vd_watch_setup *setup);

void vd_watch_show_end(const struct vd_watch_setup *setup);

#endif
