/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "services.h"
#include "submit.h"

#include "vidriera/archive.h"
#include "vidriera/store.h"
#include "vidriera/text.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int vd_submit_open(struct vd_submission *submission, const struct vd_settings *settings, struct vd_err *err)
{
    *submission = (struct vd_submission){.settings = settings, .roots = VD_ROOTS_NONE};
    if (vd_services_roots(settings, &submission->roots, err) < 0)
        return -1;
    for (int i = 0; i < VD_ROOTS; i++) {
        const char *path = submission->roots.path[i];
        submission->resolved[i] = realpath(path, NULL);
        if (!submission->resolved[i])
            return vd_fail(err, VD_IO, "root", "%s: %s; check the folder", path, strerror(errno));
    }
    return 0;
}

void vd_submit_close(struct vd_submission *submission)
{
    for (int i = 0; i < submission->count; i++) {
        free(submission->items[i].path);
        free(submission->items[i].text);
    }
    free(submission->items);
    for (int i = 0; i < VD_ROOTS; i++)
        free(submission->resolved[i]);
    vd_roots_close(&submission->roots);
}

/* The root that a resolved path lies beneath, the innermost one, and the rest of the path. NULL: beneath none. */
static const char *find_root(const struct vd_submission *submission, const char *real, enum vd_root *root)
{
    size_t longest = 0;
    for (int i = 0; i < VD_ROOTS; i++) {
        const char *base = submission->resolved[i];
        size_t length = strlen(base);
        if (length <= longest || strncmp(real, base, length) != 0 || (real[length] && real[length] != '/'))
            continue;
        longest = length;
        *root = (enum vd_root)i;
    }
    return longest ? real + longest + (real[longest] == '/') : NULL;
}

static int add_file(struct vd_submission *submission, enum vd_root root, const char *path, struct vd_err *err)
{
    char *copy = strdup(path);
    struct vd_submitted *items = copy ? reallocarray(submission->items, (size_t)submission->count + 1, sizeof *items)
                                      : NULL;
    if (!items) {
        free(copy);
        return vd_fail(err, VD_AGAIN, "", "no memory for so many recordings; submit fewer at a time");
    }
    items[submission->count++] = (struct vd_submitted){.root = root, .path = copy};
    submission->items = items;
    return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A folder in the folder that another root is, or that is not for recordings. */
static bool is_foreign(const struct vd_submission *submission, const FTSENT *entry, enum vd_root root)
{
    enum vd_root own;
    return entry->fts_level > 0 &&
           (entry->fts_name[0] == '.' || (find_root(submission, entry->fts_path, &own) && own != root));
}

static int take_entry(struct vd_submission *submission, FTS *walk, FTSENT *entry, enum vd_root root, struct vd_err *err)
{
    enum vd_root own;
    switch (entry->fts_info) {
    case FTS_D:
        if (is_foreign(submission, entry, root))
            fts_set(walk, entry, FTS_SKIP);
        return 0;
    case FTS_F:
        if (entry->fts_name[0] == '.' || !vd_is_media_name(entry->fts_name))
            return 0;
        return add_file(submission, root, find_root(submission, entry->fts_path, &own), err);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return vd_fail(err, VD_NO_INPUT, "open", "%s: %s; make it readable for this user", entry->fts_path,
                       strerror(entry->fts_errno));
    default:
        return 0;
    }
}

static int add_folder(struct vd_submission *submission, const char *real, enum vd_root root, struct vd_err *err)
{
    char *paths[] = {(char *)real, NULL};
    int before = submission->count, ret = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!walk)
        return vd_fail(err, VD_IO, "open", "%s: %s; check the disk", real, strerror(errno));
    FTSENT *entry;
    while (ret == 0 && (entry = fts_read(walk)))
        ret = take_entry(submission, walk, entry, root, err);
    fts_close(walk);
    if (ret == 0 && submission->count == before)
        ret = vd_fail(err, VD_NO_INPUT, "open", "%s: no recording in it; name a file, or another folder", real);
    return ret;
}

int vd_submit_add(struct vd_submission *submission, const char *path, struct vd_err *err)
{
    char real[PATH_MAX];
    struct stat st;
    enum vd_root root;
    if (!realpath(path, real) || stat(real, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? vd_fail(err, VD_NO_INPUT, "open", "%s: no such file; check the path", path)
                   : vd_fail(err, VD_NO_INPUT, "open", "%s: %s; check the path", path, strerror(errno));
    const char *rest = find_root(submission, real, &root);
    if (!rest)
        return vd_fail(err, VD_USAGE, "open", "%s: not beneath %s, the folder of the recordings; move it there", path,
                       submission->roots.path[VD_RECORDINGS]);
    return S_ISDIR(st.st_mode) ? add_folder(submission, real, root, err) : add_file(submission, root, rest, err);
}

static int by_root_and_path(const void *a, const void *b)
{
    const struct vd_submitted *one = a, *other = b;
    return one->root != other->root ? (int)one->root - (int)other->root : strcmp(one->path, other->path);
}

void vd_submit_sort(struct vd_submission *submission)
{
    int kept = 0;
    if (submission->count)
        qsort(submission->items, (size_t)submission->count, sizeof *submission->items, by_root_and_path);
    for (int i = 0; i < submission->count; i++) {
        struct vd_submitted *item = &submission->items[i];
        if (kept && by_root_and_path(item, &submission->items[kept - 1]) == 0)
            free(item->path);
        else
            submission->items[kept++] = *item;
    }
    submission->count = kept;
}

static bool is_option(const struct vd_settings *settings, const char *key)
{
    const struct vd_conf_value *value = vd_conf_find(&settings->conf, key);
    return value && !strncmp(value->where, "--", 2);
}

/*
 * What the order is silent about: all that was not given as an option, because there the worker's own configuration is
 * to hold. What was given differs from this recipe, whatever it is.
 */
static void silent_recipe(const struct vd_settings *settings, struct vd_recipe *recipe)
{
    *recipe = settings->job.recipe;
    if (is_option(settings, "effect.name"))
        *recipe->effect.name = '\0';
    if (is_option(settings, "effect.left"))
        recipe->effect.left.r ^= 1;
    if (is_option(settings, "effect.right"))
        recipe->effect.right.r ^= 1;
    if (is_option(settings, "effect.strength"))
        recipe->effect.strength = -1;
    if (is_option(settings, "effect.split"))
        recipe->effect.split = -1;
    if (is_option(settings, "output.codec"))
        recipe->codec = recipe->codec == VD_CODEC_AUTO ? VD_CODEC_H264 : VD_CODEC_AUTO;
    if (is_option(settings, "output.preset"))
        *recipe->preset = '\0';
    if (is_option(settings, "output.quality"))
        recipe->quality = -1;
}

static int digest_of(const struct vd_submission *submission, const struct vd_submitted *item, char *digest,
                     struct vd_err *err)
{
    struct vd_digest_watch watch = {0};
    struct stat st;
    int fd = vd_root_input(&submission->roots, item->root, item->path, &st, err);
    if (fd < 0)
        return -1;
    int ret = vd_digest_fd(fd, &watch, digest, err);
    if (ret == 0 && !vd_input_unchanged(fd, &st))
        ret = vd_fail(err, VD_AGAIN, "open", "changed while it was read; try again when it is finished");
    close(fd);
    return ret;
}

int vd_submit_order(const struct vd_submission *submission, struct vd_submitted *item, struct vd_err *err)
{
    const struct vd_settings *settings = submission->settings;
    char digest[VD_DIGEST_TEXT];
    struct vd_recipe silent;
    struct vd_order order = {.recipe = settings->job.recipe};
    if (vd_order_path_check(item->path, err) < 0 || digest_of(submission, item, digest, err) < 0)
        return -1;
    snprintf(order.root, sizeof order.root, "%s", vd_root_name(item->root));
    snprintf(order.path, sizeof order.path, "%s", item->path);
    if (is_option(settings, "process.device"))
        snprintf(order.device, sizeof order.device, "%s", settings->device);
    vd_job_id(&order, digest, order.id);
    silent_recipe(settings, &silent);
    order.meta = json_object();
    json_t *object = vd_order_to_json(&order, &silent);
    item->text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    snprintf(item->job, sizeof item->job, "%s", order.id);
    vd_order_finish(&order);
    return item->text ? 0 : vd_fail(err, VD_AGAIN, "", "no memory for an order; submit fewer at a time");
}

struct vd_submitted *vd_submit_find(struct vd_submission *submission, const char *job)
{
    for (int i = 0; i < submission->count; i++)
        if (!strcmp(submission->items[i].job, job))
            return &submission->items[i];
    return NULL;
}

void vd_submit_fail(struct vd_submission *submission, const struct vd_submitted *item, enum vd_code code,
                    const char *text)
{
    char path[VD_ORDER_PATH];
    snprintf(path, sizeof path, "%s", item->path);
    vd_text_clean(path); /* as the text is */
    bool named = strstr(text, path);
    vd_log(VD_LOG_ERROR, "%s%s%s", named ? "" : path, named ? "" : ": ", text);
    if (!submission->status)
        submission->status = vd_code_exit(code);
}
