/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include "vidriera/log.h"

#include <errno.h>
#include <string.h>

int vd_command_end(int ret, const struct vd_err *err)
{
    if (ret >= 0)
        return vd_code_exit(VD_OK);
    vd_log(VD_LOG_ERROR, "%s", err->text);
    return vd_code_exit(err->code);
}

int vd_command_printed(struct vd_err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return vd_fail(err, VD_IO, "", "stdout cannot be written: %s; check it", strerror(errno));
}
