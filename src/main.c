/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of subcommands, and the only exit. */
#include "cli/cli.h"

#include "vidriera/conf.h"
#include "vidriera/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct vd_command commands[] = {
    {"process", "INPUT [-o OUTPUT] [OPTIONS]", "one recording in, one tinted recording out", VD_COMMAND_PROCESS,
     vd_cmd_process},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const struct vd_command *vd_command_at(int i)
{
    return i >= 0 && i < COMMANDS ? &commands[i] : NULL;
}

static const struct vd_command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COMMANDS];
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = vd_nearest(name, names, COMMANDS);
    if (nearest)
        vd_log(VD_LOG_ERROR, "%s: unknown command; did you mean %s?", name, nearest);
    else
        vd_log(VD_LOG_ERROR, "%s: unknown command; see vidriera --help", name);
    return vd_code_exit(VD_USAGE);
}

/* What was printed is all that was asked for: it must not get lost silently. */
static int answered(void)
{
    if (fflush(stdout) == 0)
        return vd_code_exit(VD_OK);
    vd_log(VD_LOG_ERROR, "stdout cannot be written; check where it leads");
    return vd_code_exit(VD_IO);
}

/* A file opened while one of these is closed would take its number, and get what is meant for the terminal. */
static void hold_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    if (argc < 2) {
        vd_log(VD_LOG_ERROR, "no command given; see vidriera --help");
        return vd_code_exit(VD_USAGE);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return vd_help_all(stdout), answered();
    if (!strcmp(argv[1], "--version"))
        return puts("vidriera " VD_VERSION), answered();
    const struct vd_command *command = find(argv[1]);
    return command ? command->run(command, argc - 1, argv + 1) : unknown(argv[1]);
}
