/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must be on disk before what, also for a file system that keeps no order among names:
 *
 *     the video's bytes, the pending sidecar    else a crash leaves a video that nobody knows
 *     the video's name                          else the sidecar says complete of a video that is lost
 *     the sidecar's name                        then we say that it is done
 *
 * The folder is not synced for the pending sidecar's name alone: Linux's file systems keep a new file's name with its
 * first fsync. Where one did not, losing power there costs another name for the output, or its digest tells that it is
 * ours.
 */
#include "vidriera/commit.h"

#include "document.h"
#include "files.h"
#include "folder.h"
#include "sidecar.h"
#include "stage.h"

#include "vidriera/fault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct commit {
    struct vd_stage *stage;
    const char *folder, *job;
    json_t *document;
    char name[VD_NAME], sidecar[VD_NAME];
    char pending[VD_PART_NAME]; /* the sidecar while it has not got its name; empty: there is none */
    bool placed;                /* the video got its name from us */
};

static int fail_commit(const struct commit *commit, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "commit", "processed/%s%s%s: cannot be put in place: %s; %s", commit->folder,
                   commit->folder[0] ? "/" : "", commit->name, strerror(errno),
                   errno == ENOSPC || errno == EDQUOT ? "free some space" : "check the disk");
}

/* Is the folder that was opened still the one that the result will name? */
static int check_folder(const struct vd_roots *roots, const struct commit *commit, struct vd_err *err)
{
    struct stat ours, named;
    int fd = vd_folder_look(roots, VD_PROCESSED, commit->folder, err);
    bool same = fd >= 0 && fstat(fd, &named) == 0 && fstat(commit->stage->dir, &ours) == 0 &&
                named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
    vd_close(fd);
    if (same || fd == -1)
        return same ? 0 : -1;
    return vd_fail(err, VD_AGAIN, "commit", "processed/%s was moved away while a recording for it was made; try again",
                   commit->folder);
}

/* The document, saying where the output is, under a name that says whose it is. Removed again when that fails. */
static int put_pending(struct commit *commit)
{
    int dir = commit->stage->dir, ret = -1;
    char path[VD_ORDER_PATH + VD_NAME], part[VD_PART_NAME];
    size_t size;
    json_t *output = json_object_get(commit->document, "output");
    snprintf(path, sizeof path, "%s%s%s", commit->folder, commit->folder[0] ? "/" : "", commit->name);
    errno = ENOMEM;
    if (json_object_set_new(output, "root", json_string(vd_root_name(VD_PROCESSED))) < 0 ||
        json_object_set_new(output, "path", json_string(path)) < 0 || vd_part_name(part, commit->job) < 0)
        return -1;
    char *text = vd_document_text(commit->document, &size);
    if (!text)
        return -1;
    int fd = openat(dir, part, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd >= 0) {
        snprintf(commit->pending, sizeof commit->pending, "%s", part);
        ret = vd_write_all(fd, text, size) < 0 || fsync(fd) < 0 ? -1 : 0;
    }
    vd_close(fd);
    free(text);
    vd_fault_point("sidecar");
    return ret;
}

/* Removes what was made so far under this name; the video becomes a part again. -1: it could not, and is gone. */
static int undo(struct commit *commit)
{
    int dir = commit->stage->dir, cause = errno, ret = 0;
    if (commit->placed && vd_stage_unplace(commit->stage, commit->name, commit->job) < 0) {
        unlinkat(dir, commit->name, 0);
        ret = -1;
    }
    if (commit->pending[0])
        unlinkat(dir, commit->pending, 0);
    commit->pending[0] = '\0';
    commit->placed = false;
    errno = cause;
    return ret;
}

static bool is_taken(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int place_video(struct commit *commit)
{
    if (vd_stage_place(commit->stage, commit->name, false) < 0)
        return -1;
    commit->placed = true;
    vd_fault_point("named");
    return 0;
}

static int name_sidecar(struct commit *commit)
{
    int dir = commit->stage->dir;
    if (vd_rename_exclusively(dir, commit->pending, commit->sidecar) < 0)
        return -1;
    commit->pending[0] = '\0';
    if (vd_folder_sync(dir) == 0)
        return 0;
    int cause = errno;
    unlinkat(dir, commit->sidecar, 0); /* before the video: it says that the video is there */
    errno = cause == EEXIST ? EIO : cause;
    return -1;
}

/* 0: both have their names. 1: one of the names is somebody else's, and nothing is changed. */
static int commit_as(struct commit *commit, const char *name, struct vd_err *err)
{
    int dir = commit->stage->dir;
    snprintf(commit->name, sizeof commit->name, "%s", name);
    vd_sidecar_name(commit->sidecar, name);
    if (is_taken(dir, commit->sidecar))
        return 1;
    bool there = is_taken(dir, name);
    int ours = there ? vd_output_is(dir, name, commit->document, err) : 0;
    if (ours < 0)
        return -1;
    if (there && !ours)
        return 1;
    if (put_pending(commit) == 0 && (ours || place_video(commit) == 0) && vd_folder_sync(dir) == 0 &&
        name_sidecar(commit) == 0)
        return 0;
    bool taken = errno == EEXIST;
    if (undo(commit) < 0 || !taken)
        return fail_commit(commit, err);
    return 1;
}

int vd_commit(const struct vd_roots *roots, const struct vd_target *target, struct vd_stage *stage, const char *job,
              json_t *document, struct vd_err *err)
{
    char own[VD_NAME];
    assert(json_is_object(json_object_get(document, "output")));
    struct commit commit = {.stage = stage, .folder = target->folder, .job = job, .document = document};
    vd_own_name(own, target->name, job);
    snprintf(commit.name, sizeof commit.name, "%s", target->name);
    int ret = check_folder(roots, &commit, err);
    if (ret == 0 && fsync(stage->fd) < 0)
        ret = fail_commit(&commit, err);
    if (ret == 0)
        ret = commit_as(&commit, target->name, err);
    if (ret == 1)
        ret = commit_as(&commit, own, err);
    if (ret == 1)
        ret = vd_fail(err, VD_AGAIN, "commit",
                      "processed/%s: %s and %s are both taken by other files; move one of them away", target->folder,
                      target->name, own);
    vd_stage_drop(stage);
    return ret;
}
