/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "naming.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct vd_err *err)
{
    return vd_fail(err, VD_DEFECT, "open", "no memory for a name");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Lower case, without the dot; empty when there is none, or it is too long to be one. */
static void extension_of(const char *name, char *extension, size_t size)
{
    const char *dot = strrchr(name, '.');
    extension[0] = '\0';
    if (!dot || dot == name || strlen(dot + 1) >= size)
        return;
    for (size_t i = 0; i < strlen(dot + 1); i++)
        if (!isalnum((unsigned char)dot[1 + i]))
            return;
    for (size_t i = 0; i <= strlen(dot + 1); i++)
        extension[i] = (char)tolower((unsigned char)dot[1 + i]);
}

static char *folder_of(const char *path)
{
    size_t length = (size_t)(base_name(path) - path);
    if (length == 0)
        return strdup(".");
    return strndup(path, length > 1 ? length - 1 : 1);
}

static int settle(struct vd_naming *naming, const char *path, struct vd_err *err)
{
    naming->folder = folder_of(path);
    naming->name = strdup(base_name(path));
    naming->path = strdup(path);
    if (!naming->folder || !naming->name || !naming->path)
        return no_memory(err);
    return 0;
}

int vd_naming_begin(struct vd_naming *naming, const char *input, const char *output, struct vd_job *job,
                    struct vd_err *err)
{
    static const char *const ours[] = {"mp4", "mov", "mkv"};
    char extension[sizeof job->container];
    const char *name = base_name(input), *dot = strrchr(name, '.');
    extension_of(name, job->extension, sizeof job->extension);
    if (!output) {
        naming->folder = folder_of(input);
        naming->stem = dot && dot != name ? strndup(name, (size_t)(dot - name)) : strdup(name);
        return naming->folder && naming->stem ? 0 : no_memory(err);
    }
    extension_of(base_name(output), extension, sizeof extension);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!strcmp(extension, ours[i])) {
            snprintf(job->container, sizeof job->container, "%s", ours[i]);
            return settle(naming, output, err);
        }
    return vd_fail(err, VD_USAGE, "open", "-o %s: the name decides the container; let it end in .mp4, .mov or .mkv",
                   output);
}

int vd_naming_png(struct vd_naming *naming, const char *path, struct vd_err *err)
{
    char extension[8];
    extension_of(base_name(path), extension, sizeof extension);
    if (strcmp(extension, "png"))
        return vd_fail(err, VD_USAGE, "open", "--preview %s: a PNG is written; let the name end in .png", path);
    return settle(naming, path, err);
}

int vd_naming_settle(struct vd_naming *naming, const char *container, bool overwrite, const struct stat *input,
                     struct vd_err *err)
{
    if (!naming->name) {
        bool here = !strcmp(naming->folder, "."), root = !strcmp(naming->folder, "/");
        if (asprintf(&naming->name, "%s.tinted.%s", naming->stem, container) < 0) {
            naming->name = NULL;
            return no_memory(err);
        }
        if (asprintf(&naming->path, "%s%s%s", here ? "" : naming->folder, here || root ? "" : "/", naming->name) < 0) {
            naming->path = NULL;
            return no_memory(err);
        }
    }
    return vd_naming_check(naming, overwrite, input, err);
}

int vd_naming_check(const struct vd_naming *naming, bool overwrite, const struct stat *input, struct vd_err *err)
{
    struct stat st, link;
    if (!naming->name || lstat(naming->path, &link) < 0)
        return 0;
    if (stat(naming->path, &st) == 0 && st.st_dev == input->st_dev && st.st_ino == input->st_ino)
        return vd_fail(err, VD_USAGE, "open", "%s: the output is the input itself; give another -o", naming->path);
    if (S_ISDIR(link.st_mode))
        return vd_fail(err, VD_NO_OUTPUT, "open", "%s: is a folder; give a file's name", naming->path);
    if (!overwrite)
        return vd_fail(err, VD_NO_OUTPUT, "open", "%s: exists already; use --overwrite or another -o", naming->path);
    if (!S_ISREG(link.st_mode))
        return vd_fail(err, VD_NO_OUTPUT, "open", "%s: is not a regular file; give another -o", naming->path);
    return 0;
}

void vd_naming_finish(struct vd_naming *naming)
{
    free(naming->folder);
    free(naming->name);
    free(naming->path);
    free(naming->stem);
    *naming = VD_NAMING_NONE;
}
