/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include "vidriera/web.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 5000 };

int vd_ask(const struct vd_settings *settings, const char *path, bool shows_token, char **body, struct vd_err *err)
{
    const char *file = shows_token ? settings->http.token_file : NULL;
    char *token = NULL;
    if (!strcmp(settings->http.listen, "off"))
        return vd_fail(err, VD_CONFIG, "", "http.listen is off: there is nobody to ask; give it an address");
    if (file && !(token = vd_web_token(file, err)))
        return -1;
    int code = vd_web_get(settings->http.listen, path, token, ANSWER_MS, body, err);
    free(token);
    return code;
}
