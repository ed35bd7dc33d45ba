/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders that wait for a broker: one file each, named so that the oldest is the first. */
#include "vidriera/log.h"
#include "vidriera/state.h"

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fail_spool(const char *name, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "spool", ".vidriera/spool/%s: %s; %s", name, strerror(errno),
                   errno == ENOSPC ? "free some space" : "check the disk that has the state folder");
}

static int open_spool(const struct vd_roots *roots)
{
    return openat(roots->state, "spool", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int vd_spool_put(const struct vd_roots *roots, const char *job, const char *text, struct vd_err *err)
{
    char name[VD_JOB_ID + 32];
    struct timespec now;
    if (!vd_job_id_valid(job))
        return vd_fail(err, VD_DEFECT, "spool", "\"%s\" is no job's id; report this", job);
    if (strlen(text) > VD_ORDER_BYTES)
        return vd_fail(err, VD_USAGE, "spool", "the order is larger than %d bytes; leave something out of its meta",
                       VD_ORDER_BYTES);
    int folder = open_spool(roots), ret = -1;
    do {
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(name, sizeof name, "%020lld-%s.job", (long long)now.tv_sec * 1000000000 + now.tv_nsec, job);
        if (folder >= 0)
            ret = vd_file_new(folder, name, text, strlen(text));
    } while (ret < 0 && errno == EEXIST);
    if (ret < 0)
        ret = fail_spool("", err);
    vd_close(folder);
    return ret;
}

static int is_order(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && !strcmp(dot, ".job");
}

/* False: enough. */
static bool hand_over(int folder, const char *name,
                      bool (*each)(void *opaque, const char *name, const char *text, size_t size), void *opaque,
                      int *count)
{
    size_t size;
    char *text = vd_file_read(folder, name, VD_ORDER_BYTES, &size);
    if (!text) {
        if (errno != ENOENT)
            vd_log(VD_LOG_WARNING, ".vidriera/spool/%s cannot be an order: %s; left there", name, strerror(errno));
        return true;
    }
    (*count)++;
    bool more = each(opaque, name, text, size);
    free(text);
    return more;
}

int vd_spool_each(const struct vd_roots *roots,
                  bool (*each)(void *opaque, const char *name, const char *text, size_t size), void *opaque,
                  struct vd_err *err)
{
    struct dirent **entries;
    int folder = open_spool(roots), given = 0;
    int found = folder < 0 ? -1 : scandirat(folder, ".", &entries, is_order, alphasort);
    if (found < 0) {
        vd_close(folder);
        return fail_spool("", err);
    }
    bool more = true;
    for (int i = 0; i < found; i++) {
        more = more && hand_over(folder, entries[i]->d_name, each, opaque, &given);
        free(entries[i]);
    }
    free(entries);
    vd_close(folder);
    return given;
}

void vd_spool_remove(const struct vd_roots *roots, const char *name)
{
    int folder = open_spool(roots);
    if (folder < 0 || strchr(name, '/') || (unlinkat(folder, name, 0) < 0 && errno != ENOENT))
        vd_log(VD_LOG_WARNING, ".vidriera/spool/%s cannot be removed: %s", name, strerror(errno));
    vd_close(folder);
}
