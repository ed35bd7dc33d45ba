/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/patience.h"

#include "vidriera/now.h"

#include <time.h>

#define HANGS_BELOW_S 0.02 /* of processor time from one look to the next */

static double computed_by(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct vd_patience vd_patience_begin(pid_t pid)
{
    double now = vd_monotonic();
    return (struct vd_patience){.pid = pid, .began = now, .looked = now};
}

bool vd_patience_waits(struct vd_patience *patience)
{
    double now = vd_monotonic(), wall = now - patience->began;
    if (now - patience->looked >= VD_PATIENCE_LOOK_MS / 1000.0) {
        double before = patience->computed;
        patience->computed = computed_by(patience->pid);
        patience->hangs = patience->computed - before < HANGS_BELOW_S;
        patience->looked = now;
    }
    if (wall < VD_PATIENCE_S)
        return true;
    return wall < VD_PATIENCE_MOST_S && patience->computed < VD_PATIENCE_S && !patience->hangs;
}

double vd_patience_spent(const struct vd_patience *patience)
{
    return vd_monotonic() - patience->began;
}
