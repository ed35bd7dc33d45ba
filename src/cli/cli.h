/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the subcommands share. One file a subcommand; main.c holds their table. */
#ifndef VIDRIERA_CLI_CLI_H
#define VIDRIERA_CLI_CLI_H

#include "vidriera/err.h"

#include <stdio.h>

/* Bits, for settings that belong to some commands only. */
enum { VD_COMMAND_PROCESS = 1 << 0, VD_COMMAND_ALL = ~0 };

struct vd_command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    unsigned bit;
    /* argv[0] is the command's name. Returns the exit status. */
    int (*run)(const struct vd_command *self, int argc, char **argv);
};

/* main.c: row i of the table; NULL past the end. */
const struct vd_command *vd_command_at(int i);

int vd_cmd_process(const struct vd_command *self, int argc, char **argv);

/* help.c */
void vd_help_all(FILE *to);
void vd_help_command(FILE *to, const struct vd_command *command);
void vd_help_options_markdown(FILE *to);
void vd_help_exit_codes_markdown(FILE *to);

#endif
