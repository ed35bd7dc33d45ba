/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/log.h"

#include "document.h"
#include "files.h"
#include "folder.h"
#include "sidecar.h"
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const containers[] = {"mp4", "mov", "mkv"};

enum { CONTAINERS = sizeof containers / sizeof *containers };

static void forget(json_t **document)
{
    json_decref(*document);
    *document = NULL;
}

static int fail_recover(const char *name, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "commit", "processed: %s cannot be looked at or put in place: %s; check the disk", name,
                   strerror(errno));
}

int vd_output_is(int folder, const char *name, const json_t *document, struct vd_err *err)
{
    char digest[VD_DIGEST_TEXT];
    struct stat st;
    struct vd_digest_watch watch = {0};
    const json_t *bytes = json_object_get(json_object_get(document, "output"), "bytes");
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return vd_file_unusable(errno) ? 0 : fail_recover(name, err);
    bool same_size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                     (!bytes || json_integer_value(bytes) == (json_int_t)st.st_size);
    int ret = same_size ? vd_digest_fd(fd, &watch, digest, err) : 0;
    vd_close(fd);
    if (ret < 0)
        return -1;
    return same_size && !strcmp(digest, vd_document_word(document, "output", "digest"));
}

/* The video has its name. 1: the sidecar has, too. 0: that name is somebody else's. */
static int complete(int folder, const char *part, const char *video, struct vd_err *err)
{
    char sidecar[VD_NAME];
    vd_sidecar_name(sidecar, video);
    if (vd_folder_sync(folder) < 0)
        return fail_recover(sidecar, err);
    if (vd_rename_exclusively(folder, part, sidecar) < 0)
        return errno == EEXIST ? 0 : fail_recover(sidecar, err);
    return vd_folder_sync(folder) < 0 ? fail_recover(sidecar, err) : 1;
}

int vd_part_settle(int folder, const char *part, const char *job, json_t **document, struct vd_err *err)
{
    int ret = vd_document_read(folder, part, NULL, document, err);
    if (ret == 1 && !strcmp(vd_document_word(*document, NULL, "job"), job)) {
        const char *video = vd_path_name(vd_document_word(*document, "output", "path"));
        ret = *video ? vd_output_is(folder, video, *document, err) : 0;
        if (ret == 1)
            ret = complete(folder, part, video, err);
    } else if (ret == 1) {
        ret = 0;
    }
    if (ret == 0 && unlinkat(folder, part, 0) < 0 && errno != ENOENT)
        vd_log(VD_LOG_WARNING, "%s cannot be removed: %s", part, strerror(errno));
    if (ret != 1)
        forget(document);
    return ret;
}

/* Every name that a job's video may have got. */
static int find_complete(int folder, const char *input_path, const char *job, json_t **document, struct vd_err *err)
{
    struct vd_target target;
    char own[VD_NAME], sidecar[VD_NAME];
    for (int i = 0; i < 2 * CONTAINERS; i++) {
        vd_target_make(&target, input_path, containers[i / 2]);
        vd_own_name(own, target.name, job);
        vd_sidecar_name(sidecar, i % 2 ? own : target.name);
        int ret = vd_document_read(folder, sidecar, NULL, document, err);
        if (ret < 0 || (ret == 1 && !strcmp(vd_document_word(*document, NULL, "job"), job)))
            return ret;
        forget(document);
    }
    return 0;
}

/* The parts of the job: garbage, but for the sidecar of a video that has its name. */
static int settle_parts(int folder, const char *job, json_t **document, struct vd_err *err)
{
    char whose[VD_JOB_ID];
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!list) {
        vd_close(fd);
        return fail_recover("the folder", err);
    }
    for (errno = 0; ret >= 0 && (entry = readdir(list)); errno = 0) {
        if (!vd_part_job(entry->d_name, whose) || strcmp(whose, job) != 0)
            continue;
        json_t *pending = NULL;
        if (*document)
            unlinkat(folder, entry->d_name, 0);
        else if ((ret = vd_part_settle(folder, entry->d_name, job, &pending, err)) == 1)
            *document = pending;
    }
    if (ret >= 0 && errno)
        ret = fail_recover("the folder", err);
    closedir(list);
    return ret < 0 ? -1 : *document != NULL;
}

static int open_target(const struct vd_roots *roots, const char *input_path, struct vd_err *err)
{
    char folder[VD_ORDER_PATH];
    vd_path_folder(input_path, folder);
    return vd_folder_look(roots, VD_PROCESSED, folder, err);
}

int vd_commit_recover(const struct vd_roots *roots, const char *input_path, const char *job, json_t **document,
                      struct vd_err *err)
{
    *document = NULL;
    int folder = open_target(roots, input_path, err);
    if (folder < 0)
        return folder == VD_NO_FOLDER ? 0 : -1;
    int ret = find_complete(folder, input_path, job, document, err);
    /* whoever named it may have died before it was on disk */
    if (ret == 1 && vd_folder_sync(folder) < 0)
        ret = fail_recover("the folder", err);
    if (ret >= 0)
        ret = settle_parts(folder, job, document, err);
    if (ret < 0)
        forget(document);
    vd_close(folder);
    return ret;
}

/* `<stem>.json`'s stem, and perhaps 8 digits before the extension: the names of any job of that input. */
static bool may_be_of(const char *name, const char *input_path)
{
    struct vd_target target;
    char sidecar[VD_NAME];
    for (int i = 0; i < CONTAINERS; i++) {
        vd_target_make(&target, input_path, containers[i]);
        size_t stem = vd_stem_size(target.name);
        vd_sidecar_name(sidecar, target.name);
        if (!strcmp(name, sidecar))
            return true;
        if (strlen(name) == strlen(sidecar) + 9 && !strncmp(name, sidecar, stem) && name[stem] == '.' &&
            strspn(name + stem + 1, "0123456789abcdef") == 8 && !strcmp(name + stem + 9, sidecar + stem))
            return true;
    }
    return false;
}

static int take_if_latest(int folder, const char *name, const char *root, const char *path, json_t **document,
                          struct vd_err *err)
{
    json_t *found;
    int ret = vd_document_read(folder, name, NULL, &found, err);
    if (ret < 1)
        return ret;
    if (strcmp(vd_document_word(found, "input", "root"), root) != 0 ||
        strcmp(vd_document_word(found, "input", "path"), path) != 0 ||
        (*document &&
         strcmp(vd_document_word(found, NULL, "finished"), vd_document_word(*document, NULL, "finished")) <= 0)) {
        json_decref(found);
        return 0;
    }
    json_decref(*document);
    *document = found;
    return 1;
}

int vd_commit_find(const struct vd_roots *roots, const char *input_root, const char *input_path, json_t **document,
                   struct vd_err *err)
{
    const struct dirent *entry;
    *document = NULL;
    int folder = open_target(roots, input_path, err), ret = 0;
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    if (!list) {
        vd_close(folder);
        return folder == VD_NO_FOLDER ? 0 : folder < 0 ? -1 : fail_recover("the folder", err);
    }
    for (errno = 0; ret >= 0 && (entry = readdir(list)); errno = 0)
        if (may_be_of(entry->d_name, input_path))
            ret = take_if_latest(folder, entry->d_name, input_root, input_path, document, err);
    if (ret >= 0 && errno)
        ret = fail_recover("the folder", err);
    closedir(list);
    if (ret < 0)
        forget(document);
    return ret < 0 ? -1 : *document != NULL;
}
