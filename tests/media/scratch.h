/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder for one test's files, made with the ffmpeg program; it goes with the test. */
#ifndef TESTS_MEDIA_SCRATCH_H
#define TESTS_MEDIA_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char path[64];
};

static inline void scratch_make(struct scratch *scratch)
{
    strcpy(scratch->path, "/tmp/vidriera-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->path));
}

/* Runs a command of the shell in the folder; the test fails when it fails. */
static inline void __attribute__((format(printf, 2, 3)))
scratch_run(const struct scratch *scratch, const char *fmt, ...)
{
    char command[4096];
    int used = snprintf(command, sizeof command, "cd '%s' && ", scratch->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(command + used, sizeof command - (size_t)used, fmt, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static inline int scratch_open(const struct scratch *scratch, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch->path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline void scratch_drop(const struct scratch *scratch)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch->path);
    assert_int_equal(system(command), 0);
}

#endif
