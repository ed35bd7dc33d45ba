/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of subcommands, and the only exit. */
#include "cli/cli.h"

#include "vidriera/conf.h"
#include "vidriera/log.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct vd_command commands[] = {
    {"process", "INPUT [-o OUTPUT] [OPTIONS]", "one recording in, one tinted recording out", VD_COMMAND_PROCESS,
     vd_cmd_process},
    {"run", "--data DIR [OPTIONS]", "the whole appliance on one machine: broker, watch, worker", VD_COMMAND_RUN,
     vd_cmd_run},
    {"worker", "[--once | --max-jobs N] [OPTIONS]", "takes jobs from Kafka", VD_COMMAND_WORKER, vd_cmd_worker},
    {"watch", "[--once] [OPTIONS]", "a finished recording becomes a job", VD_COMMAND_WATCH, vd_cmd_watch},
    {"submit", "PATH... [--wait] [OPTIONS]", "jobs by hand, of files or folders", VD_COMMAND_SUBMIT, vd_cmd_submit},
    {"status", "[--follow] [--json] [OPTIONS]", "what waits, runs, failed and is done", VD_COMMAND_STATUS,
     vd_cmd_status},
    {"health", "[--ready] [OPTIONS]", "is the service here alive?", VD_COMMAND_HEALTH, vd_cmd_health},
    {"cancel", "JOB... [OPTIONS]", "a job that waits or runs is given up", VD_COMMAND_CANCEL, vd_cmd_change},
    {"retry", "JOB... [OPTIONS]", "a job that failed is tried again", VD_COMMAND_RETRY, vd_cmd_change},
    {"topics", "--check | --create [OPTIONS]", "Kafka's topics: are they as they should be?", VD_COMMAND_TOPICS,
     vd_cmd_topics},
    {"config", "--check | --print [OPTIONS]", "the configuration: is it right, and what is it?", VD_COMMAND_CONFIG,
     vd_cmd_config},
    {"doctor", "[FILE] [--device DEVICE] [OPTIONS]", "the machine: which devices are there, and do they work?",
     VD_COMMAND_DOCTOR, vd_cmd_doctor},
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
        names[i] = commands[i].summary ? commands[i].name : NULL;
    const char *nearest = vd_nearest(name, names, COMMANDS);
    if (nearest)
        vd_log(VD_LOG_ERROR, "%s: unknown command; did you mean %s?", name, nearest);
    else
        vd_log(VD_LOG_ERROR, "%s: unknown command; see vidriera --help", name);
    return vd_code_exit(VD_USAGE);
}

static int answered(void)
{
    struct vd_err err;
    return vd_command_end(vd_command_printed(&err), &err);
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
    signal(SIGPIPE, SIG_IGN); /* a log or a connection that nobody reads is an error where it is written, not our end */
    if (argc < 2) {
        vd_log(VD_LOG_ERROR, "no command given; see vidriera --help");
        return vd_code_exit(VD_USAGE);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return vd_help_all(stdout), answered();
    if (!strcmp(argv[1], "--version"))
        return vd_version_print(stdout), answered();
    if (!strcmp(argv[1], "slot"))
        return vd_cmd_slot();
    if (!strcmp(argv[1], "manual"))
        return vd_cmd_manual(argc - 1, argv + 1);
    const struct vd_command *command = find(argv[1]);
    return command ? command->run(command, argc - 1, argv + 1) : unknown(argv[1]);
}
