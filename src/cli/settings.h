/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of options, configuration keys and environment variables, and the values that come of it. */
#ifndef VIDRIERA_CLI_SETTINGS_H
#define VIDRIERA_CLI_SETTINGS_H

#include "cli.h"

#include "vidriera/bus.h"
#include "vidriera/conf.h"
#include "vidriera/job.h"
#include "vidriera/log.h"
#include "vidriera/roots.h"

enum vd_progress_mode { VD_PROGRESS_AUTO, VD_PROGRESS_PLAIN, VD_PROGRESS_NONE };

/* AUTO: of a service text on a terminal, else JSON; of the other commands text. */
enum vd_log_format { VD_LOG_AUTO, VD_LOG_TEXT, VD_LOG_JSON };

enum { VD_KAFKA_MAX = 64 };

#define VD_HTTP_LISTEN "127.0.0.1:8870"

/* Texts live as long as the settings. */
struct vd_settings {
    struct vd_job job;
    char device[64]; /* auto, or a backend's name, perhaps with ":path" */
    const char *input, *output, *preview, *config;
    char **inputs; /* the positional arguments, of argv; input is the first of process */
    int input_count;
    bool overwrite, json, help, version;
    enum vd_progress_mode progress;
    enum vd_log_format log_format;
    struct vd_log_setup log;

    const char *cache;                   /* of devices: verdicts, and what drivers compile; NULL: nothing is kept */
    const char *data, *folder[VD_ROOTS]; /* NULL: not set; a folder then is beneath data */
    const char *data_on_host;            /* NULL: there */
    const char *instance;                /* NULL: none */
    const char *worker_name, *group;     /* never NULL */
    struct vd_pair kafka[VD_KAFKA_MAX];  /* one of each name */
    int kafka_count;
    int slots; /* 0: as many as pay */
    int slot_jobs, attempts;
    int64_t timeout_s, drain_s; /* timeout 0: none */
    int64_t reserve_bytes;
    bool archive_move, create_topics;
    int64_t quiet_s, rescan_s;
    bool once, wait, check, create, print, exit_when_idle;
    int max_jobs; /* 0: any number */
    int64_t wait_s;
    bool follow, ready;

    struct {
        const char *listen; /* never NULL; "off": none */
        bool media, metrics_auth;
        const char *token_file, *allowed_hosts; /* NULL: none */
    } http;

    struct vd_conf conf; /* what was set, and where */
};

/* The table; *count rows. */
const struct vd_setting *vd_settings_table(int *count);

/*
 * Defaults, configuration file, environment, options, in that order; then sets up the log. 0: go on; 1: --help or
 * --version was asked for and answered; -1: *err (VD_USAGE, VD_CONFIG). To be finished whatever comes of it.
 */
int vd_settings_read(struct vd_settings *settings, const struct vd_command *command, int argc, char **argv,
                     struct vd_err *err);

/* VD_UNAVAILABLE: the device that was demanded is not in this build. */
int vd_settings_device(const struct vd_settings *settings, struct vd_err *err);

/* Accepts zeroed ones. */
void vd_settings_finish(struct vd_settings *settings);

#endif
