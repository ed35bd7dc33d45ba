/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/web.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAST = 16, MOST = 256 };

static int check(const char *file, int fd, struct vd_err *err)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return vd_fail(err, VD_CONFIG, "http", "token_file %s: %s; make it, with one line of random characters", file,
                       strerror(errno));
    if (!S_ISREG(st.st_mode))
        return vd_fail(err, VD_CONFIG, "http", "token_file %s: it is no file; name one", file);
    if (st.st_mode & (S_IRWXO | S_IWGRP))
        return vd_fail(err, VD_CONFIG, "http", "token_file %s: others may use it; run: chmod 600 '%s'", file, file);
    return 0;
}

/* One line of what can stand in a header. */
static bool is_token(char *text, size_t size)
{
    while (size && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        text[--size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return size >= LEAST && size <= MOST;
}

char *vd_web_token(const char *file, struct vd_err *err)
{
    char text[MOST + 4] = "";
    char *token = NULL;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (check(file, fd, err) == 0) {
        ssize_t size = read(fd, text, sizeof text - 1);
        if (size < 0)
            vd_fail(err, VD_CONFIG, "http", "token_file %s: %s; check the disk", file, strerror(errno));
        else if (!is_token(text, (size_t)size))
            vd_fail(err, VD_CONFIG, "http",
                    "token_file %s: it must be one line of %d to %d printable characters without spaces; make one: "
                    "openssl rand -hex 32",
                    file, LEAST, MOST);
        else if (!(token = strdup(text)))
            vd_fail(err, VD_AGAIN, "http", "no memory for the token");
    }
    explicit_bzero(text, sizeof text);
    if (fd >= 0)
        close(fd);
    return token;
}
