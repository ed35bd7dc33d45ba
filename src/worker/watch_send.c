/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_send.h"

#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"
#include "vidriera/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACK_MS = 30000, RETRY_MS = 1000, AWAITED = 500, CLOSE_MS = 1000 };

static void tell_broker(struct vd_watch_out *out, bool acknowledged, const char *why_not)
{
    if (acknowledged) {
        if (out->away)
            vd_log(VD_LOG_INFO, "watch: the broker is back");
        out->away = false;
        return;
    }
    if (out->closing)
        return;
    snprintf(out->why, sizeof out->why, "%s", why_not ? why_not : "no reason given");
    if (!out->away)
        vd_log(VD_LOG_WARNING, "watch: orders are not taken: %s; they wait, and are tried again", out->why);
    out->away = out->refused = true;
    out->retry_ms = vd_monotonic_ms() + RETRY_MS;
}

static void count_sent(const struct vd_watch_out *out)
{
    atomic_fetch_add(&out->state->sent, 1);
    vd_metric_add(VD_METRIC_WATCH_SENT, 1, NULL, NULL);
}

static void file_sent(struct vd_watch_out *out, struct vd_watch_file *file, bool acknowledged)
{
    file->step = acknowledged ? VD_WATCH_TAKEN : VD_WATCH_FINISHED;
    if (!acknowledged)
        return;
    count_sent(out);
    vd_log(VD_LOG_INFO, "%.300s: is job %s", file->path, file->id);
}

static void spooled_drop(struct vd_watch_out *out, size_t at)
{
    free(out->spooled[at].name);
    out->spooled[at] = out->spooled[--out->count];
}

/* Its file is still there: it could not be removed, and must not be sent again. */
static bool in_spool(const struct vd_watch_out *out, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "spool/%s", name);
    return fstatat(out->setup->roots->state, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Until it is done, as it counts among the outstanding. */
static bool followed(const struct vd_watch_out *out, const struct vd_spooled *order)
{
    return order->step == VD_WATCH_TAKEN && out->setup->outstanding > 0;
}

/* A failed one is forgotten: the spool is read again. */
static void spooled_sent(struct vd_watch_out *out, size_t at, bool acknowledged)
{
    struct vd_spooled *order = &out->spooled[at];
    if (acknowledged) {
        order->step = VD_WATCH_TAKEN;
        count_sent(out);
        vd_log(VD_LOG_INFO, "spool: job %s is sent", order->id);
        vd_spool_remove(out->setup->roots, order->name);
    }
    out->spool_left = out->spool_left || !acknowledged;
    if (!acknowledged || (!followed(out, order) && !in_spool(out, order->name)))
        spooled_drop(out, at);
}

static void sent(void *opaque, const char *job, bool acknowledged, const char *why_not)
{
    struct vd_watch_out *out = opaque;
    tell_broker(out, acknowledged, why_not);
    vd_log_about(job, NULL);
    for (size_t i = 0; i < out->tree->count; i++) {
        struct vd_watch_file *file = out->tree->files[i];
        if (file->step == VD_WATCH_SENT && !strcmp(file->id, job))
            file_sent(out, file, acknowledged);
    }
    for (size_t i = out->count; i-- > 0;)
        if (out->spooled[i].step == VD_WATCH_SENT && !strcmp(out->spooled[i].id, job))
            spooled_sent(out, i, acknowledged);
    vd_log_about(NULL, NULL);
}

int vd_watch_out_open(struct vd_watch_out *out, const struct vd_watch_setup *setup, struct vd_watch_state *state,
                      struct vd_watch_tree *tree, struct vd_err *err)
{
    *out = (struct vd_watch_out){.setup = setup, .state = state, .tree = tree, .spool_left = true};
    return vd_sender_open(&out->sender, setup->bus, ACK_MS, sent, out, err);
}

/* An order that is not acknowledged by then is sent again by the next watch. */
void vd_watch_out_close(struct vd_watch_out *out)
{
    int64_t until = vd_monotonic_ms() + CLOSE_MS;
    out->closing = true;
    while (out->awaited > 0 && !out->away && vd_monotonic_ms() < until)
        out->awaited = vd_sender_poll(out->sender, CLOSE_MS / 10);
    if (out->sender)
        vd_sender_close(out->sender);
    for (size_t i = 0; i < out->count; i++)
        free(out->spooled[i].name);
    free(out->spooled);
    *out = (struct vd_watch_out){0};
}

void vd_watch_out_serve(struct vd_watch_out *out)
{
    out->awaited = vd_sender_poll(out->sender, 0);
}

static int is_done(const struct vd_watch_out *out, const char *id, struct vd_err *err)
{
    json_t *document = NULL;
    int found = vd_done_find(out->setup->roots, id, &document, err);
    json_decref(document);
    return found;
}

static int spooled_done(struct vd_watch_out *out, struct vd_err *err)
{
    for (size_t i = out->count; i-- > 0;) {
        const struct vd_spooled *order = &out->spooled[i];
        if (order->step == VD_WATCH_SENT || in_spool(out, order->name))
            continue;
        int done = followed(out, order) ? is_done(out, order->id, err) : 1;
        if (done < 0)
            return -1;
        if (done)
            spooled_drop(out, i);
    }
    return 0;
}

int vd_watch_out_done(struct vd_watch_out *out, struct vd_err *err)
{
    out->outstanding = 0;
    for (size_t i = 0; i < out->tree->count; i++) {
        struct vd_watch_file *file = out->tree->files[i];
        if (file->step != VD_WATCH_SENT && file->step != VD_WATCH_TAKEN)
            continue;
        int done = is_done(out, file->id, err);
        if (done < 0)
            return -1;
        if (done)
            file->step = VD_WATCH_OVER;
        out->outstanding += !done;
    }
    if (spooled_done(out, err) < 0)
        return -1;
    for (size_t i = 0; i < out->count; i++)
        out->outstanding += out->spooled[i].step != VD_WATCH_OVER;
    return 0;
}

bool vd_watch_out_room(const struct vd_watch_out *out)
{
    if (out->away && (out->awaited > 0 || vd_monotonic_ms() < out->retry_ms))
        return false;
    return out->awaited < AWAITED && (!out->setup->outstanding || out->outstanding < out->setup->outstanding);
}

int vd_watch_out_send(struct vd_watch_out *out, const char *id, const char *text, const char *traceparent)
{
    struct vd_err err = {0};
    if (vd_sender_send(out->sender, id, text, traceparent, &err) < 0) {
        if (err.code != VD_AGAIN) /* the order is a good one: nothing but the broker can have been the matter */
            tell_broker(out, false, err.text);
        return -1;
    }
    out->awaited++;
    out->outstanding++;
    return 0;
}

static int spooled_add(struct vd_watch_out *out, const char *name, const struct vd_spooled *order)
{
    if (out->count == out->room) {
        size_t room = out->room ? 2 * out->room : 16;
        struct vd_spooled *more = reallocarray(out->spooled, room, sizeof *more);
        if (!more)
            return -1;
        out->spooled = more;
        out->room = room;
    }
    out->spooled[out->count] = *order;
    out->spooled[out->count].name = strdup(name);
    return out->spooled[out->count].name ? (int)out->count++ : -1;
}

/* No order: out of the way, but kept. Where that fails it is remembered, so as to be told of once. */
static void set_aside(struct vd_watch_out *out, const char *name, const char *why)
{
    char from[512], to[512];
    snprintf(from, sizeof from, "spool/%s", name);
    snprintf(to, sizeof to, "spool/%s.bad", name);
    vd_log(VD_LOG_WARNING, "spool: %.200s: %.300s; it is set aside as .bad", name, why);
    if (renameat(out->setup->roots->state, from, out->setup->roots->state, to) < 0) {
        vd_log(VD_LOG_WARNING, "spool: %.200s: cannot be renamed: %s", name, strerror(errno));
        spooled_add(out, name, &(struct vd_spooled){.step = VD_WATCH_OVER});
    }
}

/* One without id is sent under its file's name, so that it can be told when it is done. */
static void send_spooled(struct vd_watch_out *out, const char *name, const char *text, struct vd_order *order)
{
    struct vd_spooled spooled = {.step = VD_WATCH_SENT};
    const char *end = strrchr(name, '.');
    char *named = NULL;
    if (!order->id[0]) {
        snprintf(order->id, sizeof order->id, "%.*s", (int)(end ? end - name : (long)strlen(name)), name);
        if (!vd_job_id_valid(order->id)) {
            set_aside(out, name, "it has no id, and its name is none");
            return;
        }
        json_t *object = vd_order_to_json(order, out->setup->recipe);
        named = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
    }
    snprintf(spooled.id, sizeof spooled.id, "%s", order->id);
    int at = spooled_add(out, name, &spooled);
    if (at >= 0 && vd_watch_out_send(out, spooled.id, named ? named : text, order->traceparent) < 0) {
        spooled_drop(out, (size_t)at);
        at = -1;
    }
    free(named);
    out->spool_left = out->spool_left || at < 0;
}

static bool each_spooled(void *opaque, const char *name, const char *text, size_t size)
{
    struct vd_watch_out *out = opaque;
    struct vd_order order = {0};
    struct vd_err err = {0};
    for (size_t i = 0; i < out->count; i++)
        if (!strcmp(out->spooled[i].name, name))
            return true;
    if (!vd_watch_out_room(out)) {
        out->spool_left = true;
        return false;
    }
    char *copy = strndup(text, size);
    if (copy && vd_order_parse(&order, text, size, NULL, 0, out->setup->recipe, &err) == 0)
        send_spooled(out, name, copy, &order);
    else if (copy)
        set_aside(out, name, err.text);
    vd_order_finish(&order);
    free(copy);
    return true;
}

void vd_watch_out_spool(struct vd_watch_out *out)
{
    struct vd_err err = {0};
    out->spool_left = false;
    if (vd_spool_each(out->setup->roots, each_spooled, out, &err) >= 0) {
        out->spool_closed = false;
        return;
    }
    out->spool_left = true;
    if (!out->spool_closed)
        vd_log(VD_LOG_WARNING, "spool: %s", err.text);
    out->spool_closed = true;
}

bool vd_watch_out_spool_empty(const struct vd_watch_out *out)
{
    if (out->spool_left)
        return false;
    for (size_t i = 0; i < out->count; i++)
        if (out->spooled[i].step != VD_WATCH_OVER)
            return false;
    return true;
}
