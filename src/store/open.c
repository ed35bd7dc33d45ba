/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int fail_open(const char *path, struct vd_err *err)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return vd_fail(err, VD_NO_INPUT, "open", "%s: no such file; check the path", path);
    if (errno == ENAMETOOLONG)
        return vd_fail(err, VD_NO_INPUT, "open", "%.80s...: the name is too long; check the path", path);
    if (errno == EACCES || errno == EPERM)
        return vd_fail(err, VD_NO_INPUT, "open", "%s: permission denied; make it readable for this user", path);
    if (errno == ENXIO || errno == ELOOP)
        return vd_fail(err, VD_INPUT, "open", "%s: not a regular file; give a recording", path);
    return vd_fail(err, VD_IO, "open", "%s: %s; check the disk", path, strerror(errno));
}

int vd_input_open(const char *path, struct stat *st, struct vd_err *err)
{
    /* O_NONBLOCK: a FIFO without a writer must not hold us; it means nothing to a regular file */
    return vd_input_take(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), path, st, err);
}

int vd_input_take(int fd, const char *path, struct stat *st, struct vd_err *err)
{
    if (fd < 0)
        return fail_open(path, err);
    if (fstat(fd, st) < 0) {
        fail_open(path, err);
    } else if (S_ISDIR(st->st_mode)) {
        vd_fail(err, VD_INPUT, "open", "%s: is a folder; give one of its files", path);
    } else if (!S_ISREG(st->st_mode)) {
        vd_fail(err, VD_INPUT, "open", "%s: not a regular file; give a recording", path);
    } else if (st->st_size == 0) {
        vd_fail(err, VD_INPUT, "open", "%s: is empty; was the recording finished?", path);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

bool vd_input_unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_dev == before->st_dev && now.st_ino == before->st_ino &&
           now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}
