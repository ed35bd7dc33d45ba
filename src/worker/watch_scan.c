/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Others write here while we look: each step is beneath a descriptor, no link is followed, and what vanishes between two
 * calls was never there.
 */
#include "watch_scan.h"

#include "vidriera/archive.h"
#include "vidriera/log.h"
#include "vidriera/now.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 16, FILES = 100000 };

static const char metadata[] = "metadata.json", final_mark[] = ".vidriera-final";

struct scan {
    struct vd_watch_tree *tree;
    struct vd_notify *notify;
    struct stat ours[VD_ROOTS]; /* folders of ours that may lie in between */
    struct vd_watch_file **found;
    size_t count, room;
    bool closed; /* a folder was met that we may not read */
};

bool vd_watch_is_mark(const char *name)
{
    return !strcmp(name, metadata) || !strcmp(name, final_mark);
}

size_t vd_watch_session(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static void file_free(struct vd_watch_file *file)
{
    free(file->path);
    free(file);
}

static void files_free(struct vd_watch_file **files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_free(files[i]);
    free(files);
}

void vd_watch_tree_finish(struct vd_watch_tree *tree)
{
    files_free(tree->files, tree->count);
    *tree = (struct vd_watch_tree){0};
}

static int add(struct scan *scan, const char *folder, const char *name, const struct stat *st,
               const struct vd_mark *mark)
{
    if (scan->count == scan->room) {
        size_t room = scan->room ? 2 * scan->room : 64;
        struct vd_watch_file **more = reallocarray(scan->found, room, sizeof *more);
        if (!more)
            return -1;
        scan->found = more;
        scan->room = room;
    }
    struct vd_watch_file *file = calloc(1, sizeof *file);
    if (!file || asprintf(&file->path, "%s%s%s", folder, *folder ? "/" : "", name) < 0) {
        free(file);
        return -1;
    }
    file->fresh = true;
    vd_ready_look(&file->ready, st, mark, vd_monotonic_ms());
    scan->found[scan->count++] = file;
    return 0;
}

static void look_for_mark(int folder, const char *name, struct vd_mark *mark)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return;
    mark->there = true;
    mark->bytes += st.st_size;
    if (vd_mtime_ns(&st) > mark->mtime_ns)
        mark->mtime_ns = vd_mtime_ns(&st);
}

static bool is_ours(const struct scan *scan, int folder)
{
    struct stat st;
    if (fstat(folder, &st) < 0)
        return false;
    for (int i = 0; i < VD_ROOTS; i++)
        if (i != VD_RECORDINGS && scan->ours[i].st_ino == st.st_ino && scan->ours[i].st_dev == st.st_dev)
            return true;
    return false;
}

/* What is behind an error that only concerns one folder, as opposed to a share that is gone. */
static bool away(int error)
{
    return error == EIO || error == ESTALE || error == ENOTCONN || error == ENODEV || error == ENOMEM ||
           error == EMFILE || error == ENFILE;
}

static int scan_folder(struct scan *scan, int fd, const char *path, int depth, struct vd_mark mark);

static int closed_folder(struct scan *scan, const char *path)
{
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
        return 0;
    if (away(errno))
        return -1;
    if (!scan->tree->told_closed)
        vd_log(VD_LOG_WARNING, "%.300s: %s; make it readable for this user, its recordings are not seen",
               *path ? path : vd_root_name(VD_RECORDINGS), strerror(errno));
    scan->closed = scan->tree->told_closed = true;
    return 0;
}

static int scan_below(struct scan *scan, int parent, const char *folder, const char *name, int depth,
                      const struct vd_mark *mark)
{
    char *path;
    if (depth == DEPTH) {
        if (!scan->tree->told_deep)
            vd_log(VD_LOG_WARNING, "%.300s: folders in it are more than %d deep, and are not looked into", folder,
                   DEPTH);
        scan->tree->told_deep = true;
        return 0;
    }
    if (asprintf(&path, "%s%s%s", folder, *folder ? "/" : "", name) < 0)
        return -1;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int ret = fd < 0 ? closed_folder(scan, path) : scan_folder(scan, fd, path, depth + 1, *mark);
    free(path);
    return ret;
}

static int scan_entry(struct scan *scan, int folder, const char *path, const struct dirent *entry, int depth,
                      const struct vd_mark *mark)
{
    struct stat st;
    const char *name = entry->d_name;
    if (name[0] == '.' || (entry->d_type == DT_REG && !vd_is_media_name(name)))
        return 0;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return closed_folder(scan, path);
    if (S_ISDIR(st.st_mode))
        return strcmp(name, "lost+found") ? scan_below(scan, folder, path, name, depth, mark) : 0;
    if (!vd_is_media_name(name))
        return 0;
    if (scan->count < FILES)
        return add(scan, path, name, &st, mark);
    if (!scan->tree->told_many)
        vd_log(VD_LOG_WARNING, "watch: more than %d recordings; the rest waits until some are archived", FILES);
    scan->tree->told_many = true;
    return 0;
}

/* Takes fd. mark: what the folders above say; the root itself is no session. */
static int scan_folder(struct scan *scan, int fd, const char *path, int depth, struct vd_mark mark)
{
    const struct dirent *entry;
    int ret = 0;
    if (is_ours(scan, fd)) {
        close(fd);
        return 0;
    }
    vd_notify_folder(scan->notify, fd);
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return -1;
    }
    if (*path) {
        look_for_mark(fd, metadata, &mark);
        look_for_mark(fd, final_mark, &mark);
    }
    while (ret == 0 && (errno = 0, entry = readdir(folder)))
        ret = scan_entry(scan, fd, path, entry, depth, &mark);
    if (ret == 0 && errno && away(errno))
        ret = -1;
    int error = errno;
    closedir(folder);
    errno = error;
    return ret;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct vd_watch_file *const *)a)->path, (*(struct vd_watch_file *const *)b)->path);
}

/* What was known before goes on; *found keeps the path's place in the tree. */
static void recognize(struct vd_watch_file **found, struct vd_watch_file *known)
{
    const struct vd_ready *look = &(*found)->ready;
    if (vd_ready_look(&known->ready, &look->st, &look->mark, look->last_ms)) {
        known->step = VD_WATCH_LOOKING;
        known->id[0] = '\0';
        known->fresh = true;
        known->told_stuck = known->told_meta = false;
    }
    file_free(*found);
    *found = known;
}

static void merge(struct vd_watch_tree *tree, struct vd_watch_file **found, size_t count)
{
    size_t old = 0;
    for (size_t i = 0; i < count; i++) {
        int order = -1;
        while (old < tree->count && (order = strcmp(tree->files[old]->path, found[i]->path)) < 0)
            file_free(tree->files[old++]);
        if (old < tree->count && order == 0)
            recognize(&found[i], tree->files[old++]);
    }
    while (old < tree->count)
        file_free(tree->files[old++]);
    free(tree->files);
    tree->files = found;
    tree->count = count;
}

int vd_watch_scan(struct vd_watch_tree *tree, const struct vd_roots *roots, struct vd_notify *notify,
                  struct vd_err *err)
{
    struct scan scan = {.tree = tree, .notify = notify};
    int fd = vd_root_open(roots, VD_RECORDINGS, err);
    if (fd < 0)
        return -1;
    for (int i = 0; i < VD_ROOTS; i++)
        if (stat(roots->path[i], &scan.ours[i]) < 0)
            scan.ours[i] = (struct stat){0};
    if (scan_folder(&scan, fd, "", 0, (struct vd_mark){0}) < 0) {
        vd_fail(err, VD_IO, "root", "%s: cannot be read: %s; is it still mounted?", roots->path[VD_RECORDINGS],
                strerror(errno));
        files_free(scan.found, scan.count);
        return -1;
    }
    if (scan.count)
        qsort(scan.found, scan.count, sizeof *scan.found, by_path);
    merge(tree, scan.found, scan.count);
    tree->told_closed = scan.closed;
    return 0;
}
