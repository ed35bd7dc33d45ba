/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/state.h"

#include "vidriera/log.h"
#include "vidriera/result.h"

#include "document.h"
#include "files.h"
#include "names.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { PATH_NAME = 33, ADDRESS = 256 };

static int fail_state(const char *what, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "state", ".vidriera/%s: %s; %s", what, strerror(errno),
                   errno == ENOSPC ? "free some space" : "check the disk that has the state folder");
}

static int open_folder(const struct vd_roots *roots, const char *name)
{
    return openat(roots->state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Root, a 0, path: no two inputs make the same bytes. */
static void name_path(char name[PATH_NAME], const char *root, const char *path)
{
    char key[VD_ORDER_PATH + 16];
    int size = snprintf(key, sizeof key, "%s%c%s", root, '\0', path);
    XXH128_hash_t hash = XXH3_128bits(key, (size_t)size < sizeof key ? (size_t)size : sizeof key - 1);
    snprintf(name, PATH_NAME, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

/* A second name for what is written down already; a copy where the file system has no second names. */
static int name_again(int done, const char *job, int paths, const char *name, const char *text, size_t size)
{
    char part[VD_PART_NAME];
    if (vd_part_name(part, job) < 0)
        return -1;
    if (linkat(done, job, paths, part, 0) < 0)
        return errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK || errno == ENOSYS || errno == ENOENT
                   ? vd_file_put(paths, name, text, size)
                   : -1;
    int ret = renameat(paths, part, paths, name), cause = errno;
    unlinkat(paths, part, 0); /* it is still there when both names were the same file already */
    errno = cause;
    return ret;
}

int vd_done_write(const struct vd_roots *roots, const json_t *document, struct vd_err *err)
{
    const char *job = vd_document_word(document, NULL, "job");
    const char *root = vd_document_word(document, "input", "root"), *path = vd_document_word(document, "input", "path");
    char name[PATH_NAME];
    size_t size;
    if (!vd_job_id_valid(job))
        return vd_fail(err, VD_DEFECT, "state", "a result has no job's id; report this");
    char *text = vd_document_text(document, &size);
    if (!text)
        return vd_fail(err, VD_DEFECT, "state", "no memory for a result");
    int done = open_folder(roots, "done"), paths = open_folder(roots, "paths");
    int ret = done < 0 || paths < 0 ? -1 : vd_file_put(done, job, text, size);
    if (ret == 0 && *root && *path) {
        name_path(name, root, path);
        ret = name_again(done, job, paths, name, text, size);
    }
    if (ret == 0) /* of both: the second finds the disk's journal written */
        ret = vd_folder_sync(done) < 0 || vd_folder_sync(paths) < 0 ? -1 : 0;
    if (ret < 0)
        ret = fail_state("done", err);
    vd_close(paths);
    vd_close(done);
    free(text);
    return ret;
}

static int find(const struct vd_roots *roots, const char *folder, const char *name, json_t **document,
                struct vd_err *err)
{
    char where[32];
    snprintf(where, sizeof where, ".vidriera/%s", folder);
    *document = NULL;
    int fd = open_folder(roots, folder);
    if (fd < 0)
        return fail_state(folder, err);
    int ret = vd_document_read(fd, name, where, document, err);
    vd_close(fd);
    return ret;
}

static int keep_if(bool fits, json_t **document)
{
    if (fits)
        return 1;
    json_decref(*document);
    *document = NULL;
    return 0;
}

int vd_done_find(const struct vd_roots *roots, const char *job, json_t **document, struct vd_err *err)
{
    *document = NULL;
    if (!vd_job_id_valid(job))
        return 0;
    int ret = find(roots, "done", job, document, err);
    return ret == 1 ? keep_if(!strcmp(vd_document_word(*document, NULL, "job"), job), document) : ret;
}

int vd_done_find_path(const struct vd_roots *roots, const char *root, const char *path, json_t **document,
                      struct vd_err *err)
{
    char name[PATH_NAME];
    name_path(name, root, path);
    int ret = find(roots, "paths", name, document, err);
    return ret == 1 ? keep_if(!strcmp(vd_document_word(*document, "input", "root"), root) &&
                                  !strcmp(vd_document_word(*document, "input", "path"), path),
                              document)
                    : ret;
}

int vd_done_forget(const struct vd_roots *roots, const char *job, struct vd_err *err)
{
    int done = open_folder(roots, "done");
    int ret = done < 0 || (unlinkat(done, job, 0) < 0 && errno != ENOENT) || vd_folder_sync(done) < 0
                  ? fail_state("done", err)
                  : 0;
    vd_close(done);
    return ret;
}

static bool is_recording(const struct vd_replay *replay, const struct stat *st)
{
    return replay->bytes == st->st_size &&
           replay->mtime_ns == (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

bool vd_done_same_file(const json_t *document, const struct stat *st)
{
    struct vd_replay replay;
    return vd_replay_get(document, &replay) == 0 && replay.inode == st->st_ino && is_recording(&replay, st);
}

bool vd_done_same_recording(const json_t *document, const struct stat *st)
{
    struct vd_replay replay;
    return vd_replay_get(document, &replay) == 0 && is_recording(&replay, st);
}

int vd_broker_write(const struct vd_roots *roots, const char *address, struct vd_err *err)
{
    char line[ADDRESS];
    if (!address)
        return unlinkat(roots->state, "broker", 0) < 0 && errno != ENOENT ? fail_state("broker", err) : 0;
    int size = snprintf(line, sizeof line, "%s\n", address);
    if (size >= ADDRESS)
        return vd_fail(err, VD_DEFECT, "state", "a broker's address is too long; report this");
    return vd_file_replace(roots->state, "broker", line, (size_t)size) < 0 ? fail_state("broker", err) : 0;
}

bool vd_broker_read(const struct vd_roots *roots, char *address, size_t size)
{
    size_t got;
    char *text = vd_file_read(roots->state, "broker", ADDRESS, &got);
    if (!text)
        return false;
    text[strcspn(text, "\n")] = '\0';
    bool fits = *text && (size_t)snprintf(address, size, "%s", text) < size;
    free(text);
    return fits;
}
