/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "move.h"

#include "files.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAMES = 1000 };

bool vd_move_name(char got[VD_NAME], const char *name, int n)
{
    char ending[VD_NAME];
    size_t stem = vd_stem_size(name);
    if (strlen(name + stem) > 32) /* no extension, only a dot somewhere */
        stem = strlen(name);
    snprintf(ending, sizeof ending, ".%d%s", n, name + stem);
    if (n == 1)
        snprintf(got, VD_NAME, "%s", name);
    else
        vd_name_join(got, name, stem, ending, VD_NAME - 1);
    errno = EEXIST;
    return n <= NAMES;
}

bool vd_move_next(const struct vd_move *move, char got[VD_NAME], const char *name, int n)
{
    if (!move->as)
        return vd_move_name(got, name, n);
    snprintf(got, VD_NAME, "%s", move->as);
    errno = EEXIST;
    return n == 1;
}

/* "recordings/abc/x.mp4", cut so that the command after it stays whole. */
static const char *shown(const struct vd_move *move, const char *name, char text[128])
{
    int size = snprintf(text, 128, "%s/%s%s%s", vd_root_name(move->from_root), move->folder, move->folder[0] ? "/" : "",
                        name);
    if (size >= 128)
        memcpy(text + 124, "...", 4);
    return text;
}

static enum vd_archived later(const struct vd_move *move, const char *name)
{
    char text[128], command[64], mend[VD_MEND];
    snprintf(command, sizeof command, "setfacl -m u:%u:rwx", (unsigned)geteuid());
    vd_fail(move->err, VD_IO, "archive", "%s cannot be moved to %s now: %s; %s", shown(move, name, text),
            vd_root_name(move->to_root), strerror(errno),
            errno == EACCES  ? vd_mend(mend, move->roots, command, move->roots->path[move->to_root], move->folder)
            : errno == EROFS ? "mount it for writing"
            : errno == ENOSPC || errno == EDQUOT ? "free some space"
                                                 : "check the disk");
    return VD_ARCHIVE_LATER;
}

static bool may_write(int folder)
{
    return faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/* A sticky folder lets only owners take names out of it. */
static bool held_by_owner(int folder, const struct stat *st)
{
    struct stat above;
    uid_t us = geteuid();
    return fstat(folder, &above) == 0 && (above.st_mode & S_ISVTX) && us != 0 && us != above.st_uid && us != st->st_uid;
}

static enum vd_archived cannot(const struct vd_move *move, const char *name, const struct stat *st)
{
    char text[128], command[64], mend[VD_MEND];
    const char *why = strerror(errno);
    bool sticky = held_by_owner(move->from, st);
    if (errno == EROFS) {
        vd_fail(move->err, VD_NO_OUTPUT, "archive",
                "%s stays where it is: %s is mounted read-only; mount it for writing%s", shown(move, name, text),
                vd_root_name(move->from_root), move->as ? "" : ", or set archive = keep");
        return VD_ARCHIVE_CANNOT;
    }
    snprintf(command, sizeof command, sticky ? "chmod -t" : "setfacl -m u:%u:rwx", (unsigned)geteuid());
    vd_mend(mend, move->roots, command, move->roots->path[move->from_root], move->folder);
    vd_fail(move->err, VD_NO_OUTPUT, "archive", "%s stays where it is: %s; %s", shown(move, name, text),
            sticky ? "its folder lets only the owner move it" : why, mend);
    return VD_ARCHIVE_CANNOT;
}

static enum vd_archived fail_move(const struct vd_move *move, const char *name, const struct stat *st)
{
    int cause = errno;
    bool denied = cause == EACCES || cause == EPERM || cause == EROFS, there = denied && !may_write(move->to);
    errno = cause;
    return denied && !there ? cannot(move, name, st) : later(move, name);
}

static bool is_same(int folder, const char *name, const struct stat *st)
{
    struct stat now;
    return fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == st->st_dev &&
           now.st_ino == st->st_ino;
}

/* By rename; where that cannot be exclusive, by a second name. EXDEV: a copy is wanted. */
static int give_name(const struct vd_move *move, const char *name, const char *got)
{
    if (renameat2(move->from, name, move->to, got, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(move->from, name, move->to, got, 0) == 0)
        return 0;
    /* no second names there, or not of files of others */
    errno = errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP || errno == ENOSYS ? EXDEV : errno;
    return -1;
}

/* 0: it has a name in the target; 1: another file got there instead, and was put back. */
static int transfer(const struct vd_move *move, const char *name, int fd, const struct stat *st, char got[VD_NAME])
{
    for (int n = 1; vd_move_next(move, got, name, n); n++) {
        if (give_name(move, name, got) == 0) {
            if (is_same(move->to, got, st))
                return vd_folder_sync(move->to);
            (void)renameat2(move->to, got, move->from, name, RENAME_NOREPLACE);
            return 1;
        }
        if (errno == EXDEV)
            return vd_move_copy(move, name, fd, st, got);
        if (errno != EEXIST)
            return -1;
        if (is_same(move->to, got, st)) /* by a crash between two names */
            return vd_folder_sync(move->to);
        if (move->as) /* perhaps a copy of it, by hand */
            return vd_move_copy(move, name, fd, st, got);
    }
    return -1;
}

enum vd_archived vd_move_allowed(const struct vd_move *move, const char *name, const struct stat *st)
{
    if (may_write(move->from) && !held_by_owner(move->from, st))
        return VD_ARCHIVE_MOVED;
    return cannot(move, name, st);
}

enum vd_archived vd_move_file(const struct vd_move *move, const char *name, int fd, const struct stat *st,
                              char got[VD_NAME])
{
    int ret = transfer(move, name, fd, st, got);
    if (ret < 0 && move->as && errno == EEXIST) /* that is nothing to wait for */
        return VD_ARCHIVE_CHANGED;
    if (ret < 0)
        return fail_move(move, name, st);
    if (ret == 1)
        return VD_ARCHIVE_CHANGED;
    /* what it has in the target is on disk: the old name may go, when it still is of that file */
    if (is_same(move->from, name, st)) {
        if (!vd_input_unchanged(fd, st))
            return VD_ARCHIVE_CHANGED;
        if (unlinkat(move->from, name, 0) < 0)
            return fail_move(move, name, st);
    }
    return vd_folder_sync(move->from) < 0 ? later(move, name) : VD_ARCHIVE_MOVED;
}
