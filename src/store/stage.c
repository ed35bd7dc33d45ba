/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Order of a commit (Pillai et al., OSDI 2014): the file's bytes are on disk before it has its name, the name is on
 * disk before we say so. A failed fsync is final: the kernel drops the pages, and a second call may lie.
 */
#include "vidriera/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int fail_create(const char *folder, struct vd_err *err)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return vd_fail(err, VD_NO_OUTPUT, "open", "%s: no such folder; create it first", folder);
    return vd_fail(err, VD_NO_OUTPUT, "open", "%s: no file can be created here: %s; choose another -o", folder,
                   strerror(errno));
}

static int fail_commit(const char *name, struct vd_err *err)
{
    if (errno == EEXIST)
        return vd_fail(err, VD_NO_OUTPUT, "commit", "%s: exists already; use --overwrite or another -o", name);
    if (errno == EISDIR)
        return vd_fail(err, VD_NO_OUTPUT, "commit", "%s: is a folder; choose another -o", name);
    if (errno == ENAMETOOLONG)
        return vd_fail(err, VD_NO_OUTPUT, "commit", "%s: the name is too long; choose another -o", name);
    if (errno == ENOENT)
        return vd_fail(err, VD_NO_OUTPUT, "commit", "%s: its folder was removed meanwhile; create it and try again",
                       name);
    return vd_fail(err, VD_IO, "commit", "%s: cannot be put in place: %s; %s", name, strerror(errno),
                   errno == ENOSPC ? "free some space" : "check the disk");
}

static int random_name(char *name, size_t size, const char *job)
{
    uint64_t nonce;
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return -1;
    snprintf(name, size, ".vd-%.24s-%016llx.part", job, (unsigned long long)nonce);
    return 0;
}

/* /proc is how a file without a name gets one. */
static bool can_be_unnamed(void)
{
    return access("/proc/self/fd", X_OK) == 0;
}

int vd_stage_create(struct vd_stage *stage, const char *folder, const char *job, struct vd_err *err)
{
    *stage = VD_STAGE_NONE;
    stage->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (stage->dir < 0)
        return fail_create(folder, err);
    if (can_be_unnamed())
        stage->fd = openat(stage->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (stage->fd < 0 && random_name(stage->part, sizeof stage->part, job) == 0)
        stage->fd = openat(stage->dir, stage->part, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (stage->fd >= 0)
        return 0;
    fail_create(folder, err);
    stage->part[0] = '\0';
    vd_stage_drop(stage);
    return -1;
}

/* A name for a file that has none; exclusive by nature. */
static int link_unnamed(const struct vd_stage *stage, const char *name)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", stage->fd);
    return linkat(AT_FDCWD, self, stage->dir, name, AT_SYMLINK_FOLLOW);
}

static int rename_exclusively(const struct vd_stage *stage, const char *name)
{
    if (renameat2(stage->dir, stage->part, stage->dir, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(stage->dir, stage->part, stage->dir, name, 0) < 0)
        return -1;
    (void)unlinkat(stage->dir, stage->part, 0); /* the file has its name: a part that stays is only litter */
    return 0;
}

static int put_in_place(struct vd_stage *stage, const char *name, bool replace)
{
    if (!stage->part[0] && !replace)
        return link_unnamed(stage, name);
    if (!stage->part[0]) {
        if (random_name(stage->part, sizeof stage->part, "replace") < 0)
            return -1;
        if (link_unnamed(stage, stage->part) < 0) {
            stage->part[0] = '\0';
            return -1;
        }
    }
    return replace ? renameat(stage->dir, stage->part, stage->dir, name) : rename_exclusively(stage, name);
}

int vd_stage_commit(struct vd_stage *stage, const char *name, bool replace, struct vd_err *err)
{
    if (fsync(stage->fd) < 0 || put_in_place(stage, name, replace) < 0)
        return fail_commit(name, err);
    stage->part[0] = '\0';
    /* EINVAL: folders cannot be synced there */
    if (fsync(stage->dir) < 0 && errno != EINVAL) {
        fail_commit(name, err);
        if (!replace)
            unlinkat(stage->dir, name, 0);
        return -1;
    }
    vd_stage_drop(stage);
    return 0;
}

void vd_stage_drop(struct vd_stage *stage)
{
    if (stage->part[0])
        unlinkat(stage->dir, stage->part, 0);
    if (stage->fd >= 0)
        close(stage->fd);
    if (stage->dir >= 0)
        close(stage->dir);
    *stage = VD_STAGE_NONE;
}
