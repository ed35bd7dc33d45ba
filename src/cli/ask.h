/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a running worker, watch or run, over the HTTP of http { listen }. */
#ifndef VIDRIERA_CLI_ASK_H
#define VIDRIERA_CLI_ASK_H

#include "settings.h"

/* GET. shows_token: with that of http.token_file, if any; whoever holds the address gets it. *body is the caller's.
 * Returns the code of the answer; -1: VD_UNAVAILABLE, VD_CONFIG. */
int vd_ask(const struct vd_settings *settings, const char *path, bool shows_token, char **body, struct vd_err *err);

/* status_text.c: the board as a table for a person, `width` columns wide. */
void vd_status_print(FILE *to, const json_t *board, int width);

/* One line, of a job. */
void vd_status_line(FILE *to, const json_t *job);

#endif
