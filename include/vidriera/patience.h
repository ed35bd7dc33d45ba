/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a child is waited for that may hang in a driver, or only be slow: a driver compiles, on a machine that does much
 * else. One thread.
 */
#ifndef VIDRIERA_PATIENCE_H
#define VIDRIERA_PATIENCE_H

#include <stdbool.h>
#include <sys/types.h>

/* Where the child goes on computing, the first is processor time, and the second the limit. */
enum { VD_PATIENCE_S = 5, VD_PATIENCE_MOST_S = 20 };

/* Ask so often, or more. */
enum { VD_PATIENCE_LOOK_MS = 1000 };

struct vd_patience {
    pid_t pid;
    double began, looked; /* monotonic */
    double computed;      /* processor time at the last look */
    bool hangs;           /* at the last look */
};

struct vd_patience vd_patience_begin(pid_t pid);

/* Whether to wait on. */
bool vd_patience_waits(struct vd_patience *patience);

/* Seconds so far. */
double vd_patience_spent(const struct vd_patience *patience);

#endif
