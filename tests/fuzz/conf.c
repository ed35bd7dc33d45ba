/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: no configuration file makes its reading crash, leak, or hang. */
#include "vidriera/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int parse(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    (void)row, (void)settings;
    if (!text || *text != '!')
        return 0;
    snprintf(wanted, size, "anything else");
    return -1;
}

static const struct vd_setting rows[] = {
    {.key = "data", .parse = parse},         {.key = "archive", .parse = parse},
    {.key = "worker.slots", .parse = parse}, {.key = "watch.quiet", .parse = parse},
    {.key = "effect.left", .parse = parse},  {.key = "limits.memory", .parse = parse},
    {.key = "kafka.*", .parse = parse},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char path[32];
    struct vd_conf conf = {0};
    struct vd_err err;
    if (fd < 0)
        fd = memfd_create("conf", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    vd_conf_file(path, 1, rows, sizeof rows / sizeof *rows, NULL, &conf, &err);
    vd_conf_finish(&conf);
    return 0;
}
