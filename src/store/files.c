/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int vd_open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    for (int tries = 0;; tries++) {
        /* no wrapper in glibc. EAGAIN: something was renamed meanwhile */
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == 10)
            return (int)fd;
    }
}

void vd_close(int fd)
{
    int cause = errno;
    if (fd >= 0)
        close(fd);
    errno = cause;
}

int vd_write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t wrote = write(fd, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        text += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

static int put(int dir, const char *name, const char *text, size_t size, bool replace)
{
    struct vd_stage stage;
    if (vd_stage_begin(&stage, dir, name) < 0)
        return -1;
    int ret = vd_write_all(stage.fd, text, size) < 0 || fsync(stage.fd) < 0 ? -1 : 0;
    if (ret == 0)
        ret = vd_stage_place(&stage, name, replace);
    int cause = errno;
    vd_stage_drop(&stage);
    errno = cause;
    return ret;
}

int vd_file_new(int dir, const char *name, const char *text, size_t size)
{
    if (put(dir, name, text, size, false) < 0)
        return -1;
    if (vd_folder_sync(dir) == 0)
        return 0;
    int cause = errno;
    unlinkat(dir, name, 0);
    errno = cause;
    return -1;
}

int vd_file_put(int dir, const char *name, const char *text, size_t size)
{
    return put(dir, name, text, size, true);
}

int vd_file_replace(int dir, const char *name, const char *text, size_t size)
{
    return vd_file_put(dir, name, text, size) < 0 ? -1 : vd_folder_sync(dir);
}

static char *read_all(int fd, size_t most, size_t *size)
{
    struct stat st;
    errno = EINVAL;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    errno = EFBIG;
    if (st.st_size < 0 || (size_t)st.st_size > most)
        return NULL;
    char *text = malloc((size_t)st.st_size + 1);
    *size = 0;
    while (text && *size < (size_t)st.st_size) {
        ssize_t got = read(fd, text + *size, (size_t)st.st_size - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(text);
            return NULL;
        }
        if (got == 0)
            break;
        *size += (size_t)got;
    }
    if (text)
        text[*size] = '\0';
    return text;
}

char *vd_file_read(int dir, const char *name, size_t most, size_t *size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    char *text = read_all(fd, most, size);
    vd_close(fd);
    return text;
}

bool vd_file_unusable(int cause)
{
    static const int causes[] = {ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EINVAL, ENXIO, EFBIG, EACCES, EPERM};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (cause == causes[i])
            return true;
    return false;
}
