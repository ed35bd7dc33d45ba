/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/node.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { DRM_MAJOR = 226 };

/* The first line of a file, without its end. */
static bool read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    bool got = file && fgets(text, (int)size, file);
    if (file)
        fclose(file);
    if (got)
        text[strcspn(text, "\n")] = '\0';
    else
        *text = '\0';
    return got;
}

static unsigned read_number(const char *folder, const char *name)
{
    char path[PATH_MAX + 16], text[32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_line(path, text, sizeof text) ? (unsigned)strtoul(text, NULL, 16) : 0;
}

static void look_at_render(const char *root, const struct stat *st, struct vd_node *node)
{
    char folder[PATH_MAX], link[PATH_MAX + 16], target[256];
    if (!S_ISCHR(st->st_mode) || major(st->st_rdev) != DRM_MAJOR)
        return;
    snprintf(folder, sizeof folder, "%s/sys/dev/char/%u:%u/device", root, major(st->st_rdev), minor(st->st_rdev));
    node->vendor = read_number(folder, "vendor");
    node->device = read_number(folder, "device");
    node->gpu = node->vendor && node->device;
    snprintf(link, sizeof link, "%s/driver", folder);
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size > 0) {
        target[size] = '\0';
        const char *slash = strrchr(target, '/');
        snprintf(node->driver, sizeof node->driver, "%.47s", slash ? slash + 1 : target);
    }
}

/* NVIDIA's module tells its devices by their PCI address, and which node is whose in a text. */
static bool has_minor(const char *information, unsigned wanted)
{
    char line[256];
    unsigned found;
    bool same = false;
    FILE *file = fopen(information, "re");
    while (file && !same && fgets(line, sizeof line, file))
        same = sscanf(line, "Device Minor: %u", &found) == 1 && found == wanted;
    if (file)
        fclose(file);
    return same;
}

static void look_at_nvidia(const char *root, const struct stat *st, struct vd_node *node)
{
    char path[PATH_MAX], version[32];
    glob_t found;
    node->gpu = S_ISCHR(st->st_mode);
    snprintf(path, sizeof path, "%s/sys/module/nvidia/version", root);
    read_line(path, version, sizeof version);
    snprintf(node->driver, sizeof node->driver, "nvidia%s%s", *version ? " " : "", version);
    snprintf(path, sizeof path, "%s/proc/driver/nvidia/gpus/*/information", root);
    if (glob(path, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char *information = found.gl_pathv[i];
            if (!has_minor(information, minor(st->st_rdev)))
                continue;
            *strrchr(information, '/') = '\0';
            snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s", root, strrchr(information, '/') + 1);
            node->vendor = read_number(path, "vendor");
            node->device = read_number(path, "device");
        }
    globfree(&found);
}

static void name_group(struct vd_node *node)
{
    struct group group, *known = NULL;
    char buffer[4096];
    if (getgrgid_r(node->gid, &group, buffer, sizeof buffer, &known) == 0 && known)
        snprintf(node->group, sizeof node->group, "%s", known->gr_name);
}

static void refuse_access(struct vd_node *node, mode_t mode)
{
    unsigned gid = node->gid;
    name_group(node);
    if ((mode & (S_IRGRP | S_IWGRP)) != (S_IRGRP | S_IWGRP))
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: permission denied, and its mode %03o lets no group in; chmod g+rw it, by a rule of udev to last",
                 node->path, (unsigned)mode & 0777);
    else if (*node->group)
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: permission denied, it is for group %s (gid %u); usermod -aG %s USER and log in anew, in a "
                 "container --group-add %u",
                 node->path, node->group, gid, node->group, gid);
    else
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: permission denied, it is for the group with gid %u; start the container with --group-add %u",
                 node->path, gid, gid);
}

static void refuse_missing(struct vd_node *node, int error)
{
    const char *folder = strncmp(node->path, "/dev/dri", 8) ? "the device's nodes" : "--device /dev/dri";
    if (error == EACCES)
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: permission denied on the way there; let this user into its folders", node->path);
    else
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: %s; see ls -l /dev/dri /dev/nvidia*, and start a container with %s", node->path,
                 error == ENOENT ? "there is no such node" : strerror(error), folder);
}

/* CUDA wants it, and would have it made by a program that runs as root for whoever calls it: out of a media process none
 * does. */
static void want_uvm(const char *root, struct vd_node *node)
{
    static const char uvm[] = "/dev/nvidia-uvm";
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", root, uvm);
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
        snprintf(node->refusal, sizeof node->refusal,
                 "%s: %s, and CUDA needs it beside %s; run nvidia-modprobe -c 0 -u as root whenever the host has "
                 "started, start a container with --gpus all",
                 uvm, errno == ENOENT ? "no such node" : strerror(errno), node->path);
}

void vd_node_look(const char *root, enum vd_node_kind kind, const char *path, struct vd_node *node)
{
    char real[PATH_MAX];
    struct stat st;
    *node = (struct vd_node){.gid = (gid_t)-1};
    snprintf(node->path, sizeof node->path, "%s", path);
    snprintf(real, sizeof real, "%s%s", root, path);
    if (stat(real, &st) < 0) {
        refuse_missing(node, errno);
        return;
    }
    node->gid = st.st_gid;
    if (kind == VD_NODE_RENDER)
        look_at_render(root, &st, node);
    else
        look_at_nvidia(root, &st, node);
    node->open = faccessat(AT_FDCWD, real, R_OK | W_OK, AT_EACCESS) == 0;
    if (!node->open)
        refuse_access(node, st.st_mode);
    else if (!node->gpu)
        snprintf(node->refusal, sizeof node->refusal, "%s: it is no node of a GPU; see ls -l /dev/dri /dev/nvidia*",
                 node->path);
    else if (kind == VD_NODE_NVIDIA)
        want_uvm(root, node);
}

static int number_of(const char *path)
{
    size_t size = strlen(path);
    while (size && path[size - 1] >= '0' && path[size - 1] <= '9')
        size--;
    return (int)strtol(path + size, NULL, 10);
}

static int by_number(const void *a, const void *b)
{
    return number_of(((const struct vd_node *)a)->path) - number_of(((const struct vd_node *)b)->path);
}

int vd_nodes_find(const char *root, enum vd_node_kind kind, struct vd_node list[VD_NODES])
{
    char pattern[PATH_MAX];
    glob_t found;
    int count = 0;
    snprintf(pattern, sizeof pattern, "%s%s", root,
             kind == VD_NODE_RENDER ? "/dev/dri/renderD[0-9]*" : "/dev/nvidia[0-9]*");
    if (glob(pattern, 0, NULL, &found) == 0)
        for (; count < VD_NODES && (size_t)count < found.gl_pathc; count++)
            vd_node_look(root, kind, found.gl_pathv[count] + strlen(root), &list[count]);
    globfree(&found);
    qsort(list, (size_t)count, sizeof *list, by_number);
    for (int i = 0; i < count; i++)
        if (!*list[i].group)
            name_group(&list[i]);
    return count;
}

const char *vd_node_none(enum vd_node_kind kind)
{
    return kind == VD_NODE_RENDER
               ? "/dev/dri: no render node; load the GPU's kernel driver, start a container with --device /dev/dri"
               : "/dev/nvidia0: no such node; load NVIDIA's kernel driver, start a container with --gpus all";
}
