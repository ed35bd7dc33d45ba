/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/original.h"

#include "vidriera/result.h"

#include "document.h"
#include "move.h"

#include <stdio.h>
#include <unistd.h>

struct search {
    const struct vd_roots *roots;
    int64_t bytes, mtime_ns;
    bool timed; /* mtime_ns is known */
    struct stat *st;
    struct vd_err *err;
};

/* By what the recording is known. Its inode is another one when it was moved to another file system. */
static bool identify(struct search *search, const json_t *document)
{
    struct vd_replay replay;
    const json_t *bytes = json_object_get(json_object_get(document, "input"), "bytes");
    if (vd_replay_get(document, &replay) == 0 && replay.inode) {
        search->bytes = replay.bytes;
        search->mtime_ns = replay.mtime_ns;
        search->timed = true;
        return true;
    }
    search->bytes = json_integer_value(bytes);
    return json_is_integer(bytes);
}

static bool is_it(const struct search *search)
{
    const struct stat *st = search->st;
    return st->st_size == search->bytes &&
           (!search->timed || (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec == search->mtime_ns);
}

/* Another file of that name counts as none. */
static int open_one(const struct search *search, enum vd_root root, const char *path)
{
    struct vd_err err = {0};
    int fd = vd_root_input(search->roots, root, path, search->st, &err);
    if (fd < 0) {
        if (err.code == VD_IO)
            *search->err = err;
        return -1;
    }
    if (is_it(search))
        return fd;
    close(fd);
    return -1;
}

static int open_named(const struct search *search, enum vd_root root, const char *path)
{
    char folder[VD_ORDER_PATH], name[VD_NAME], whole[VD_ORDER_PATH + VD_NAME];
    enum { NAMES = 9 };
    int fd = open_one(search, root, path);
    vd_path_folder(path, folder);
    for (int n = 2; fd < 0 && root != VD_RECORDINGS && n <= NAMES && vd_move_name(name, vd_path_name(path), n); n++) {
        snprintf(whole, sizeof whole, "%s%s%s", folder, *folder ? "/" : "", name);
        fd = open_one(search, root, whole);
    }
    return fd;
}

int vd_original_open(const struct vd_roots *roots, const json_t *document, struct stat *st, struct vd_err *err)
{
    static const enum vd_root others[] = {VD_ARCHIVED, VD_FAILED_ROOT, VD_RECORDINGS};
    struct vd_err nowhere = {0};
    struct search search = {.roots = roots, .st = st, .err = &nowhere};
    const char *path = vd_document_word(document, "input", "path");
    enum vd_root root;
    vd_fail(&nowhere, VD_NO_INPUT, "open", "the recording is not there any more; it was moved or removed");
    int fd = -1;
    if (!identify(&search, document))
        path = "";
    if (*path && vd_root_parse(vd_document_word(document, "input", "root"), &root) == 0)
        fd = open_named(&search, root, path);
    for (size_t i = 0; *path && fd < 0 && i < sizeof others / sizeof *others; i++)
        fd = open_named(&search, others[i], path);
    if (fd < 0)
        *err = nowhere;
    return fd;
}
