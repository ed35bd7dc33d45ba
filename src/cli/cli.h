/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the subcommands share. One file a subcommand; main.c holds their table. */
#ifndef VIDRIERA_CLI_CLI_H
#define VIDRIERA_CLI_CLI_H

#include "vidriera/err.h"

#include <stdio.h>

/* Bits, for settings that belong to some commands only. */
enum {
    VD_COMMAND_PROCESS = 1 << 0,
    VD_COMMAND_RUN = 1 << 1,
    VD_COMMAND_WORKER = 1 << 2,
    VD_COMMAND_WATCH = 1 << 3,
    VD_COMMAND_SUBMIT = 1 << 4,
    VD_COMMAND_TOPICS = 1 << 5,
    VD_COMMAND_CONFIG = 1 << 6,
    VD_COMMAND_SLOT = 1 << 7,
    VD_COMMAND_DOCTOR = 1 << 8,
    VD_COMMAND_STATUS = 1 << 9,
    VD_COMMAND_HEALTH = 1 << 10,
    VD_COMMAND_CANCEL = 1 << 11,
    VD_COMMAND_RETRY = 1 << 12,
    VD_COMMAND_ALL = ~VD_COMMAND_SLOT
};

struct vd_command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line; NULL: for vidriera itself, not for people */
    unsigned bit;
    /* argv[0] is the command's name. Returns the exit status. */
    int (*run)(const struct vd_command *self, int argc, char **argv);
};

/* A command's exit status; says the error when ret is negative. */
int vd_command_end(int ret, const struct vd_err *err);

/* What goes to stdout is what was asked for: it must not get lost silently. VD_IO. */
int vd_command_printed(struct vd_err *err);

/* main.c: row i of the table; NULL past the end. */
const struct vd_command *vd_command_at(int i);

int vd_cmd_process(const struct vd_command *self, int argc, char **argv);
int vd_cmd_run(const struct vd_command *self, int argc, char **argv);
int vd_cmd_worker(const struct vd_command *self, int argc, char **argv);
int vd_cmd_watch(const struct vd_command *self, int argc, char **argv);
int vd_cmd_submit(const struct vd_command *self, int argc, char **argv);
int vd_cmd_topics(const struct vd_command *self, int argc, char **argv);
int vd_cmd_config(const struct vd_command *self, int argc, char **argv);
int vd_cmd_status(const struct vd_command *self, int argc, char **argv);
int vd_cmd_health(const struct vd_command *self, int argc, char **argv);
int vd_cmd_change(const struct vd_command *self, int argc, char **argv);
int vd_cmd_doctor(const struct vd_command *self, int argc, char **argv);

/* Not in the table: what a media process is started as, and what the build calls for man pages and completion. */
int vd_cmd_slot(void);
int vd_cmd_manual(int argc, char **argv);

/* help.c */
void vd_help_all(FILE *to);
void vd_help_command(FILE *to, const struct vd_command *command);
void vd_help_options_markdown(FILE *to);
void vd_help_exit_codes_markdown(FILE *to);
/* "process, run"; "all" */
void vd_help_commands(FILE *to, unsigned bits);
/* Row i: the status, and what it means; -1 past the end. */
int vd_help_exit_code(int i, const char **meaning);

/* version.c: the program's, and those of its libraries. */
void vd_version_print(FILE *to);

#endif
