/* SPDX-License-Identifier: GPL-3.0-or-later */
/* To another file system. The original is not touched here. */
#include "vidriera/store.h"

#include "files.h"
#include "move.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };

static int copy_bytes(int from, int to)
{
    char *block = malloc(BLOCK);
    off_t at = 0;
    ssize_t got = block ? 1 : -1;
    while (got > 0) {
        got = pread(from, block, BLOCK, at);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0 && vd_write_all(to, block, (size_t)got) < 0)
            got = -1;
        else
            at += got;
    }
    free(block);
    return got < 0 ? -1 : 0;
}

/* 1: the same bytes. Reads the copy from the disk, not from memory, as far as the kernel can be asked to. */
static int same_bytes(int a, int b)
{
    char digests[2][VD_DIGEST_TEXT];
    struct vd_digest_watch watches[2] = {0};
    posix_fadvise(b, 0, 0, POSIX_FADV_DONTNEED);
    if (vd_digest_fd(a, &watches[0], digests[0], NULL) < 0 || vd_digest_fd(b, &watches[1], digests[1], NULL) < 0)
        return -1;
    return !strcmp(digests[0], digests[1]);
}

static bool same_times_and_size(const struct stat *a, const struct stat *b)
{
    return S_ISREG(b->st_mode) && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Did a crash leave a whole copy, with the original still there? */
static int find_copy(const struct vd_move *move, const char *name, int fd, const struct stat *st, char got[VD_NAME])
{
    struct stat there;
    for (int n = 1; vd_move_next(move, got, name, n) && fstatat(move->to, got, &there, AT_SYMLINK_NOFOLLOW) == 0; n++) {
        if (!same_times_and_size(st, &there))
            continue;
        int copy = openat(move->to, got, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        int same = copy < 0 ? 0 : same_bytes(fd, copy);
        if (same == 1 && (fsync(copy) < 0 || vd_folder_sync(move->to) < 0))
            same = -1;
        vd_close(copy);
        if (same)
            return same;
    }
    return 0;
}

static int fill(const struct vd_stage *stage, int fd, const struct stat *st)
{
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    if (copy_bytes(fd, stage->fd) < 0 || fchmod(stage->fd, st->st_mode & 0777) < 0 || futimens(stage->fd, times) < 0 ||
        fsync(stage->fd) < 0)
        return -1;
    int same = same_bytes(fd, stage->fd);
    if (same < 0)
        return -1;
    if (!vd_input_unchanged(fd, st))
        return 1;
    errno = EIO;
    return same ? 0 : -1;
}

static int place(const struct vd_move *move, struct vd_stage *stage, const char *name, char got[VD_NAME])
{
    for (int n = 1; vd_move_next(move, got, name, n); n++) {
        if (vd_stage_place(stage, got, false) == 0)
            return vd_folder_sync(move->to);
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

int vd_move_copy(const struct vd_move *move, const char *name, int fd, const struct stat *st, char got[VD_NAME])
{
    struct vd_stage stage;
    int ret = find_copy(move, name, fd, st, got);
    if (ret)
        return ret < 0 ? -1 : 0;
    if (vd_stage_begin(&stage, move->to, move->job) < 0)
        return -1;
    ret = fill(&stage, fd, st);
    if (ret == 0)
        ret = place(move, &stage, name, got);
    int cause = errno;
    vd_stage_drop(&stage);
    errno = cause;
    return ret;
}
