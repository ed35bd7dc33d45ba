/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/state.h"

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct end {
    struct timespec when;
    char job[VD_JOB_ID];
};

struct ends {
    struct end *list;
    size_t count, room;
};

static int by_time(const void *left, const void *right)
{
    const struct end *a = left, *b = right;
    if (a->when.tv_sec != b->when.tv_sec)
        return a->when.tv_sec < b->when.tv_sec ? -1 : 1;
    if (a->when.tv_nsec != b->when.tv_nsec)
        return a->when.tv_nsec < b->when.tv_nsec ? -1 : 1;
    return strcmp(a->job, b->job);
}

/* job is a valid one. */
static int add(struct ends *ends, const char *job, const struct stat *st)
{
    if (ends->count == ends->room) {
        size_t room = ends->room ? 2 * ends->room : 256;
        struct end *list = realloc(ends->list, room * sizeof *list);
        if (!list)
            return -1;
        ends->list = list;
        ends->room = room;
    }
    struct end *end = &ends->list[ends->count++];
    end->when = st->st_mtim;
    snprintf(end->job, sizeof end->job, "%.*s", VD_JOB_ID - 1, job);
    return 0;
}

static int list(const struct vd_roots *roots, struct ends *ends)
{
    int fd = openat(roots->state, "done", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat st;
    if (!folder) {
        vd_close(fd);
        return -1;
    }
    for (errno = 0; ret == 0 && (entry = readdir(folder)); errno = 0)
        if (vd_job_id_valid(entry->d_name) && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            ret = add(ends, entry->d_name, &st);
    if (!entry && errno)
        ret = -1;
    int cause = errno;
    closedir(folder);
    errno = cause;
    return ret;
}

int vd_done_newest(const struct vd_roots *roots, int most, void (*each)(void *opaque, const json_t *document),
                   void *opaque, struct vd_err *err)
{
    struct ends ends = {0};
    json_t *document;
    int count = 0;
    if (list(roots, &ends) < 0) {
        count = vd_fail(err, VD_IO, "state", ".vidriera/done: %s; check the disk that has the state folder",
                        strerror(errno));
        ends.count = 0;
    }
    if (ends.count > 0)
        qsort(ends.list, ends.count, sizeof *ends.list, by_time);
    for (size_t i = ends.count > (size_t)most ? ends.count - (size_t)most : 0; i < ends.count; i++)
        if (vd_done_find(roots, ends.list[i].job, &document, NULL) == 1) {
            each(opaque, document);
            json_decref(document);
            count++;
        }
    free(ends.list);
    return count;
}
