/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where `process` puts what it makes, and what must not be overwritten. */
#ifndef VIDRIERA_CLI_NAMING_H
#define VIDRIERA_CLI_NAMING_H

#include "vidriera/job.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Strings are the struct's own. */
struct vd_naming {
    char *folder; /* "." when the path has none */
    char *name;   /* NULL until it is settled */
    char *path;   /* as a user would write it; NULL until it is settled */
    char *stem;   /* of the input's name, while the name is open */
};

#define VD_NAMING_NONE ((struct vd_naming){NULL, NULL, NULL, NULL})

/*
 * The output's name: `output` when given (its extension decides the job's container), else open until the container is
 * known, beside the input. Fills job->container and job->extension. VD_USAGE: an extension that is none of ours.
 */
int vd_naming_begin(struct vd_naming *naming, const char *input, const char *output, struct vd_job *job,
                    struct vd_err *err);

/* A name given in full: of a PNG. VD_USAGE: another extension. */
int vd_naming_png(struct vd_naming *naming, const char *path, struct vd_err *err);

/* `<stem>.tinted.<container>`, unless the name is settled; then checks it. */
int vd_naming_settle(struct vd_naming *naming, const char *container, bool overwrite, const struct stat *input,
                     struct vd_err *err);

/* VD_USAGE: it is the input; VD_NO_OUTPUT: it exists, and may not be replaced. A name that is open passes. */
int vd_naming_check(const struct vd_naming *naming, bool overwrite, const struct stat *input, struct vd_err *err);

void vd_naming_finish(struct vd_naming *naming);

#endif
