/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts whose maker is gone. */
#include "vidriera/log.h"

#include "files.h"
#include "sidecar.h"
#include "stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 32, OLD_S = 24 * 60 * 60 };

struct walk {
    const struct vd_roots *roots;
    bool claimed; /* what is made here is made under a claim; elsewhere, age alone tells */
    int removed;
};

/* Long enough ago that nobody writes it any more, claim or not (`process` makes parts, too, and claims nothing). */
static bool is_old(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec + OLD_S < time(NULL);
}

static void collect(struct walk *walk, int folder, const char *part, const char *job)
{
    struct vd_claim claim;
    json_t *document = NULL;
    if (!walk->claimed) {
        walk->removed += is_old(folder, part) && unlinkat(folder, part, 0) == 0;
        return;
    }
    if (vd_claim_take(&claim, walk->roots, job, NULL) != 0)
        return;
    if (!claim.fresh || is_old(folder, part))
        walk->removed += vd_part_settle(folder, part, job, &document, NULL) == 0;
    json_decref(document);
    if (claim.fresh)
        vd_claim_remove(&claim, walk->roots);
    else
        vd_claim_release(&claim);
}

/* Takes fd. */
static void walk_folder(struct walk *walk, int fd, int depth)
{
    char job[VD_JOB_ID];
    DIR *list = fdopendir(fd);
    const struct dirent *entry;
    if (!list) {
        close(fd);
        return;
    }
    while ((entry = readdir(list))) {
        const char *name = entry->d_name;
        if (vd_part_job(name, job)) {
            collect(walk, fd, name, job);
        } else if (name[0] != '.' && depth < DEPTH && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
            int below = vd_open_beneath(fd, name, O_RDONLY | O_DIRECTORY);
            if (below >= 0)
                walk_folder(walk, below, depth + 1);
        }
    }
    closedir(list);
}

/* What a crash left between two names of one of our own small files. */
static void sweep_state(struct walk *walk)
{
    static const char *const folders[] = {".", "done", "paths", "spool", "roots"};
    char job[VD_JOB_ID];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int fd = openat(walk->roots->state, folders[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *list = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        while (list && (entry = readdir(list)))
            if (vd_part_job(entry->d_name, job) && is_old(fd, entry->d_name) && unlinkat(fd, entry->d_name, 0) == 0)
                walk->removed++;
        if (list)
            closedir(list);
        else
            vd_close(fd);
    }
}

int vd_parts_collect(const struct vd_roots *roots)
{
    static const enum vd_root walked[] = {VD_PROCESSED, VD_ARCHIVED, VD_FAILED_ROOT};
    struct walk walk = {.roots = roots};
    for (size_t i = 0; i < sizeof walked / sizeof *walked; i++) {
        int fd = vd_root_open(roots, walked[i], NULL);
        walk.claimed = walked[i] == VD_PROCESSED;
        if (fd >= 0)
            walk_folder(&walk, fd, 0);
    }
    sweep_state(&walk);
    if (walk.removed)
        vd_log(VD_LOG_INFO, "%d unfinished files of workers that are gone were removed", walk.removed);
    return walk.removed;
}
