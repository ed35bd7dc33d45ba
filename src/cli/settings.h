/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of options, configuration keys and environment variables, and the values that come of it. */
#ifndef VIDRIERA_CLI_SETTINGS_H
#define VIDRIERA_CLI_SETTINGS_H

#include "cli.h"

#include "vidriera/conf.h"
#include "vidriera/job.h"
#include "vidriera/log.h"

enum vd_progress_mode { VD_PROGRESS_AUTO, VD_PROGRESS_PLAIN, VD_PROGRESS_NONE };

/* Texts belong to argv, the environment, or the table. */
struct vd_settings {
    struct vd_job job;
    char device[64]; /* auto, or a backend's name, perhaps with ":path" */
    const char *input, *output, *preview, *config;
    bool overwrite, json, help, version;
    enum vd_progress_mode progress;
    struct vd_log_setup log;
};

/* The table; *count rows. */
const struct vd_setting *vd_settings_table(int *count);

/*
 * Defaults, configuration file, environment, options, in that order; then sets up the log. 0: go on; 1: --help or
 * --version was asked for and answered; -1: *err (VD_USAGE, VD_CONFIG).
 */
int vd_settings_read(struct vd_settings *settings, const struct vd_command *command, int argc, char **argv,
                     struct vd_err *err);

#endif
