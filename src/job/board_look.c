/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board as JSON, for readers. */
#include "board_inner.h"

#include "vidriera/result.h"

#include <stdlib.h>
#include <string.h>

static const char *const shown_names[] = {
    [VD_SHOWN_RUNNING] = "running",     [VD_SHOWN_RETRYING] = "retrying", [VD_SHOWN_WAITING] = "waiting",
    [VD_SHOWN_COMPLETED] = "completed", [VD_SHOWN_FAILED] = "failed",     [VD_SHOWN_REJECTED] = "rejected",
    [VD_SHOWN_CANCELLED] = "cancelled", [VD_SHOWN_GONE] = "gone",
};

/* One job as it is looked at. */
struct view {
    const struct vd_board_job *job;
    const struct vd_board_order *order;
    const json_t *result, *status; /* NULL: not what is shown */
    bool names;
    const struct vd_hidden *hidden; /* NULL: nothing is */
};

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static void hide(struct vd_hidden *hidden, const char *text)
{
    if (text && *text && hidden->count < VD_HIDDEN)
        hidden->text[hidden->count++] = text;
}

/* All that the job could be told apart by. */
static void hide_names(struct vd_hidden *hidden, const struct vd_board_job *job, const struct vd_board_order *order)
{
    hide(hidden, text_of(json_object_get(job->result, "input"), "path"));
    hide(hidden, text_of(json_object_get(job->result, "output"), "path"));
    hide(hidden, text_of(json_object_get(job->status, "input"), "path"));
    hide(hidden, order ? order->path : NULL);
    hide(hidden, text_of(job->result, "session"));
    hide(hidden, text_of(job->status, "session"));
    hide(hidden, order ? order->session : NULL);
}

static void put(json_t *made, const char *name, json_t *value)
{
    if (value)
        json_object_set_new(made, name, value);
}

/* Members that are as the document has them. */
static void copy(json_t *made, const json_t *from, const char *const *members, const struct vd_hidden *hidden)
{
    for (; *members; members++) {
        const json_t *value = json_object_get(from, *members);
        if (value && !json_is_null(value))
            put(made, *members, vd_board_clean(value, hidden));
    }
}

static void put_input(json_t *made, const struct view *view)
{
    const json_t *input = json_object_get(view->job->result, "input");
    const char *root, *path, *session = text_of(view->job->result, "session");
    if (!*text_of(input, "path"))
        input = json_object_get(view->job->status, "input");
    root = text_of(input, "root");
    path = text_of(input, "path");
    if (!*path && view->order) {
        root = view->order->root;
        path = view->order->path;
    }
    if (!*session)
        session = text_of(view->job->status, "session");
    if (!*session && view->order)
        session = view->order->session;
    if (*root && view->names && *path)
        put(made, "input", json_pack("{s:s, s:s}", "root", root, "path", path));
    else if (*root)
        put(made, "input", json_pack("{s:s}", "root", root));
    if (view->names && *session)
        put(made, "session", json_string(session));
}

static void put_run(json_t *made, const struct view *view)
{
    static const char *const members[] = {"fraction", "frames", "fps", "left_s", "worker", "attempt", "started", NULL};
    copy(made, view->status, members, view->hidden);
    put(made, "error", vd_board_error(json_object_get(view->status, "error"), view->hidden));
}

static void put_end(json_t *made, const struct view *view)
{
    static const char *const members[] = {"worker", "attempt",  "started", "finished", "device", "metrics",
                                          "verify", "warnings", "dropped", "output",   NULL};
    copy(made, view->result, members, view->hidden);
    put(made, "error", vd_board_error(json_object_get(view->result, "error"), view->hidden));
}

static void put_queued(json_t *made, const struct vd_board_order *order)
{
    char time[VD_TIME_TEXT];
    vd_time_text((double)order->timestamp_ms / 1000, time);
    put(made, "queued", json_string(time));
}

static bool can_cancel(const struct view *view)
{
    enum vd_shown shown = view->job->shown;
    if (shown == VD_SHOWN_WAITING) /* an order without id cannot be called by a name yet */
        return !view->order->nameless || view->job->placed;
    return shown == VD_SHOWN_RUNNING || shown == VD_SHOWN_RETRYING;
}

static bool can_retry(const struct view *view)
{
    enum vd_shown shown = view->job->shown;
    return (shown == VD_SHOWN_FAILED || shown == VD_SHOWN_REJECTED) && view->job->letter_ms > 0;
}

static json_t *look_at(const struct vd_board *board, const struct vd_board_job *job, bool names)
{
    struct vd_hidden hidden = {0};
    json_t *made = json_pack("{s:s, s:I, s:s}", "job", job->name, "version", (json_int_t)job->version, "state",
                             shown_names[job->shown]);
    if (job->shown == VD_SHOWN_GONE)
        return made;
    struct view view = {.job = job, .order = vd_board_order_of(board, job), .names = names};
    hide_names(&hidden, job, view.order);
    view.hidden = names ? NULL : &hidden;
    bool runs = job->shown == VD_SHOWN_RUNNING || job->shown == VD_SHOWN_RETRYING;
    view.status = runs ? job->status : NULL;
    view.result = runs || job->shown == VD_SHOWN_WAITING ? NULL : job->result;
    put_input(made, &view);
    if (view.order)
        put_queued(made, view.order);
    if (view.status)
        put_run(made, &view);
    if (view.result)
        put_end(made, &view);
    put(made, "retry", json_boolean(can_retry(&view)));
    put(made, "cancel", json_boolean(can_cancel(&view)));
    return made;
}

static json_t *look_at_needs(struct vd_board *board, const struct vd_hidden *hidden)
{
    char stuck[256];
    json_t *needs = json_object();
    bool moves = vd_board_alive(board, stuck, sizeof stuck) || board->alive;
    json_object_set_new(needs, "loop", moves ? json_null() : json_string(stuck));
    json_object_set_new(needs, "queue", board->queue ? json_string(board->queue) : json_null());
    for (int i = 0; i < VD_NEEDS; i++) {
        char *words = board->need[i] ? vd_board_words(board->need[i], hidden) : NULL;
        json_object_set_new(needs, vd_need_name((enum vd_need)i), words ? json_string(words) : json_null());
        free(words);
    }
    return needs;
}

/* On Kafka and not begun. Counted as long as all of them are here; the offsets, which come later, tell of more. */
static int64_t waiting(const struct vd_board *board)
{
    int64_t lag = 0, seen = 0, running = 0;
    for (int i = 0; i < board->job_count; i++) {
        seen += board->jobs[i]->shown == VD_SHOWN_WAITING;
        running += board->jobs[i]->shown < VD_SHOWN_WAITING;
    }
    if (board->order_count < VD_BOARD_WAITING)
        return seen;
    for (int i = 0; i < board->partition_count; i++)
        if (board->partitions[i].end > board->partitions[i].committed)
            lag += board->partitions[i].end - board->partitions[i].committed;
    return lag - running > seen ? lag - running : seen;
}

/* What runs, what waits in its order, what ended with the newest first. */
static int by_interest(const void *left, const void *right)
{
    const struct vd_board_job *a = *(const struct vd_board_job *const *)left;
    const struct vd_board_job *b = *(const struct vd_board_job *const *)right;
    bool ended_a = a->shown > VD_SHOWN_WAITING, ended_b = b->shown > VD_SHOWN_WAITING;
    if (ended_a != ended_b)
        return ended_a ? 1 : -1;
    int order = ended_a ? strcmp(b->finished, a->finished) : (int)a->shown - (int)b->shown;
    return order ? order : strcmp(a->name, b->name);
}

static json_t *look_at_jobs(const struct vd_board *board, uint64_t since, bool names)
{
    json_t *list = json_array();
    size_t count = 0;
    const struct vd_board_job **shown = calloc((size_t)board->job_count + 1, sizeof(struct vd_board_job *));
    for (int i = 0; shown && i < board->job_count; i++)
        if (board->jobs[i]->version > since && (since > 0 || board->jobs[i]->shown != VD_SHOWN_GONE))
            shown[count++] = board->jobs[i];
    if (count > 0)
        qsort(shown, count, sizeof(struct vd_board_job *), by_interest);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, look_at(board, shown[i], names));
    free(shown);
    return list;
}

bool vd_board_may(struct vd_board *board, const char *job, bool *cancel, bool *retry)
{
    vd_board_lock(board);
    vd_board_expire(board);
    const struct vd_board_job *known = vd_board_job(board, job);
    bool is = known && known->shown != VD_SHOWN_GONE;
    struct view view = {.job = known, .order = is ? vd_board_order_of(board, known) : NULL};
    *cancel = is && can_cancel(&view);
    *retry = is && can_retry(&view);
    vd_board_unlock(board);
    return is;
}

json_t *vd_board_look(struct vd_board *board, uint64_t since, bool names)
{
    static const struct vd_hidden nothing = {0};
    const struct vd_hidden *hidden = names ? NULL : &nothing;
    vd_board_lock(board);
    vd_board_expire(board);
    if (since < board->forgotten || since > board->version)
        since = 0;
    json_t *made = json_pack("{s:I, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:i, s:I, s:b}", "version",
                             (json_int_t)board->version, "kind", board->kind, "worker", board->worker, "program",
                             VD_VERSION, "alive", (int)board->alive, "ready", (int)vd_board_met(board), "read",
                             (int)board->read, "slots", board->slots, "working", board->working, "waiting",
                             (json_int_t)waiting(board), "complete", !since);
    put(made, "needs", look_at_needs(board, hidden));
    json_t *device = json_null();
    if (board->device) {
        char *name = vd_board_words(board->device, hidden);
        char *reason = board->reason ? vd_board_words(board->reason, hidden) : NULL;
        device = json_pack("{s:s, s:s}", "name", name ? name : "", "reason", reason ? reason : "");
        free(name);
        free(reason);
    }
    put(made, "device", device);
    put(made, "jobs", look_at_jobs(board, since, names));
    vd_board_unlock(board);
    return made;
}
