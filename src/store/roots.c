/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/roots.h"

#include "files.h"
#include "mark.h"
#include "names.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *const root_names[VD_ROOTS] = {[VD_RECORDINGS] = "recordings",
                                                 [VD_PROCESSED] = "processed",
                                                 [VD_ARCHIVED] = "archived",
                                                 [VD_FAILED_ROOT] = "failed"};

const char *vd_root_name(enum vd_root root)
{
    return root_names[root];
}

int vd_root_parse(const char *name, enum vd_root *root)
{
    for (int i = 0; i < VD_ROOTS; i++)
        if (!strcmp(root_names[i], name)) {
            *root = (enum vd_root)i;
            return 0;
        }
    return -1;
}

/* "run as root: chown -R 10001:10001 '/srv/vidriera/.vidriera'" */
static const char *mend_folder(const struct vd_roots *roots, char mend[VD_MEND], const char *how, const char *top,
                               const char *name)
{
    char command[96];
    snprintf(command, sizeof command, how, (unsigned)geteuid(), (unsigned)getegid());
    return vd_mend(mend, roots, command, top, name);
}

/* Data in which nothing can be made: root gives it to this user, another owner keeps it and shares it. */
static const char *mend_data(const struct vd_roots *roots, char mend[VD_MEND])
{
    struct stat st;
    bool of_root = stat(roots->data, &st) == 0 && st.st_uid == 0;
    return mend_folder(roots, mend, of_root ? "chown %u:%u" : "setfacl -m u:%u:rwx", roots->data, "");
}

static int fail_state(const struct vd_roots *roots, bool there, struct vd_err *err)
{
    char mend[VD_MEND];
    if (errno == ENOSYS || errno == EPERM)
        return vd_fail(err, VD_CONFIG, "root",
                       "paths cannot be opened safely here: openat2: %s; use Linux 5.6 or newer, and a container "
                       "runtime that lets openat2 through",
                       strerror(errno));
    if (errno == EACCES)
        return vd_fail(err, VD_CONFIG, "root", "the state folder .vidriera cannot be written: %s; %s", strerror(errno),
                       there ? mend_folder(roots, mend, "chown -R %u:%u", roots->data, ".vidriera")
                             : mend_data(roots, mend));
    if (errno == ENOTDIR || errno == ELOOP)
        return vd_fail(err, VD_CONFIG, "root", "the state folder .vidriera is no folder; move it away");
    if (errno == EROFS)
        return vd_fail(err, VD_CONFIG, "root",
                       "the state folder .vidriera is on a file system that is mounted read-only; mount it for "
                       "writing");
    return vd_fail(err, VD_IO, "root", "the state folder .vidriera cannot be used: %s; %s", strerror(errno),
                   errno == ENOSPC ? "free some space" : "check the disk");
}

static int open_state(struct vd_roots *roots, int data, struct vd_err *err)
{
    static const char *const folders[] = {"claims", "done", "paths", "spool", "roots"};
    bool made = mkdirat(data, ".vidriera", 0700) == 0;
    if (!made && errno != EEXIST)
        return fail_state(roots, false, err);
    roots->state = vd_open_beneath(data, ".vidriera", O_RDONLY | O_DIRECTORY);
    if (roots->state < 0)
        return fail_state(roots, true, err);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        bool new = mkdirat(roots->state, folders[i], 0700) == 0;
        if ((!new &&errno != EEXIST) || faccessat(roots->state, folders[i], R_OK | W_OK | X_OK, AT_EACCESS) < 0)
            return fail_state(roots, true, err);
        made |= new;
    }
    if (made && (vd_folder_sync(roots->state) < 0 || vd_folder_sync(data) < 0))
        return fail_state(roots, true, err);
    return 0;
}

/* Of a root that was used before, an absence is no reason to make it anew: it may come back. */
static int make_default(const struct vd_roots *roots, enum vd_root root, int data, struct vd_err *err)
{
    char mend[VD_MEND];
    if (vd_mark_known(roots, root) != 0 || mkdirat(data, root_names[root], 0777) == 0 || errno == EEXIST)
        return 0;
    bool denied = errno == EACCES || errno == EPERM;
    return vd_fail(err, errno == ENOSPC || errno == EIO ? VD_IO : VD_CONFIG, "root",
                   "the folder %s cannot be made: %s; %s", root_names[root], strerror(errno),
                   denied ? mend_data(roots, mend) : "make it, or name another folder for it in the configuration");
}

static int check_folder(const char *what, const char *path, struct vd_err *err)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return vd_fail(err, VD_CONFIG, "root", "%s: there is no folder %s; make it, mount it, or name another",
                           what, path);
        return 0; /* it is there, and away */
    }
    if (!S_ISDIR(st.st_mode))
        return vd_fail(err, VD_CONFIG, "root", "%s: %s is no folder; name one", what, path);
    return 0;
}

static char *absolute(const char *path)
{
    char *here, *whole = NULL;
    if (path[0] == '/')
        return strdup(path);
    here = getcwd(NULL, 0);
    if (here && asprintf(&whole, "%s/%s", here, path) < 0)
        whole = NULL;
    free(here);
    return whole;
}

static int name_paths(struct vd_roots *roots, const char *data, const char *on_host, const char *const moved[VD_ROOTS],
                      struct vd_err *err)
{
    roots->data = realpath(data, NULL);
    if (!roots->data)
        return vd_fail(err, VD_CONFIG, "root", "data: %s: %s; name the folder that holds recordings", data,
                       strerror(errno));
    if (on_host && !(roots->on_host = strdup(on_host)))
        return vd_fail(err, VD_DEFECT, "root", "no memory for a path");
    for (int i = 0; i < VD_ROOTS; i++) {
        if (moved[i])
            roots->path[i] = absolute(moved[i]);
        else if (asprintf(&roots->path[i], "%s/%s", roots->data, root_names[i]) < 0)
            roots->path[i] = NULL;
        if (!roots->path[i])
            return vd_fail(err, VD_DEFECT, "root", "no memory for a path");
    }
    return 0;
}

int vd_roots_open(struct vd_roots *roots, const char *data, const char *on_host, const char *const moved[VD_ROOTS],
                  struct vd_err *err)
{
    char mend[VD_MEND];
    *roots = VD_ROOTS_NONE;
    if (check_folder("data", data, err) < 0 || name_paths(roots, data, on_host, moved, err) < 0) {
        vd_roots_close(roots);
        return -1;
    }
    int fd = open(roots->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
    if (fd < 0)
        ret = vd_fail(err, VD_CONFIG, "root", "data: %s: %s; %s", data, strerror(errno),
                      errno == EACCES ? mend_data(roots, mend) : "let this user read it");
    else
        ret = open_state(roots, fd, err);
    for (int i = 0; i < VD_ROOTS && ret == 0; i++)
        ret = moved[i] ? check_folder(root_names[i], roots->path[i], err)
                       : make_default(roots, (enum vd_root)i, fd, err);
    /* marked while everything is likely to be in place; one that is away is told of when it is needed */
    for (int i = 0; i < VD_ROOTS && ret == 0; i++)
        vd_close(vd_root_open(roots, (enum vd_root)i, NULL));
    vd_close(fd);
    if (ret < 0)
        vd_roots_close(roots);
    return ret;
}

void vd_roots_close(struct vd_roots *roots)
{
    for (int i = 0; i < VD_ROOTS; i++)
        free(roots->path[i]);
    free(roots->data);
    free(roots->on_host);
    vd_close(roots->state);
    *roots = VD_ROOTS_NONE;
}

int vd_root_open(const struct vd_roots *roots, enum vd_root root, struct vd_err *err)
{
    char mend[VD_MEND];
    int fd = open(roots->path[root], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return vd_fail(err, VD_IO, "root", "%s cannot be read: %s; %s", root_names[root], strerror(errno),
                       mend_folder(roots, mend, "setfacl -m u:%u:rx", roots->path[root], ""));
    if (fd < 0)
        return vd_mark_away(roots, root, strerror(errno), err);
    if (vd_mark_check(roots, root, fd, err) == 0)
        return fd;
    close(fd);
    return -1;
}

static int check_space(int processed, int64_t reserve, struct vd_err *err)
{
    struct statvfs fs;
    if (fstatvfs(processed, &fs) < 0)
        return vd_fail(err, VD_IO, "root", "processed: free space is not to be had: %s; check the disk",
                       strerror(errno));
    double available = (double)fs.f_bavail * (double)fs.f_frsize;
    if (available < (double)reserve)
        return vd_fail(err, VD_IO, "root", "processed: %.1f MB are free and %.1f MB must be; free some space",
                       available / 1e6, (double)reserve / 1e6);
    return 0;
}

int vd_roots_ready(const struct vd_roots *roots, int64_t reserve, struct vd_err *err)
{
    char mend[VD_MEND];
    for (int i = 0; i < VD_ROOTS; i++) {
        int fd = vd_root_open(roots, (enum vd_root)i, err), ret = 0;
        if (fd < 0)
            return -1;
        if (i == VD_PROCESSED && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
            ret = vd_fail(err, VD_IO, "root", "processed cannot be written: %s; %s", strerror(errno),
                          errno == EROFS ? "mount it for writing"
                                         : mend_folder(roots, mend, "setfacl -m u:%u:rwx", roots->path[i], ""));
        else if (i == VD_PROCESSED)
            ret = check_space(fd, reserve, err);
        close(fd);
        if (ret < 0)
            return -1;
    }
    return 0;
}
