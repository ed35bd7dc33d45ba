/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The result of `process`, for a person and as the document vidriera.result.v1. */
#ifndef VIDRIERA_CLI_RESULT_H
#define VIDRIERA_CLI_RESULT_H

#include "settings.h"

/* What came out, what to know about it: lines on stderr, through the log. report: a slot's. */
void vd_result_say(const json_t *report, const char *output);

/* One JSON document on stdout. report: a slot's, or NULL when the job failed with *err. -1: stdout cannot be written
 * (VD_IO in *err). */
int vd_result_print(const struct vd_settings *settings, const char *output, const json_t *report, double started,
                    struct vd_err *err);

#endif
