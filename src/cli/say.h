/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of `process`, told to a person and as the result document. */
#ifndef VIDRIERA_CLI_SAY_H
#define VIDRIERA_CLI_SAY_H

#include "settings.h"

/* What came out, what to know about it: lines on stderr, through the log. report: a slot's. */
void vd_say_report(const json_t *report, const char *output);

/* The result document on stdout. report: a slot's, or NULL when the job failed with *err. -1: stdout cannot be written
 * (VD_IO in *err). */
int vd_say_document(const struct vd_settings *settings, const char *output, const json_t *report, double started,
                    struct vd_err *err);

#endif
