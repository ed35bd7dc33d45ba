/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder beneath a root that need not be there. */
#ifndef VIDRIERA_STORE_FOLDER_H
#define VIDRIERA_STORE_FOLDER_H

#include "vidriera/roots.h"

enum { VD_NO_FOLDER = -2 };

/* VD_NO_FOLDER: nothing is there. -1: VD_IO; errno is EACCES when it is there and closed to this user. */
int vd_folder_look(const struct vd_roots *roots, enum vd_root root, const char *folder, struct vd_err *err);

#endif
