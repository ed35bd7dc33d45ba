/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/web.h"

#include <microhttpd.h>

const char *vd_web_library(void)
{
    return MHD_get_version();
}
