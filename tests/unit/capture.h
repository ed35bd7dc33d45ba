/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmocka with what it wants included before it; what a function says on stderr; a folder that goes with the test. */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
    int stream, saved, file;
};

/* From now on, what goes to STDOUT_FILENO or STDERR_FILENO is kept. */
static inline void capture_begin(struct capture *capture, int stream)
{
    fflush(NULL);
    capture->stream = stream;
    capture->saved = dup(stream);
    capture->file = memfd_create("capture", MFD_CLOEXEC);
    assert_true(capture->saved >= 0 && capture->file >= 0);
    /* as a log is opened; without it the kernel lets threads of one process write to the same place */
    assert_int_equal(fcntl(capture->file, F_SETFL, O_APPEND), 0);
    assert_int_equal(dup2(capture->file, stream), stream);
}

/* What it was. */
static inline void capture_end(struct capture *capture, char *text, size_t size)
{
    fflush(NULL);
    dup2(capture->saved, capture->stream);
    close(capture->saved);
    ssize_t got = pread(capture->file, text, size - 1, 0);
    assert_true(got >= 0);
    text[got] = '\0';
    close(capture->file);
}

static inline void folder_make(char path[32])
{
    strcpy(path, "/tmp/vidriera-unit-XXXXXX");
    assert_non_null(mkdtemp(path));
}

/* How many names are in it. */
static inline int folder_count(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static inline void folder_drop(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#endif
