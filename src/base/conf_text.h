/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files of settings, read whole. */
#ifndef VIDRIERA_BASE_CONF_TEXT_H
#define VIDRIERA_BASE_CONF_TEXT_H

#include "vidriera/err.h"

/*
 * The text of a regular file, for the caller to free. NULL: VD_CONFIG, which ends with cure, or VD_AGAIN. missing_ok: a
 * file that is not there is NULL without an error.
 */
char *vd_conf_text(const char *path, int missing_ok, const char *cure, struct vd_err *err);

#endif
