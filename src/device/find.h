/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Candidates of a table of backends on a machine, for vd_device_candidates() and for tests. */
#ifndef VIDRIERA_DEVICE_FIND_H
#define VIDRIERA_DEVICE_FIND_H

#include "backend.h"

/* rows: `count` of them. root: as in vidriera/node.h. */
int vd_find_candidates(const char *root, const struct vd_backend *const *rows, int count, const char *wanted,
                       struct vd_candidate list[VD_CANDIDATES]);

#endif
