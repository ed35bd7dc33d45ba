/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/archive.h"

#include "vidriera/result.h"

#include "document.h"
#include "files.h"
#include "folder.h"
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_recording(const struct stat *st, const struct vd_replay *replay)
{
    return S_ISREG(st->st_mode) && st->st_size == replay->bytes &&
           (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec == replay->mtime_ns;
}

enum { NOT_THERE = -1, CANNOT_TELL = -2 };

/* Its name in failed, open: by size and time, which a copy keeps. */
static int find(const struct vd_move *move, const char *name, const struct vd_replay *replay, struct stat *st,
                char got[VD_NAME])
{
    for (int n = 1; vd_move_name(got, name, n) && fstatat(move->from, got, st, AT_SYMLINK_NOFOLLOW) == 0; n++) {
        if (!is_recording(st, replay))
            continue;
        int fd = openat(move->from, got, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, st) == 0 && is_recording(st, replay))
            return fd;
        vd_close(fd);
        if (fd < 0 && !vd_file_unusable(errno))
            break;
    }
    return errno == ENOENT || errno == EEXIST ? NOT_THERE : CANNOT_TELL;
}

/* Why it failed is no longer so. First, since its name is made of the recording's, which is about to change. */
static enum vd_archived drop_reason(const struct vd_move *move, const char *got)
{
    char name[VD_NAME];
    vd_name_join(name, got, strlen(got), ".reason.json", VD_NAME - 1);
    if (unlinkat(move->from, name, 0) == 0 || errno == ENOENT)
        return VD_ARCHIVE_MOVED;
    vd_fail(move->err, VD_IO, "restore", "the reason in failed cannot be removed: %s; check the disk", strerror(errno));
    return VD_ARCHIVE_LATER;
}

/* What was taken along with the last recording of a session. Where it cannot be moved it is missed by people alone. */
static void follow(const struct vd_move *move)
{
    struct vd_err err;
    struct vd_move along = *move;
    along.err = &err;
    if (!move->folder[0] || vd_has_media(move->from) != 0)
        return;
    for (int i = 0; vd_session_files[i]; i++) {
        along.as = vd_session_files[i];
        vd_move_along(&along, along.as);
    }
}

/* The open file of *st, which failed/ has as `from`. */
static enum vd_archived bring_back(struct vd_move *move, const char *from, int fd, const struct stat *st,
                                   const struct vd_replay *replay)
{
    char got[VD_NAME];
    struct stat there;
    enum vd_archived ret = VD_ARCHIVE_CHANGED;
    move->to = vd_folder_open(move->roots, move->to_root, move->folder, true, move->err);
    if (move->to < 0) /* a file has the folder's name, or nothing can be made there now */
        return move->err->code == VD_IO || move->err->code == VD_NO_OUTPUT ? VD_ARCHIVE_LATER : VD_ARCHIVE_CHANGED;
    if (fstatat(move->to, move->as, &there, AT_SYMLINK_NOFOLLOW) < 0 || is_recording(&there, replay))
        ret = vd_move_allowed(move, from, st);
    if (ret == VD_ARCHIVE_MOVED)
        ret = drop_reason(move, from);
    if (ret == VD_ARCHIVE_MOVED)
        ret = vd_move_file(move, from, fd, st, got);
    return ret;
}

/* It is not in failed: was it never away, or is it back already? */
static enum vd_archived look_in_place(struct vd_move *move, const struct vd_replay *replay)
{
    struct stat there;
    move->to = vd_folder_look(move->roots, move->to_root, move->folder, move->err);
    if (move->to == -1)
        return VD_ARCHIVE_LATER;
    if (move->to < 0 || fstatat(move->to, move->as, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return VD_ARCHIVE_GONE;
    return is_recording(&there, replay) ? VD_ARCHIVE_MOVED : VD_ARCHIVE_CHANGED;
}

static enum vd_archived restore(struct vd_move *move, const struct vd_replay *replay)
{
    char from[VD_NAME];
    struct stat st;
    move->from = vd_folder_look(move->roots, VD_FAILED_ROOT, move->folder, move->err);
    if (move->from == -1)
        return VD_ARCHIVE_LATER;
    int fd = move->from >= 0 ? find(move, move->as, replay, &st, from) : NOT_THERE;
    if (fd == NOT_THERE)
        return look_in_place(move, replay);
    if (fd == CANNOT_TELL) {
        vd_fail(move->err, VD_IO, "restore", "failed/%s/%.80s cannot be looked at: %s; check the disk", move->folder,
                move->as, strerror(errno));
        return VD_ARCHIVE_LATER;
    }
    enum vd_archived ret = bring_back(move, from, fd, &st, replay);
    close(fd);
    return ret;
}

enum vd_archived vd_restore(const struct vd_roots *roots, const json_t *document, struct vd_err *err)
{
    struct vd_replay replay;
    struct vd_err unused;
    const char *path = vd_document_word(document, "input", "path"), *name = vd_path_name(path);
    struct vd_move move = {.roots = roots,
                           .from_root = VD_FAILED_ROOT,
                           .from = -1,
                           .to = -1,
                           .as = name,
                           .job = vd_document_word(document, NULL, "job"),
                           .err = err ? err : &unused};
    if (!*name || vd_replay_get(document, &replay) < 0 ||
        vd_root_parse(vd_document_word(document, "input", "root"), &move.to_root) < 0 || move.to_root == VD_FAILED_ROOT)
        return VD_ARCHIVE_MOVED;
    vd_path_folder(path, move.folder);
    enum vd_archived ret = restore(&move, &replay);
    if (ret == VD_ARCHIVE_MOVED && move.from >= 0)
        follow(&move);
    vd_close(move.from);
    vd_close(move.to);
    return ret;
}
