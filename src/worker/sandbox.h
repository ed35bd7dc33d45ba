/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a slot gives up before it reads a single byte of input. */
#ifndef VIDRIERA_WORKER_SANDBOX_H
#define VIDRIERA_WORKER_SANDBOX_H

#include "vidriera/job.h"

#include <sys/types.h>

/*
 * In the child, right after fork: keeps standard error and `socket` (which becomes the returned descriptor), closes all
 * other descriptors, empties the environment, leaves the working folder, ignores the terminal's signals, dies with
 * `parent`, takes no new privileges, dumps no core, and limits its memory. -1 when the parent is already gone.
 */
int vd_sandbox_enter(int socket, pid_t parent, const struct vd_limits *limits);

#endif
