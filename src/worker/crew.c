/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor_inner.h"
#include "work_end.h"

#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const double restart_pause = 1;

static int start(struct vd_supervisor *sup, struct vd_place *place, struct vd_err *err)
{
    const struct vd_slot_setup setup = {
        .limits = &sup->setup.job.limits, .device = place->device, .cache = sup->setup.cache};
    place->jobs = 0;
    return vd_slot_start(&place->slot, &setup, err);
}

int vd_crew_equip(struct vd_supervisor *sup, struct vd_place *place, const char *device, struct vd_err *err)
{
    if (!strcmp(place->device, device) && place->slot.pid > 0)
        return 0;
    vd_slot_stop(&place->slot); /* idle: nothing is lost, and a driver that hangs holds nobody up */
    snprintf(place->device, sizeof place->device, "%s", device);
    return start(sup, place, err);
}

void vd_crew_fill(struct vd_supervisor *sup, double now)
{
    struct vd_err err;
    vd_log_about(NULL, NULL);
    for (int i = 0; i < sup->crew.count; i++) {
        struct vd_place *place = &sup->crew.place[i];
        if (place->slot.pid > 0 || now < place->start_at)
            continue;
        place->start_at = now + restart_pause; /* should it die at once */
        if (start(sup, place, &err) < 0)
            vd_log(VD_LOG_ERROR, "%s", err.text);
    }
}

struct vd_place *vd_crew_idle(struct vd_crew *crew)
{
    for (int i = 0; i < crew->count; i++)
        if (crew->place[i].slot.pid > 0 && !crew->place[i].work)
            return &crew->place[i];
    return NULL;
}

int vd_crew_working(const struct vd_crew *crew)
{
    int working = 0;
    for (int i = 0; i < crew->count; i++)
        working += crew->place[i].work != NULL;
    return working;
}

struct vd_place *vd_crew_find(struct vd_crew *crew, const struct vd_work *work)
{
    for (int i = 0; i < crew->count; i++)
        if (crew->place[i].work == work)
            return &crew->place[i];
    return NULL;
}

/* The slot has done its part: it is free for the next before this one's end is written down. */
static struct vd_work *leave(struct vd_supervisor *sup, struct vd_place *place)
{
    struct vd_work *work = place->work;
    place->work = NULL;
    if (++place->jobs >= sup->setup.slot_jobs)
        vd_slot_finish(&place->slot);
    return work;
}

/* kind: as VD_METRIC_SLOT_DEATHS counts it. */
static void died(struct vd_supervisor *sup, struct vd_place *place, const char *kind, const char *how)
{
    struct vd_work *work = place->work;
    place->work = NULL;
    vd_metric_add(VD_METRIC_SLOT_DEATHS, 1, kind, NULL);
    if (work)
        vd_work_died(sup, work, how, !strcmp(kind, "timeout"));
    else
        vd_log(VD_LOG_WARNING, "an idle media process ended: %s", how);
}

/* It never was itself: no job is to blame. */
static void never_started(struct vd_supervisor *sup, struct vd_place *place)
{
    struct vd_err err;
    struct vd_work *work = place->work;
    place->work = NULL;
    vd_fail(&err, VD_UNAVAILABLE, "slot", "the media process cannot be started; is the installation complete?");
    if (work && work->claim.fd >= 0)
        vd_claim_end(&work->claim, "host", false);
    if (work)
        vd_work_wait_for_host(sup, work, &err);
    else
        vd_log(VD_LOG_ERROR, "%s", err.text);
}

static const char *how_it_died(const struct vd_slot_message *message, char *text, size_t size)
{
    const char *name = sigabbrev_np(message->signal);
    if (message->signal)
        snprintf(text, size, "SIG%s", name ? name : "?");
    else
        snprintf(text, size, "status %d", message->status);
    return text;
}

void vd_crew_receive(struct vd_supervisor *sup, struct vd_place *place, double now)
{
    struct vd_slot_message message;
    char how[32];
    struct vd_work *work = place->work;
    vd_slot_receive(&place->slot, &message);
    if (message.event == VD_SLOT_DIED && !message.signal && message.status == VD_SLOT_UNSTARTED) {
        never_started(sup, place);
        return;
    }
    if (message.event == VD_SLOT_DIED) {
        died(sup, place, message.signal ? "signal" : "exit", how_it_died(&message, how, sizeof how));
        return;
    }
    if (!work) { /* it answers what nobody asked: it is not itself any more */
        json_decref(message.report);
        vd_slot_stop(&place->slot);
        return;
    }
    if (message.event == VD_SLOT_PROGRESS) {
        if (message.progress.work != place->moved)
            place->moved_at = now;
        place->moved = message.progress.work;
        place->pace.frames = message.progress.frames;
        vd_work_progress(sup, work, &message.progress);
        return;
    }
    if (message.event == VD_SLOT_PLANNED) {
        vd_work_planned(sup, work, message.container);
        return;
    }
    if (message.event == VD_SLOT_FAILED && message.err.code == VD_UNAVAILABLE && strcmp(place->device, "cpu") != 0)
        vd_slot_stop(&place->slot); /* what it has opened may be dead for good; a new one opens it anew */
    leave(sup, place);
    if (message.event == VD_SLOT_DONE)
        vd_work_done(sup, work, message.report);
    else if (message.event == VD_SLOT_DIGEST)
        vd_work_digested(sup, work, message.digest);
    else
        vd_work_failed(sup, work, &message.err);
}

/* Seconds since the epoch of the monotonic clock at which this attempt ends by itself. */
static double patience_ends(const struct vd_supervisor *sup, const struct vd_place *place)
{
    double stall = place->moved_at + (double)sup->setup.job.limits.stall_s;
    double timeout = sup->setup.timeout_s ? place->began + (double)sup->setup.timeout_s : INFINITY;
    return fmin(stall, timeout);
}

void vd_crew_watch(struct vd_supervisor *sup, double now)
{
    char how[48];
    for (int i = 0; i < sup->crew.count; i++) {
        struct vd_place *place = &sup->crew.place[i];
        if (!place->work || now < patience_ends(sup, place))
            continue;
        bool stalls = now >= place->moved_at + (double)sup->setup.job.limits.stall_s;
        if (stalls)
            snprintf(how, sizeof how, "no progress for %lld s", (long long)sup->setup.job.limits.stall_s);
        else
            snprintf(how, sizeof how, "not done in %lld s", (long long)sup->setup.timeout_s);
        vd_slot_stop(&place->slot);
        died(sup, place, stalls ? "stall" : "timeout", how);
    }
}

double vd_crew_due(const struct vd_supervisor *sup, double now)
{
    double due = INFINITY;
    for (int i = 0; i < sup->crew.count; i++) {
        const struct vd_place *place = &sup->crew.place[i];
        if (place->work)
            due = fmin(due, patience_ends(sup, place));
        else if (place->slot.pid <= 0)
            due = fmin(due, fmax(place->start_at, now));
    }
    return due;
}

void vd_crew_stop(struct vd_crew *crew, const struct vd_work *work)
{
    struct vd_place *place = vd_crew_find(crew, work);
    if (!place)
        return;
    vd_slot_stop(&place->slot);
    place->work = NULL;
}

void vd_crew_finish(struct vd_crew *crew)
{
    for (int i = 0; i < crew->count; i++)
        vd_slot_finish(&crew->place[i].slot);
}
