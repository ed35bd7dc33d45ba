/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host.h"

#include "vidriera/log.h"

#include <string.h>

static const double first_pause = 2, longest_pause = 30;

void vd_host_fault(struct vd_host *host, const struct vd_err *err, double now)
{
    if (!host->ill || strcmp(host->err.text, err->text))
        vd_log(VD_LOG_ERROR, "%s; no job is taken until then, and none is given up", err->text);
    host->pause = !host->ill ? first_pause : host->pause * 2 < longest_pause ? host->pause * 2 : longest_pause;
    host->ill = true;
    host->err = *err;
    host->retry_at = now + host->pause;
}

void vd_host_well(struct vd_host *host)
{
    if (host->ill)
        vd_log(VD_LOG_WARNING, "going on: what stood in the way has passed");
    host->ill = false;
    host->room = 0;
}

int vd_host_allows(const struct vd_host *host, double now, int all)
{
    if (!host->ill)
        return all;
    return now >= host->retry_at ? 1 : 0;
}
