/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_order.h"

#include "watch_show.h"

#include "vidriera/index.h"
#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/state.h"
#include "vidriera/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { META_BYTES = 32 * 1024, STOP_MS = 200 };

static int done_before(const struct vd_watch_setup *setup, const struct vd_watch_file *file, struct vd_err *err)
{
    json_t *document = NULL;
    int found = vd_done_find_path(setup->roots, vd_root_name(VD_RECORDINGS), file->path, &document, err);
    if (found == 1)
        found = vd_done_same_recording(document, &file->ready.st);
    json_decref(document);
    return found;
}

int vd_watch_meet(const struct vd_watch_setup *setup, struct vd_watch_file *file, struct vd_err *err)
{
    struct vd_err unfit = {0};
    if (!S_ISREG(file->ready.st.st_mode)) {
        vd_log(VD_LOG_WARNING, "%.300s: %s; put the recording itself there", file->path,
               S_ISLNK(file->ready.st.st_mode) ? "is a link, and links are not followed" : "is not a regular file");
        file->step = VD_WATCH_OVER;
    } else if (vd_order_path_check(file->path, &unfit) < 0) {
        vd_log(VD_LOG_WARNING, "%.300s: stays where it is: %.300s; rename it", file->path, unfit.text);
        file->step = VD_WATCH_OVER;
    } else {
        int done = done_before(setup, file, err);
        if (done < 0)
            return -1;
        if (done)
            file->step = VD_WATCH_OVER;
    }
    file->fresh = false;
    return 0;
}

/* A folder of the tree, and *name in it. */
static int open_folder_of(const struct vd_roots *roots, const char *path, const char **name, struct vd_err *err)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    char *folder = strndup(path, slash ? (size_t)(slash - path) : 0);
    if (!folder)
        return vd_fail(err, VD_AGAIN, "open", "no memory; try again later");
    int fd = vd_folder_open(roots, VD_RECORDINGS, folder, false, err);
    free(folder);
    return fd;
}

static int open_in(int folder, const char *name)
{
    return openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* The very file of the last look; *made tells why there is none. */
static int open_file(const struct vd_watch_setup *setup, const struct vd_watch_file *file, enum vd_watch_made *made,
                     struct vd_err *err)
{
    const char *name;
    struct vd_err gone = {0};
    int folder = open_folder_of(setup->roots, file->path, &name, &gone);
    *made = VD_MADE_AGAIN;
    if (folder < 0)
        return -1;
    int fd = open_in(folder, name), error = errno;
    close(folder);
    if (fd >= 0 && vd_input_unchanged(fd, &file->ready.st))
        return fd;
    if (fd >= 0) {
        close(fd);
    } else if (error != ENOENT && error != ELOOP && error != ENOTDIR) {
        *made = VD_MADE_STUCK;
        vd_fail(err, VD_IO, "open", "cannot be opened: %s; %s", strerror(error),
                error == EACCES || error == EPERM ? "make it readable for this user" : "check the disk");
    }
    return -1;
}

enum vd_watch_made vd_watch_look_inside(const struct vd_watch_setup *setup, struct vd_watch_file *file,
                                        struct vd_err *err)
{
    enum vd_watch_made made;
    int fd = open_file(setup, file, &made, err);
    if (fd < 0)
        return made;
    file->ready.index = vd_index_readable(fd) ? VD_INDEX_READABLE : VD_INDEX_MISSING;
    close(fd);
    return VD_MADE_ORDER;
}

struct digest {
    int fd, ret;
    struct vd_digest_watch watch;
    char text[VD_DIGEST_TEXT];
    struct vd_err err;
};

static void *digest_main(void *opaque)
{
    struct digest *digest = opaque;
    digest->ret = vd_digest_fd(digest->fd, &digest->watch, digest->text, &digest->err);
    return NULL;
}

/* A recording may be large, and who says stop does not want to wait for it. */
static void digest_run(struct digest *digest, const struct vd_watch_setup *setup, struct vd_watch_state *state)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, digest_main, digest) != 0) {
        digest_main(digest);
        return;
    }
    while (!vd_join_for(thread, STOP_MS)) {
        vd_watch_show_alive(setup);
        if (atomic_load(&state->stop))
            atomic_store(&digest->watch.stop, true);
    }
}

/* metadata.json, of the file's own folder or the nearest above it within the session. */
static int open_metadata(const struct vd_roots *roots, const char *path)
{
    char *at = strdup(path);
    int fd = -1;
    for (char *slash; at && fd < 0 && (slash = strrchr(at, '/'));) {
        struct vd_err err;
        *slash = '\0';
        int folder = vd_folder_open(roots, VD_RECORDINGS, at, false, &err);
        if (folder < 0)
            break;
        fd = open_in(folder, "metadata.json");
        close(folder);
    }
    free(at);
    return fd;
}

/* A new object; NULL when there is none, and *why when it is of no use. */
static json_t *read_metadata(const struct vd_roots *roots, const char *path, const char **why)
{
    struct stat st;
    char text[META_BYTES + 1];
    size_t size = 0;
    ssize_t got = 0;
    int fd = open_metadata(roots, path);
    if (fd < 0)
        return NULL;
    *why = "is not a regular file";
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        while (size < sizeof text && (got = read(fd, text + size, sizeof text - size)) > 0)
            size += (size_t)got;
        *why = got < 0 ? "cannot be read" : size > META_BYTES ? "is larger than 32 KiB" : NULL;
    }
    close(fd);
    if (*why)
        return NULL;
    json_t *meta = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(meta))
        return meta;
    *why = "is not a JSON object";
    json_decref(meta);
    return NULL;
}

static int fill(const struct vd_watch_setup *setup, const struct vd_watch_file *file, struct vd_order *order)
{
    *order = (struct vd_order){.recipe = *setup->recipe};
    snprintf(order->root, sizeof order->root, "%s", vd_root_name(VD_RECORDINGS));
    snprintf(order->path, sizeof order->path, "%s", file->path);
    snprintf(order->session, sizeof order->session, "%.*s", (int)vd_watch_session(file->path), file->path);
    snprintf(order->id, sizeof order->id, "%s", file->id);
    order->meta = json_object();
    return order->meta ? 0 : -1;
}

/* The order as whoever reads it will: NULL when it would be refused. */
static char *checked_text(const struct vd_watch_setup *setup, const struct vd_order *order, struct vd_err *err)
{
    struct vd_order read = {0};
    json_t *object = vd_order_to_json(order, setup->recipe);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text) {
        vd_fail(err, VD_AGAIN, "order", "no memory; try again later");
    } else if (vd_order_parse(&read, text, strlen(text), NULL, 0, setup->recipe, err) < 0) {
        free(text);
        text = NULL;
    }
    vd_order_finish(&read);
    return text;
}

/* With what metadata.json says, or without when that is nothing to be carried through. */
static char *order_text(const struct vd_watch_setup *setup, struct vd_watch_file *file, struct vd_order *order,
                        struct vd_err *err)
{
    struct vd_err unfit = {0};
    const char *why = NULL;
    json_t *empty = order->meta, *meta = read_metadata(setup->roots, file->path, &why);
    char *text = NULL;
    if (meta) {
        order->meta = meta;
        text = checked_text(setup, order, &unfit);
        order->meta = empty;
        json_decref(meta);
        why = unfit.text;
    }
    if (text)
        return text;
    if (why && !file->told_meta)
        vd_log(VD_LOG_WARNING, "%.300s: the metadata.json of its session is not carried through: %s", file->path, why);
    file->told_meta = true;
    return checked_text(setup, order, err);
}

static enum vd_watch_made identify(const struct vd_watch_setup *setup, struct vd_watch_state *state,
                                   struct vd_watch_file *file, struct vd_order *order, struct vd_err *err)
{
    enum vd_watch_made made;
    struct digest digest = {.fd = open_file(setup, file, &made, err)};
    if (digest.fd < 0)
        return made;
    digest_run(&digest, setup, state);
    bool unchanged = vd_input_unchanged(digest.fd, &file->ready.st);
    close(digest.fd);
    if (atomic_load(&state->stop) || !unchanged)
        return VD_MADE_AGAIN;
    if (digest.ret < 0) {
        *err = digest.err;
        return VD_MADE_STUCK;
    }
    vd_job_id(order, digest.text, file->id);
    snprintf(order->id, sizeof order->id, "%s", file->id);
    return VD_MADE_ORDER;
}

enum vd_watch_made vd_watch_order(const struct vd_watch_setup *setup, struct vd_watch_state *state,
                                  struct vd_watch_file *file, char **text, struct vd_err *err)
{
    enum vd_watch_made made = VD_MADE_ORDER;
    struct vd_order order = {0};
    json_t *document = NULL;
    *text = NULL;
    if (fill(setup, file, &order) < 0) {
        vd_fail(err, VD_AGAIN, "order", "no memory; try again later");
        return VD_MADE_HOST;
    }
    if (!file->id[0])
        made = identify(setup, state, file, &order, err);
    if (made == VD_MADE_ORDER) {
        int done = vd_done_find(setup->roots, file->id, &document, err);
        made = done < 0 ? VD_MADE_HOST : done ? VD_MADE_DONE : VD_MADE_ORDER;
        json_decref(document);
    }
    if (made == VD_MADE_ORDER && !(*text = order_text(setup, file, &order, err)))
        made = VD_MADE_STUCK;
    vd_order_finish(&order);
    return made;
}
