/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies beneath a root. */
#include "vidriera/order.h"
#include "vidriera/roots.h"

#include "files.h"
#include "folder.h"
#include "input.h"
#include "names.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* errno stays what it was, for vd_folder_look(). */
static int fail_folder(const struct vd_roots *roots, enum vd_root root, const char *folder, bool create,
                       struct vd_err *err)
{
    char mend[VD_MEND], command[64];
    const char *name = vd_root_name(root);
    int cause = errno, ret;
    bool denied = cause == EACCES || cause == EPERM;
    snprintf(command, sizeof command, "setfacl -m u:%u:%s", (unsigned)geteuid(), create ? "rwx" : "rx");
    if (cause == EXDEV || cause == ELOOP)
        ret = vd_fail(err, VD_NO_INPUT, "open",
                      "%s/%s leads out of %s or through a symbolic link; give a path beneath it", name, folder, name);
    else if (create && (denied || cause == EROFS))
        ret = vd_fail(err, VD_NO_OUTPUT, "open", "%s/%s: the folder cannot be made: %s; %s", name, folder,
                      strerror(cause),
                      denied ? vd_mend(mend, roots, command, roots->path[root], "") : "mount it for writing");
    else if (create && (cause == ENOTDIR || cause == ENAMETOOLONG))
        ret = vd_fail(err, VD_INPUT, "open", "%s/%s: the folder cannot be made: %s; %s", name, folder, strerror(cause),
                      cause == ENOTDIR ? "move away what is in its place" : "give a shorter path");
    else if (cause == ENOENT || cause == ENOTDIR || cause == ENAMETOOLONG)
        ret = vd_fail(err, VD_NO_INPUT, "open", "%s/%s: no such folder; check the path", name, folder);
    else if (denied)
        ret = vd_fail(err, VD_NO_INPUT, "open", "%s/%s: %s; %s", name, folder, strerror(cause),
                      vd_mend(mend, roots, command, roots->path[root], folder));
    else
        ret = vd_fail(err, VD_IO, "open", "%s/%s: the folder cannot be opened: %s; %s", name, folder, strerror(cause),
                      cause == ENOSPC ? "free some space" : "check the disk");
    errno = cause;
    return ret;
}

/* The name is on disk before anything is moved into it. */
static int enter(int dir, const char *name)
{
    int fd = vd_open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (mkdirat(dir, name, 0777) < 0 && errno != EEXIST)
        return -1;
    return vd_folder_sync(dir) < 0 ? -1 : vd_open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
}

static int make_beneath(int top, const char *folder)
{
    char name[NAME_MAX + 1];
    int dir = fcntl(top, F_DUPFD_CLOEXEC, 0);
    while (dir >= 0 && *folder) {
        size_t size = strcspn(folder, "/");
        int above = dir;
        snprintf(name, sizeof name, "%.*s", (int)size, folder);
        errno = ENAMETOOLONG;
        dir = size > NAME_MAX ? -1 : enter(above, name);
        vd_close(above);
        folder += size;
        folder += strspn(folder, "/");
    }
    return dir;
}

int vd_folder_open(const struct vd_roots *roots, enum vd_root root, const char *folder, bool create, struct vd_err *err)
{
    int top = vd_root_open(roots, root, err);
    if (top < 0 || !*folder)
        return top;
    int fd = vd_open_beneath(top, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT && create)
        fd = make_beneath(top, folder);
    vd_close(top);
    return fd < 0 ? fail_folder(roots, root, folder, create, err) : fd;
}

int vd_folder_look(const struct vd_roots *roots, enum vd_root root, const char *folder, struct vd_err *err)
{
    struct vd_err why = {0};
    int fd = vd_folder_open(roots, root, folder, false, &why);
    if (fd >= 0)
        return fd;
    bool closed = why.code == VD_NO_INPUT && (errno == EACCES || errno == EPERM);
    if (why.code == VD_NO_INPUT && !closed)
        return VD_NO_FOLDER;
    why.code = VD_IO;
    errno = closed ? EACCES : EIO;
    if (err)
        *err = why;
    return -1;
}

/* Markers and parts are no recordings: a job that ends badly would have them moved away. */
static bool is_ours(const char *path)
{
    for (const char *name = path; name; name = strchr(name, '/')) {
        name += *name == '/';
        if (!strncmp(name, ".vidriera", 9) || !strncmp(name, ".vd-", 4))
            return true;
    }
    return false;
}

int vd_root_input(const struct vd_roots *roots, enum vd_root root, const char *path, struct stat *st,
                  struct vd_err *err)
{
    char name[VD_ORDER_PATH + 16];
    snprintf(name, sizeof name, "%s/%s", vd_root_name(root), path);
    if (is_ours(path))
        return vd_fail(err, VD_INPUT, "open", "%s: is not a recording but vidriera's own; give a recording", name);
    int top = vd_root_open(roots, root, err);
    if (top < 0)
        return -1;
    int fd = vd_open_beneath(top, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    vd_close(top);
    if (fd < 0 && errno == EXDEV)
        return vd_fail(err, VD_INPUT, "open", "%s: leads out of %s; give a path beneath it", name, vd_root_name(root));
    if (fd < 0 && errno == ELOOP)
        return vd_fail(err, VD_INPUT, "open", "%s: leads through a symbolic link; give the file itself", name);
    return vd_input_take(fd, name, st, err);
}
