/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera health`: an exit status for HEALTHCHECK and probes. */
#include "ask.h"

#include <stdlib.h>
#include <string.h>

static int check(const struct vd_settings *settings, struct vd_err *err)
{
    const char *path = settings->ready ? "/readyz" : "/healthz";
    char *body = NULL;
    int code = vd_ask(settings, path, false, &body, err);
    if (code < 0)
        return -1;
    body[strcspn(body, "\n")] = '\0';
    int ret = code == 200 ? 0 : vd_fail(err, VD_UNAVAILABLE, "", "%s answers %d: %s", path, code, body);
    if (ret == 0 && puts(body) >= 0)
        ret = vd_command_printed(err);
    free(body);
    return ret;
}

int vd_cmd_health(const struct vd_command *self, int argc, char **argv)
{
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = check(&settings, &err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
