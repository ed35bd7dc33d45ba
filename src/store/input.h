/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second half of opening an input, however its name was looked up. */
#ifndef VIDRIERA_STORE_INPUT_H
#define VIDRIERA_STORE_INPUT_H

#include "vidriera/store.h"

/* Takes fd: returned when it is a recording. When it is -1, errno tells why. Otherwise as vd_input_open(). */
int vd_input_take(int fd, const char *name, struct stat *st, struct vd_err *err);

#endif
