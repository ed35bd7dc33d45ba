/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/archive.h"

#include "vidriera/result.h"
#include "vidriera/state.h"

#include "document.h"
#include "files.h"
#include "folder.h"
#include "move.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool vd_is_media_name(const char *name)
{
    static const char *const extensions[] = {".3g2", ".3gp", ".avi",  ".flv", ".m2ts", ".m4v", ".mj2", ".mkv",
                                             ".mov", ".mp4", ".mpeg", ".mpg", ".mts",  ".ts",  ".vob", ".webm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; name[0] != '.' && dot && i < sizeof extensions / sizeof *extensions; i++)
        if (!strcasecmp(dot, extensions[i]))
            return true;
    return false;
}

int vd_has_media(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!list) {
        vd_close(fd);
        return -1;
    }
    for (errno = 0; !found && (entry = readdir(list)); errno = 0)
        found = vd_is_media_name(entry->d_name);
    int ret = found ? 1 : errno ? -1 : 0;
    closedir(list);
    return ret;
}

static int fail_open(const struct vd_move *move, const char *name)
{
    return vd_fail(move->err, VD_IO, "archive", "%s/%s/%.80s cannot be looked at: %s; check the disk",
                   vd_root_name(move->from_root), move->folder, name, strerror(errno));
}

enum vd_archived vd_move_along(const struct vd_move *move, const char *name)
{
    char got[VD_NAME];
    struct stat st;
    int fd = openat(move->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && vd_file_unusable(errno))
        return VD_ARCHIVE_GONE;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fail_open(move, name);
        vd_close(fd);
        return VD_ARCHIVE_LATER;
    }
    enum vd_archived ret = S_ISREG(st.st_mode) ? vd_move_file(move, name, fd, &st, got) : VD_ARCHIVE_GONE;
    close(fd);
    return ret;
}

const char *const vd_session_files[] = {"metadata.json", ".vidriera-final", NULL};

/* What describes a session goes with the last of its recordings. */
static enum vd_archived follow(const struct vd_move *move)
{
    if (move->from < 0 || !move->folder[0])
        return VD_ARCHIVE_MOVED;
    int media = vd_has_media(move->from);
    if (media < 0) {
        fail_open(move, "");
        return VD_ARCHIVE_LATER;
    }
    for (int i = 0; !media && vd_session_files[i]; i++) {
        enum vd_archived ret = vd_move_along(move, vd_session_files[i]);
        if (ret == VD_ARCHIVE_LATER || ret == VD_ARCHIVE_CANNOT)
            return ret;
    }
    return VD_ARCHIVE_MOVED;
}

/* Beside what failed, why. Once: a reason that is there is left. */
static int put_reason(const struct vd_move *move, const char *got, const json_t *document)
{
    char name[VD_NAME];
    struct stat there;
    size_t size;
    if (move->to_root != VD_FAILED_ROOT)
        return 0;
    vd_name_join(name, got, strlen(got), ".reason.json", VD_NAME - 1);
    if (fstatat(move->to, name, &there, AT_SYMLINK_NOFOLLOW) == 0) /* and in a folder that takes no more */
        return 0;
    char *text = vd_document_text(document, &size);
    if (!text)
        return vd_fail(move->err, VD_DEFECT, "archive", "no memory for a reason");
    int ret = vd_file_new(move->to, name, text, size);
    free(text);
    if (ret == 0 || errno == EEXIST)
        return 0;
    return vd_fail(move->err, VD_IO, "archive", "%s: the reason cannot be written: %s; %s", vd_root_name(move->to_root),
                   strerror(errno), errno == ENOSPC ? "free some space" : "check the disk");
}

/* Is it there already? By inode after a rename, by size and time after a copy. */
static bool find_moved(const struct vd_move *move, const char *name, const json_t *document, char got[VD_NAME])
{
    struct stat there;
    struct vd_replay replay;
    if (vd_replay_get(document, &replay) < 0)
        return false;
    for (int n = 1; vd_move_name(got, name, n) && fstatat(move->to, got, &there, AT_SYMLINK_NOFOLLOW) == 0; n++)
        if (S_ISREG(there.st_mode) && there.st_size == replay.bytes &&
            (int64_t)there.st_mtim.tv_sec * 1000000000 + there.st_mtim.tv_nsec == replay.mtime_ns)
            return true;
    return false;
}

/* Its name is not there any more. */
static enum vd_archived look_for_moved(struct vd_move *move, const char *name, const json_t *document,
                                       char got[VD_NAME])
{
    move->to = vd_folder_look(move->roots, move->to_root, move->folder, move->err);
    if (move->to == -1)
        return VD_ARCHIVE_LATER;
    return move->to >= 0 && find_moved(move, name, document, got) ? VD_ARCHIVE_MOVED : VD_ARCHIVE_GONE;
}

static enum vd_archived move_recording(struct vd_move *move, const char *name, const json_t *document,
                                       char got[VD_NAME])
{
    struct stat st;
    int fd = openat(move->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return look_for_moved(move, name, document, got);
    if (fd < 0 && vd_file_unusable(errno))
        return VD_ARCHIVE_CHANGED;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fail_open(move, name);
        vd_close(fd);
        return VD_ARCHIVE_LATER;
    }
    enum vd_archived ret = VD_ARCHIVE_CHANGED;
    if (S_ISREG(st.st_mode) && vd_done_same_file(document, &st))
        ret = vd_move_allowed(move, name, &st);
    if (ret == VD_ARCHIVE_MOVED) {
        move->to = vd_folder_open(move->roots, move->to_root, move->folder, true, move->err);
        ret = move->to < 0 ? VD_ARCHIVE_LATER : vd_move_file(move, name, fd, &st, got);
    }
    close(fd);
    return ret;
}

static enum vd_archived find_and_move(struct vd_move *move, const char *name, const json_t *document, char got[VD_NAME])
{
    move->from = vd_folder_look(move->roots, move->from_root, move->folder, move->err);
    if (move->from >= 0)
        return move_recording(move, name, document, got);
    if (move->from != VD_NO_FOLDER)
        return errno == EACCES ? VD_ARCHIVE_CANNOT : VD_ARCHIVE_LATER;
    return look_for_moved(move, name, document, got);
}

/* False: the document has nothing that is to be moved. */
static bool where_to(struct vd_move *move, const json_t *document)
{
    const char *status = vd_document_word(document, NULL, "status");
    bool good = !strcmp(status, "completed") || !strcmp(status, "cancelled");
    move->to_root = good ? VD_ARCHIVED : VD_FAILED_ROOT;
    return vd_root_parse(vd_document_word(document, "input", "root"), &move->from_root) == 0 &&
           move->from_root != move->to_root && move->from_root != VD_PROCESSED;
}

enum vd_archived vd_archive(const struct vd_roots *roots, const json_t *document, struct vd_err *err)
{
    char got[VD_NAME];
    const char *path = vd_document_word(document, "input", "path"), *name = vd_path_name(path);
    struct vd_move move = {
        .roots = roots, .from = -1, .to = -1, .job = vd_document_word(document, NULL, "job"), .err = err};
    if (!*name || !where_to(&move, document))
        return VD_ARCHIVE_MOVED;
    vd_path_folder(path, move.folder);
    enum vd_archived ret = find_and_move(&move, name, document, got);
    if (ret == VD_ARCHIVE_MOVED && put_reason(&move, got, document) < 0)
        ret = VD_ARCHIVE_LATER;
    if (ret == VD_ARCHIVE_MOVED)
        ret = follow(&move);
    vd_close(move.from);
    vd_close(move.to);
    return ret;
}
