/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/supervisor.h"

#include "supervisor_inner.h"

#include "vidriera/log.h"
#include "vidriera/notify.h"
#include "vidriera/now.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BUS_CLOSE_MS = 10000, AHEAD = 2 };

/* librdkafka must be asked from time to time, and nothing else tells that a watch or the janitor has become idle. */
static const double longest_wait = 1;

static bool keep(struct vd_supervisor *sup, struct vd_work *work)
{
    if (sup->count == sup->room) {
        int room = sup->room ? 2 * sup->room : 16;
        struct vd_work **works = realloc(sup->works, (size_t)room * sizeof *works);
        if (!works)
            return false;
        sup->works = works;
        sup->room = room;
    }
    sup->works[sup->count++] = work;
    return true;
}

/* Frees those that are over. */
static void sweep(struct vd_supervisor *sup)
{
    int left = 0;
    for (int i = 0; i < sup->count; i++) {
        if (sup->works[i]->state == VD_WORK_OVER)
            vd_work_free(sup->works[i]);
        else
            sup->works[left++] = sup->works[i];
    }
    sup->count = left;
}

/* How many orders are between Kafka and the end of their slot; those that wait for something else do not keep others
 * from being taken. */
static int under_way(const struct vd_supervisor *sup)
{
    int number = 0;
    for (int i = 0; i < sup->count; i++) {
        enum vd_work_state state = sup->works[i]->state;
        number += state == VD_WORK_LOOK || state == VD_WORK_READY || state == VD_WORK_RUNNING;
    }
    return number;
}

static bool takes_orders(const struct vd_supervisor *sup)
{
    bool enough = sup->setup.max_jobs && sup->taken >= sup->setup.max_jobs;
    return !sup->stops && !sup->fatal && !sup->host.ill && !enough && under_way(sup) < sup->crew.count + AHEAD;
}

/* The same message again: its partition came back while the first delivery is still being worked on. */
static bool adopted(struct vd_supervisor *sup, struct vd_message *message)
{
    for (int i = 0; i < sup->count; i++) {
        struct vd_work *work = sup->works[i];
        if (work->state == VD_WORK_OVER || work->message->partition != message->partition ||
            work->message->offset != message->offset)
            continue;
        vd_work_adopt(work, message);
        return true;
    }
    return false;
}

static void take(struct vd_supervisor *sup, struct vd_message *message)
{
    if (adopted(sup, message))
        return;
    struct vd_work *work = vd_work_create(sup, message);
    if (!work || !keep(sup, work)) {
        vd_log(VD_LOG_ERROR, "no memory for an order: it stays on Kafka until the next start; free some");
        if (work)
            vd_work_free(work);
        return;
    }
    sup->taken++;
    if (work->state == VD_WORK_LOOK)
        vd_work_look(sup, work);
}

static void cancel(struct vd_supervisor *sup, const char *job, const char *action)
{
    if (strcmp(action, "cancel")) {
        vd_cancelled_remove(&sup->cancelled, job);
        return;
    }
    if (!vd_cancelled_add(&sup->cancelled, job))
        vd_log(VD_LOG_WARNING, "%s: too many jobs are cancelled at once; this one is not", job);
    for (int i = 0; i < sup->count; i++) {
        struct vd_work *work = sup->works[i];
        if (strcmp(work->order.id, job) || work->state == VD_WORK_PUBLISHING || work->state == VD_WORK_OVER ||
            work->claim.fd < 0)
            continue;
        vd_crew_stop(&sup->crew, work);
        vd_work_cancel(sup, work);
    }
}

static void hear(struct vd_supervisor *sup, struct vd_bus_event *event)
{
    struct vd_work *work = event->publication ? vd_publication_opaque(event->publication) : NULL;
    switch (event->type) {
    case VD_BUS_ORDER:
        take(sup, event->message);
        break;
    case VD_BUS_PUBLISHED:
        vd_work_published(sup, work);
        break;
    case VD_BUS_UNOWNED:
        vd_work_unowned(sup, work);
        break;
    case VD_BUS_CONTROL:
        cancel(sup, event->job, event->action);
        break;
    case VD_BUS_UP:
        if (!sup->bus_up)
            vd_log(VD_LOG_INFO, "Kafka answers");
        sup->bus_up = true;
        break;
    case VD_BUS_DOWN:
        vd_log(VD_LOG_WARNING, "%s", event->err.text);
        sup->bus_up = false;
        sup->shown.bus = event->err;
        break;
    case VD_BUS_FATAL:
        sup->fatal = true;
        sup->err = event->err;
        break;
    case VD_BUS_NOTHING:
        break;
    }
    vd_publication_free(event->publication);
    vd_log_about(NULL, NULL);
}

static void hear_bus(struct vd_supervisor *sup)
{
    struct vd_bus_event event;
    do {
        vd_bus_next(sup->bus, takes_orders(sup), &event);
        hear(sup, &event);
    } while (event.type != VD_BUS_NOTHING);
}

/* Who tries next whether the host is well: they take turns. */
static const struct vd_work *longest_waiting(const struct vd_supervisor *sup)
{
    const struct vd_work *longest = NULL;
    for (int i = 0; i < sup->count; i++)
        if (sup->works[i]->state == VD_WORK_HOST && (!longest || sup->works[i]->due < longest->due))
            longest = sup->works[i];
    return longest;
}

/* Orders whose time has come are looked at again. */
static void wake_due(struct vd_supervisor *sup, double now)
{
    bool trial = sup->host.ill && vd_host_allows(&sup->host, now, 1) > vd_crew_working(&sup->crew);
    struct vd_err err;
    int64_t room = sup->host.room > sup->setup.reserve_bytes ? sup->host.room : sup->setup.reserve_bytes;
    if (trial && vd_roots_ready(sup->setup.roots, room, &err) < 0) {
        vd_host_fault(&sup->host, &err, now);
        trial = false;
    } else if (trial && !strcmp(sup->host.err.stage, "root")) {
        vd_host_well(&sup->host); /* that was all */
    }
    const struct vd_work *trier = trial && sup->host.ill ? longest_waiting(sup) : NULL;
    for (int i = 0; i < sup->count; i++) {
        struct vd_work *work = sup->works[i];
        bool due = (work->state == VD_WORK_HELD || work->state == VD_WORK_BACKOFF) && now >= work->due;
        bool tried = work->state == VD_WORK_HOST && (!sup->host.ill || work == trier);
        if (due || tried)
            vd_work_look(sup, work);
    }
    if (trial && sup->host.ill && !trier && !under_way(sup))
        vd_host_well(&sup->host); /* nobody is left to try */
}

/* In the order of their arrival. One that is to run alone waits until all slots are idle, and keeps those behind it. */
static struct vd_work *next_ready(struct vd_supervisor *sup)
{
    int working = vd_crew_working(&sup->crew);
    for (int i = 0; i < sup->crew.count; i++)
        if (sup->crew.place[i].work && sup->crew.place[i].work->alone)
            return NULL;
    for (int i = 0; i < sup->count; i++)
        if (vd_work_wants_slot(sup->works[i]))
            return sup->works[i]->alone && working ? NULL : sup->works[i];
    return NULL;
}

/* Gives ready orders to idle slots. */
static void hand_out(struct vd_supervisor *sup)
{
    struct vd_place *place;
    struct vd_work *work;
    while (!sup->stops && (place = vd_crew_idle(&sup->crew)) && (work = next_ready(sup)) &&
           vd_crew_working(&sup->crew) < vd_host_allows(&sup->host, vd_monotonic(), sup->crew.count)) {
        place->work = work;
        place->began = place->moved_at = vd_monotonic();
        place->moved = 0;
        place->pace = (struct vd_pace){.at = place->began};
        vd_work_start(sup, work, place);
        if (work->state != VD_WORK_RUNNING) /* it came to an end before it needed the slot */
            place->work = NULL;
    }
}

/* Those that run may go on, unless running_too. */
static void give_back(struct vd_supervisor *sup, bool running_too)
{
    for (int i = 0; i < sup->count; i++) {
        struct vd_work *work = sup->works[i];
        bool makes = work->state == VD_WORK_RUNNING && *work->order.id; /* without an id, one is only being found */
        if (work->state == VD_WORK_PUBLISHING || work->state == VD_WORK_OVER || (makes && !running_too))
            continue;
        vd_crew_stop(&sup->crew, work);
        vd_work_give_back(sup, work);
    }
    vd_log_about(NULL, NULL);
}

static void drain(struct vd_supervisor *sup, double now)
{
    if (!sup->stops++) {
        sup->drain_until = now + (double)sup->setup.drain_s;
        vd_log(VD_LOG_INFO, "draining: no new jobs; those that run may finish for %lld s; a second signal ends now",
               (long long)sup->setup.drain_s);
    } else {
        sup->drain_until = now;
    }
}

static void hear_signals(struct vd_supervisor *sup, vd_reload_fn *reload, void *opaque, double now)
{
    struct signalfd_siginfo info;
    struct vd_err err = {0};
    while (read(sup->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP) {
            drain(sup, now);
            continue;
        }
        if (!reload)
            continue;
        if (reload(opaque, &sup->setup, &err) < 0)
            vd_log(VD_LOG_ERROR, "%s; going on with the settings from before", err.text);
        else
            vd_log(VD_LOG_INFO, "settings are read again; they hold for the next jobs");
    }
}

/* Whether anything is left to be done that the end must wait for. */
static bool at_rest(const struct vd_supervisor *sup)
{
    return sup->count == 0 && vd_bus_pending(sup->bus) == 0 && vd_janitor_pending(sup->janitor) == 0;
}

/* True when the loop is to end; *ret tells how. */
static bool ended(struct vd_supervisor *sup, double now, int *ret, struct vd_err *err)
{
    const struct vd_supervisor_setup *setup = &sup->setup;
    *ret = 0;
    if (sup->fatal) {
        *err = sup->err;
        *ret = -1;
        return true;
    }
    if (sup->stops) {
        give_back(sup, now >= sup->drain_until);
        return at_rest(sup) || now >= sup->drain_until + (sup->stops > 1 ? 1 : BUS_CLOSE_MS / 1000.0);
    }
    if (setup->max_jobs && sup->taken >= setup->max_jobs)
        return at_rest(sup);
    if (setup->wait_s >= 0 && !sup->taken && now >= sup->opened + setup->wait_s) {
        if (!sup->bus_up)
            *ret = vd_fail(err, VD_UNAVAILABLE, "", "Kafka did not answer in %d s; check kafka { bootstrap.servers }",
                           setup->wait_s);
        return true;
    }
    if (setup->exit_when_idle && sup->host.ill && vd_crew_working(&sup->crew) == 0 && vd_bus_pending(sup->bus) == 0 &&
        vd_janitor_pending(sup->janitor) == 0) {
        sup->end.host_fault = true;
        return true;
    }
    return setup->exit_when_idle && at_rest(sup) && atomic_load(&setup->watch->idle);
}

static double next_due(const struct vd_supervisor *sup, double now)
{
    double due = fmin(now + fmin(longest_wait, vd_notify_patience()), vd_crew_due(sup, now));
    for (int i = 0; i < sup->count; i++)
        if (sup->works[i]->state == VD_WORK_HELD || sup->works[i]->state == VD_WORK_BACKOFF)
            due = fmin(due, sup->works[i]->due);
    if (sup->host.ill)
        due = fmin(due, fmax(sup->host.retry_at, now + 0.1));
    return due;
}

static void wait_for_events(struct vd_supervisor *sup, struct pollfd *polled, int count, double now)
{
    polled[0] = (struct pollfd){.fd = vd_bus_fd(sup->bus), .events = POLLIN};
    polled[1] = (struct pollfd){.fd = sup->signals, .events = POLLIN};
    for (int i = 0; i < sup->crew.count; i++)
        polled[2 + i] = (struct pollfd){.fd = sup->crew.place[i].slot.socket, .events = POLLIN};
    double wait = fmax(next_due(sup, now) - now, 0);
    poll(polled, (nfds_t)count, (int)ceil(wait * 1000));
}

static int loop(struct vd_supervisor *sup, vd_reload_fn *reload, void *opaque, struct vd_err *err)
{
    struct pollfd polled[2 + VD_SLOTS_MAX];
    int ret;
    for (double now = vd_monotonic(); !ended(sup, now, &ret, err); now = vd_monotonic()) {
        vd_show_round(sup, now);
        wait_for_events(sup, polled, 2 + sup->crew.count, now);
        now = vd_monotonic();
        for (int i = 0; i < sup->crew.count; i++)
            if (polled[2 + i].revents)
                vd_crew_receive(sup, &sup->crew.place[i], now);
        if (polled[1].revents)
            hear_signals(sup, reload, opaque, now);
        hear_bus(sup);
        vd_crew_watch(sup, now);
        vd_crew_fill(sup, now);
        if (!sup->stops)
            wake_due(sup, now);
        hand_out(sup);
        sweep(sup);
        vd_log_about(NULL, NULL);
    }
    return ret;
}

static int open_signals(void)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &watched, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* From now on one ends the process, wherever it hangs. */
static void let_go_of_signals(void)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
}

static void close_all(struct vd_supervisor *sup)
{
    vd_show_end(sup, BUS_CLOSE_MS / 1000.0);
    let_go_of_signals();
    give_back(sup, true);
    vd_crew_finish(&sup->crew);
    sup->end.hangs = !vd_janitor_stop(sup->janitor);
    vd_bus_close(sup->bus, sup->stops > 1 || !sup->bus_up ? 1000 : BUS_CLOSE_MS); /* nobody to wait for */
    for (int i = 0; i < sup->count; i++)
        vd_work_free(sup->works[i]);
    free(sup->works);
    vd_cancelled_finish(&sup->cancelled);
    vd_chooser_close(sup->chooser);
    if (sup->signals >= 0)
        close(sup->signals);
}

static struct vd_janitor *start_janitor(struct vd_supervisor *sup, struct vd_err *err)
{
    const struct vd_janitor_setup setup = {
        .roots = sup->setup.roots,
        .bus = sup->bus,
        .moves = sup->setup.archive,
        .reserve_bytes = sup->setup.reserve_bytes,
        .spool = sup->setup.watch ? NULL : &sup->courier, /* a watch in this process does it */
    };
    vd_courier_init(&sup->courier, sup->setup.roots, &sup->setup.bus, &sup->setup.job.recipe);
    return vd_janitor_start(&setup, err);
}

/* Tries what there is, before anything else goes on. A demanded device that is away is a fault that jobs will meet. */
static int open_device(struct vd_supervisor *sup, struct vd_err *err)
{
    const struct vd_chooser_setup setup = {
        .wanted = sup->setup.device, .cache = sup->setup.cache, .limits = &sup->setup.job.limits};
    struct vd_choice choice = {.words = "cpu"};
    struct vd_err why = {0};
    sup->chooser = vd_chooser_open(&setup, err);
    if (!sup->chooser)
        return -1;
    if (vd_chooser_take(sup->chooser, &choice, &why) < 0) {
        vd_log(VD_LOG_WARNING, "%s", why.text);
        vd_show_no_device(sup, &why);
    } else {
        vd_log(VD_LOG_INFO, "device: %s%s%s", choice.words, *choice.reason ? "; not a better one: " : "",
               choice.reason);
        vd_show_device(sup, &choice);
    }
    for (int i = 0; i < sup->crew.count; i++)
        snprintf(sup->crew.place[i].device, sizeof sup->crew.place[i].device, "%s", choice.words);
    return 0;
}

static int run(struct vd_supervisor *sup, vd_reload_fn *reload, void *opaque, struct vd_err *err)
{
    if (vd_bus_open(&sup->bus, &sup->setup.bus, err) < 0)
        return -1;
    sup->opened = vd_monotonic();
    sup->janitor = start_janitor(sup, err);
    return sup->janitor ? loop(sup, reload, opaque, err) : -1;
}

int vd_supervisor_run(const struct vd_supervisor_setup *setup, vd_reload_fn *reload, void *opaque,
                      struct vd_supervisor_end *end, struct vd_err *err)
{
    struct vd_supervisor *sup = calloc(1, sizeof *sup);
    int ret = -1;
    if (!sup)
        return vd_fail(err, VD_AGAIN, "", "no memory to start; free some");
    sup->setup = *setup;
    sup->signals = open_signals();
    sup->crew.count = setup->slots;
    for (int i = 0; i < VD_SLOTS_MAX; i++)
        sup->crew.place[i].slot = VD_SLOT_NONE;
    vd_show_begin(sup);
    if (open_device(sup, err) == 0) {
        vd_crew_fill(sup, vd_monotonic());
        ret = run(sup, reload, opaque, err);
    }
    close_all(sup);
    *end = sup->end;
    if (!end->hangs)
        free(sup);
    return ret;
}
