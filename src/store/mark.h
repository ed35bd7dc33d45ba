/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a root the folder that it was? Its marker, and what the state folder remembers of it. */
#ifndef VIDRIERA_STORE_MARK_H
#define VIDRIERA_STORE_MARK_H

#include "vidriera/roots.h"

#define VD_MARK ".vidriera-root"

/* Has a folder of that path been used as this root? 1, 0; -1: the state folder cannot be read. */
int vd_mark_known(const struct vd_roots *roots, enum vd_root root);

/* Looks at an open root; one that is not known is marked and remembered now. VD_IO: it is another folder. */
int vd_mark_check(const struct vd_roots *roots, enum vd_root root, int fd, struct vd_err *err);

/* What is said of a root that is away. Returns -1. */
int vd_mark_away(const struct vd_roots *roots, enum vd_root root, const char *why, struct vd_err *err);

#endif
