/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Order of a commit (Pillai et al., OSDI 2014): the file's bytes are on disk before it has its name, the name is on
 * disk before we say so. A failed fsync is final: the kernel drops the pages, and a second call may lie.
 */
#include "stage.h"

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

int vd_part_name(char name[VD_PART_NAME], const char *job)
{
    uint64_t nonce;
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return -1;
    snprintf(name, VD_PART_NAME, ".vd-%.*s-%016llx.part", VD_JOB_ID - 1, job, (unsigned long long)nonce);
    return 0;
}

bool vd_part_job(const char *name, char job[VD_JOB_ID])
{
    enum { NONCE = 16 };
    static const char first[] = ".vd-", last[] = ".part";
    size_t size = strlen(name), around = sizeof first - 1 + 1 + NONCE + sizeof last - 1;
    if (size <= around || size - around >= VD_JOB_ID || strncmp(name, first, sizeof first - 1) != 0)
        return false;
    const char *dash = name + size - around + sizeof first - 1;
    if (*dash != '-' || strspn(dash + 1, "0123456789abcdef") != NONCE || strcmp(dash + 1 + NONCE, last) != 0)
        return false;
    memcpy(job, name + sizeof first - 1, size - around);
    job[size - around] = '\0';
    return vd_job_id_valid(job);
}

int vd_folder_sync(int folder)
{
    /* EINVAL: folders cannot be synced there */
    return fsync(folder) < 0 && errno != EINVAL ? -1 : 0;
}

/* /proc is how a file without a name gets one. */
static bool can_be_unnamed(void)
{
    return access("/proc/self/fd", X_OK) == 0;
}

/* A folder of the stage's own is there already. */
static int make_file(struct vd_stage *stage, const char *job)
{
    if (can_be_unnamed())
        stage->fd = openat(stage->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (stage->fd < 0 && vd_part_name(stage->part, job) == 0)
        stage->fd = openat(stage->dir, stage->part, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (stage->fd >= 0)
        return 0;
    int cause = errno;
    stage->part[0] = '\0';
    vd_stage_drop(stage);
    errno = cause;
    return -1;
}

int vd_stage_begin(struct vd_stage *stage, int folder, const char *job)
{
    *stage = VD_STAGE_NONE;
    stage->dir = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    return stage->dir < 0 ? -1 : make_file(stage, job);
}

int vd_stage_create(struct vd_stage *stage, const char *folder, const char *job, struct vd_err *err)
{
    *stage = VD_STAGE_NONE;
    stage->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (stage->dir < 0 || make_file(stage, job) < 0)
        return fail_create(folder, err);
    return 0;
}

int vd_stage_create_at(struct vd_stage *stage, int folder, const char *where, const char *job, struct vd_err *err)
{
    if (vd_stage_begin(stage, folder, job) == 0)
        return 0;
    bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
    return vd_fail(err, denied ? VD_NO_OUTPUT : VD_IO, "open", "%s: no file can be created here: %s; %s", where,
                   strerror(errno),
                   denied            ? "let this user write there"
                   : errno == ENOSPC ? "free some space"
                                     : "check the disk");
}

/* A name for a file that has none; exclusive by nature. */
static int link_unnamed(const struct vd_stage *stage, const char *name)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", stage->fd);
    return linkat(AT_FDCWD, self, stage->dir, name, AT_SYMLINK_FOLLOW);
}

int vd_rename_exclusively(int folder, const char *name, const char *wanted)
{
    if (renameat2(folder, name, folder, wanted, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(folder, name, folder, wanted, 0) < 0)
        return -1;
    (void)unlinkat(folder, name, 0); /* the file has its name: a part that stays is only litter */
    return 0;
}

static int put_in_place(struct vd_stage *stage, const char *name, bool replace)
{
    if (!stage->part[0] && !replace)
        return link_unnamed(stage, name);
    if (!stage->part[0]) {
        char part[VD_PART_NAME];
        if (vd_part_name(part, "replace") < 0 || link_unnamed(stage, part) < 0)
            return -1;
        memcpy(stage->part, part, sizeof part);
    }
    return replace ? renameat(stage->dir, stage->part, stage->dir, name)
                   : vd_rename_exclusively(stage->dir, stage->part, name);
}

int vd_stage_place(struct vd_stage *stage, const char *name, bool replace)
{
    if (put_in_place(stage, name, replace) < 0)
        return -1;
    stage->part[0] = '\0';
    return 0;
}

/* Not unlinkat(): a file without any name left can never get one again. */
int vd_stage_unplace(struct vd_stage *stage, const char *name, const char *job)
{
    char part[VD_PART_NAME];
    if (vd_part_name(part, job) < 0 || renameat(stage->dir, name, stage->dir, part) < 0)
        return -1;
    memcpy(stage->part, part, sizeof part);
    return 0;
}

int vd_stage_commit(struct vd_stage *stage, const char *name, bool replace, struct vd_err *err)
{
    if (fsync(stage->fd) < 0 || vd_stage_place(stage, name, replace) < 0)
        return fail_commit(name, err);
    if (vd_folder_sync(stage->dir) < 0) {
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
