/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/err.h"

#include "vidriera/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int status;
    const char *fate;
} codes[] = {
    [VD_OK] = {"ok", EX_OK, "none"},
    [VD_USAGE] = {"usage", EX_USAGE, "reject"},
    [VD_INPUT] = {"input", EX_DATAERR, "reject"},
    [VD_NO_INPUT] = {"no-input", EX_NOINPUT, "reject"},
    [VD_UNAVAILABLE] = {"unavailable", EX_UNAVAILABLE, "host"},
    [VD_UNFIT] = {"unfit", EX_UNAVAILABLE, "reject"},
    [VD_DEFECT] = {"defect", EX_SOFTWARE, "retry"},
    [VD_NO_OUTPUT] = {"no-output", EX_CANTCREAT, "host"},
    [VD_IO] = {"io", EX_IOERR, "host"},
    [VD_AGAIN] = {"again", EX_TEMPFAIL, "retry"},
    [VD_CONFIG] = {"config", EX_CONFIG, "host"},
};

enum { CODES = sizeof codes / sizeof *codes };

int vd_fail(struct vd_err *err, enum vd_code code, const char *stage, const char *fmt, ...)
{
    va_list args;
    if (!err)
        return -1;
    err->code = code;
    snprintf(err->stage, sizeof err->stage, "%s", stage);
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    vd_text_clean(err->text);
    return -1;
}

int vd_code_exit(enum vd_code code)
{
    assert((int)code >= 0 && (int)code < CODES);
    return codes[code].status;
}

const char *vd_code_name(enum vd_code code)
{
    assert((int)code >= 0 && (int)code < CODES);
    return codes[code].name;
}

const char *vd_code_fate(enum vd_code code)
{
    assert((int)code >= 0 && (int)code < CODES);
    return codes[code].fate;
}

int vd_code_parse(const char *name, enum vd_code *code)
{
    for (int i = 0; i < CODES; i++)
        if (!strcmp(codes[i].name, name)) {
            *code = (enum vd_code)i;
            return 0;
        }
    return -1;
}
