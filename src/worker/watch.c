/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop: look around, judge what was seen, send what is finished, wait. A look around reads the whole tree, whatever
 * woke us, and takes at most a tenth of the time.
 */
#include "vidriera/watch.h"

#include "watch_notify.h"
#include "watch_order.h"
#include "watch_ready.h"
#include "watch_scan.h"
#include "watch_send.h"
#include "watch_show.h"

#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    GAP_MS = 100,   /* between two looks around, at least */
    AWAY_MS = 5000, /* until a root that is away, or a file that cannot be read, is tried again */
    STUCK_MS = 60000,
    SEND_MS = 500, /* of sending, until somebody else has a turn */
    ACK_MS = 20,   /* between looks for acknowledgements */
    ACK_AWAY_MS = 500,
    DAY_MS = 86400000,
};

struct watch {
    const struct vd_watch_setup *setup;
    struct vd_watch_state *state;
    struct vd_ready_rule rule;
    struct vd_notify notify;
    struct vd_watch_tree tree;
    struct vd_watch_out out;
    bool stale;       /* something happened since the last look around began */
    bool spool_stale; /* or in the spool */
    bool woken;       /* some job may be done */
    bool more;        /* there is more to be sent than one turn takes */
    bool root_away, state_away;
    struct vd_err why_away;          /* of either */
    int64_t looked_ms, look_took_ms; /* the end of the last look around, and how long it was */
    int64_t due_ms;                  /* of the next, for the sake of a file */
    int64_t spool_ms;                /* of the look around that went before the last look into the spool */
};

int vd_watch_state_init(struct vd_watch_state *state, struct vd_err *err)
{
    *state = (struct vd_watch_state){.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (state->wake < 0)
        return vd_fail(err, VD_AGAIN, "watch", "no eventfd: %s; try again later", strerror(errno));
    return 0;
}

void vd_watch_state_finish(struct vd_watch_state *state)
{
    if (state->wake >= 0)
        close(state->wake);
    state->wake = -1;
}

/* away: one of the two of it. */
static void tell_host(struct watch *watch, bool *away, bool is_away, const char *what, const struct vd_err *err)
{
    if (is_away)
        watch->why_away = *err;
    if (is_away && !*away)
        vd_log(VD_LOG_WARNING, "watch: %s; waiting for it", err->text);
    if (!is_away && *away)
        vd_log(VD_LOG_INFO, "watch: %s there again", what);
    *away = is_away;
}

/* Once a session. */
static void tell_orphan(struct watch *watch, struct vd_watch_file *file, bool abandoned)
{
    size_t session = vd_watch_session(file->path);
    bool told = false;
    for (size_t i = 0; session && i < watch->tree.count && !told; i++) {
        const struct vd_watch_file *other = watch->tree.files[i];
        told = other->orphan && !strncmp(other->path, file->path, session + 1);
    }
    file->orphan = true;
    if (!told) {
        atomic_fetch_add(&watch->state->orphans, 1);
        vd_metric_add(VD_METRIC_WATCH_ORPHANS, 1, NULL, NULL);
    }
    if (abandoned)
        vd_log(VD_LOG_WARNING, "%.300s: an orphan: it was never finalized and has no index; it is handed in as it is",
               file->path);
    else if (!told)
        vd_log(VD_LOG_WARNING,
               "%.*s: an orphan: the session was never finalized (neither metadata.json nor .vidriera-final); its "
               "recordings are handed in all the same",
               (int)session, file->path);
}

static void tell_stuck(struct vd_watch_file *file, const struct vd_err *err)
{
    file->step = VD_WATCH_STUCK;
    file->retry_ms = vd_monotonic_ms() + STUCK_MS;
    if (!file->told_stuck)
        vd_log(VD_LOG_WARNING, "%.300s: %s", file->path, err->text);
    file->told_stuck = true;
}

/* The next look is the first one again. */
static void start_anew(struct watch *watch, struct vd_watch_file *file)
{
    file->step = VD_WATCH_LOOKING;
    file->ready.seen = false;
    watch->stale = true;
}

static void judge(struct watch *watch, struct vd_watch_file *file)
{
    struct vd_err err = {0};
    enum vd_verdict verdict = vd_ready_judge(&file->ready, &watch->rule);
    if (verdict == VD_READY_INDEX) {
        enum vd_watch_made made = vd_watch_look_inside(watch->setup, file, &err);
        if (made == VD_MADE_STUCK)
            tell_stuck(file, &err);
        else if (made == VD_MADE_AGAIN)
            start_anew(watch, file);
        if (made != VD_MADE_ORDER)
            return;
        verdict = vd_ready_judge(&file->ready, &watch->rule);
    }
    if (verdict == VD_READY_WAIT) {
        int64_t due = vd_ready_due(&file->ready, &watch->rule);
        watch->due_ms = due < watch->due_ms ? due : watch->due_ms;
        return;
    }
    file->step = VD_WATCH_FINISHED;
    if (verdict == VD_READY_ABANDONED || (vd_watch_session(file->path) && !file->ready.mark.there))
        tell_orphan(watch, file, verdict == VD_READY_ABANDONED);
}

static int judge_all(struct watch *watch, struct vd_err *err)
{
    int64_t now = vd_monotonic_ms();
    watch->due_ms = INT64_MAX;
    for (size_t i = 0; i < watch->tree.count && !atomic_load(&watch->state->stop); i++) {
        struct vd_watch_file *file = watch->tree.files[i];
        if (file->fresh && vd_watch_meet(watch->setup, file, err) < 0)
            return -1;
        if (file->step == VD_WATCH_STUCK && now >= file->retry_ms)
            file->step = VD_WATCH_LOOKING;
        if (file->step == VD_WATCH_LOOKING)
            judge(watch, file);
    }
    return 0;
}

/* When to look around next. */
static int64_t next_look(const struct watch *watch)
{
    int64_t gap = 10 * watch->look_took_ms > GAP_MS ? 10 * watch->look_took_ms : GAP_MS;
    int64_t rescan = watch->setup->rescan_s * INT64_C(1000), at = watch->due_ms;
    if (watch->stale)
        at = 0;
    if ((watch->root_away || watch->state_away) && rescan > AWAY_MS)
        rescan = AWAY_MS;
    if (at > watch->looked_ms + rescan)
        at = watch->looked_ms + rescan;
    return at > watch->looked_ms + gap ? at : watch->looked_ms + gap;
}

/* -1: the state folder cannot be read. */
static int look_around(struct watch *watch, struct vd_err *err)
{
    struct vd_err root = {0};
    int64_t began = vd_monotonic_ms();
    watch->stale = false;
    watch->woken = true;
    int ret = vd_watch_scan(&watch->tree, watch->setup->roots, &watch->notify, &root);
    tell_host(watch, &watch->root_away, ret < 0, "recordings are", &root);
    if (ret == 0)
        ret = judge_all(watch, err);
    watch->looked_ms = vd_monotonic_ms();
    watch->look_took_ms = watch->looked_ms - began;
    return watch->root_away ? 0 : ret;
}

static int oldest_first(const void *a, const void *b)
{
    const struct vd_watch_file *one = *(struct vd_watch_file *const *)a, *other = *(struct vd_watch_file *const *)b;
    int64_t at = vd_mtime_ns(&one->ready.st), other_at = vd_mtime_ns(&other->ready.st);
    return at == other_at ? strcmp(one->path, other->path) : at < other_at ? -1 : 1;
}

/* A new array; NULL when there is none. */
static struct vd_watch_file **finished(const struct watch *watch, size_t *count)
{
    struct vd_watch_file **files = NULL;
    *count = 0;
    for (size_t i = 0; i < watch->tree.count; i++)
        *count += watch->tree.files[i]->step == VD_WATCH_FINISHED;
    if (*count)
        files = calloc(*count, sizeof *files);
    *count = 0;
    for (size_t i = 0; files && i < watch->tree.count; i++)
        if (watch->tree.files[i]->step == VD_WATCH_FINISHED)
            files[(*count)++] = watch->tree.files[i];
    if (files)
        qsort(files, *count, sizeof *files, oldest_first);
    return files;
}

/* False: no other file has a better chance now. */
static bool send_file(struct watch *watch, struct vd_watch_file *file)
{
    struct vd_err err = {0};
    char *text = NULL;
    bool go_on = true;
    switch (vd_watch_order(watch->setup, watch->state, file, &text, &err)) {
    case VD_MADE_ORDER:
        go_on = vd_watch_out_send(&watch->out, file->id, text, "") == 0;
        if (go_on)
            file->step = VD_WATCH_SENT;
        break;
    case VD_MADE_DONE:
        file->step = VD_WATCH_OVER;
        vd_log(VD_LOG_INFO, "%.300s: job %s has done this very recording already; it stays here", file->path, file->id);
        break;
    case VD_MADE_AGAIN:
        start_anew(watch, file);
        break;
    case VD_MADE_STUCK:
        tell_stuck(file, &err);
        break;
    case VD_MADE_HOST:
        tell_host(watch, &watch->state_away, true, "the state folder is", &err);
        go_on = false;
        break;
    }
    free(text);
    return go_on;
}

static void send_files(struct watch *watch)
{
    size_t count = 0;
    struct vd_watch_file **files = vd_watch_out_room(&watch->out) ? finished(watch, &count) : NULL;
    int64_t until = vd_monotonic_ms() + SEND_MS;
    bool go_on = true;
    watch->more = false;
    for (size_t i = 0; i < count && go_on && !watch->more && !atomic_load(&watch->state->stop); i++) {
        go_on = vd_watch_out_room(&watch->out) && send_file(watch, files[i]);
        watch->more = go_on && i + 1 < count && vd_monotonic_ms() >= until;
    }
    free(files);
}

static bool any(const struct watch *watch, enum vd_watch_step last)
{
    for (size_t i = 0; i < watch->tree.count; i++)
        if (watch->tree.files[i]->step <= last)
            return true;
    return false;
}

/* Nothing is known to be unfinished, and nothing can be that we do not know. */
static bool settled(const struct watch *watch, enum vd_watch_step last)
{
    return !watch->stale && !watch->spool_stale && !watch->root_away && !watch->state_away && !any(watch, last) &&
           vd_watch_out_spool_empty(&watch->out);
}

static void read_spool(struct watch *watch)
{
    if (watch->looked_ms >= watch->spool_ms + watch->setup->rescan_s * INT64_C(1000))
        watch->spool_stale = true;
    if (!vd_watch_out_room(&watch->out) || (!watch->spool_stale && !watch->out.spool_left))
        return;
    watch->spool_stale = false;
    watch->spool_ms = watch->looked_ms;
    vd_watch_out_spool(&watch->out);
}

static void take_turn(struct watch *watch)
{
    struct vd_err err = {0};
    int ret = 0;
    vd_watch_out_serve(&watch->out);
    if (vd_monotonic_ms() >= next_look(watch))
        ret = look_around(watch, &err);
    if (watch->woken && ret == 0)
        ret = vd_watch_out_done(&watch->out, &err);
    if (watch->woken)
        tell_host(watch, &watch->state_away, ret < 0, "the state folder is", &err);
    watch->woken = false;
    read_spool(watch);
    if (!watch->root_away && !watch->state_away)
        send_files(watch);
    atomic_store(&watch->state->idle, settled(watch, VD_WATCH_TAKEN));
}

static int wait_ms(const struct watch *watch)
{
    int64_t now = vd_monotonic_ms(), until = next_look(watch);
    if (watch->more)
        return 0;
    if (watch->out.awaited > 0 && until > now + (watch->out.away ? ACK_AWAY_MS : ACK_MS))
        until = now + (watch->out.away ? ACK_AWAY_MS : ACK_MS);
    else if (watch->out.away && until > watch->out.retry_ms && watch->out.retry_ms > now)
        until = watch->out.retry_ms;
    int64_t longest = vd_watch_show_longest_ms(watch->setup);
    return until > now + longest ? (int)longest : until > now ? (int)(until - now) : 0;
}

static void wait_for_something(struct watch *watch)
{
    uint64_t count;
    bool spool = false;
    struct pollfd fds[] = {{.fd = watch->state->wake, .events = POLLIN}, {.fd = watch->notify.fd, .events = POLLIN}};
    poll(fds, 2, wait_ms(watch));
    if (read(watch->state->wake, &count, sizeof count) > 0)
        watch->woken = true;
    if (vd_notify_read(&watch->notify, &spool))
        watch->stale = true;
    if (spool)
        watch->spool_stale = true;
}

/* With `once`: 1 when it is all over, -1 when it cannot be. */
static int ended(const struct watch *watch, struct vd_err *err)
{
    if (watch->out.refused && !watch->out.awaited)
        return vd_fail(err, VD_UNAVAILABLE, "kafka", "orders are not taken: %.300s", watch->out.why);
    if (watch->root_away || watch->state_away)
        return vd_fail(err, VD_IO, "root", "a folder of data is away; see the warning before, and try again");
    return settled(watch, VD_WATCH_SENT);
}

static void show(const struct watch *watch)
{
    bool away = watch->root_away || watch->state_away;
    vd_watch_show(watch->setup, &watch->out, away ? &watch->why_away : NULL);
}

int vd_watch_run(const struct vd_watch_setup *setup, struct vd_watch_state *state, struct vd_err *err)
{
    int ret = 0;
    struct watch watch = {.setup = setup, .state = state, .stale = true, .spool_stale = true, .looked_ms = -DAY_MS};
    vd_ready_rule_init(&watch.rule, setup->quiet_s);
    if (vd_watch_out_open(&watch.out, setup, state, &watch.tree, err) < 0)
        return -1;
    vd_notify_open(&watch.notify);
    vd_notify_spool(&watch.notify, setup->roots->state);
    while (!atomic_load(&state->stop)) {
        show(&watch);
        take_turn(&watch);
        if (setup->once && (ret = ended(&watch, err)) != 0)
            break;
        wait_for_something(&watch);
    }
    vd_watch_show_end(setup);
    atomic_store(&state->idle, false);
    vd_watch_out_close(&watch.out);
    vd_notify_close(&watch.notify);
    vd_watch_tree_finish(&watch.tree);
    return ret < 0 ? -1 : 0;
}
