/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor_inner.h"

#include "vidriera/board.h"
#include "vidriera/metrics.h"
#include "vidriera/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = VD_SHOW_WORDS };

static const double sample_s = 1, extend_every_s = 5, extend_s = 30;

static const char no_backend[] = "none";

void vd_show_backend(const char *device, char *backend, size_t size)
{
    snprintf(backend, size, "%.*s", (int)strcspn(device, ":"), device);
}

void vd_show_words(char words[WORDS], const struct vd_err *err, const char *others)
{
    static const char prefix[] = "kafka: "; /* the need is called so */
    const char *text = err->text + (strncmp(err->text, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1);
    size_t why = strcspn(text, ";");
    if (!strchr(text, '/'))
        snprintf(words, WORDS, "%s", text);
    else if (!memchr(text, '/', why))
        snprintf(words, WORDS, "%.*s; the log tells more", (int)why, text);
    else
        snprintf(words, WORDS, "%s", others);
}

static bool is_of_folders(const struct vd_err *err)
{
    return err->code == VD_IO || err->code == VD_NO_OUTPUT || !strcmp(err->stage, "root");
}

/* What stands in the way of a need; empty: nothing. */
static void put_need(const struct vd_supervisor *sup, enum vd_need need, char words[WORDS])
{
    const struct vd_err *fault = sup->host.ill ? &sup->host.err : NULL;
    struct vd_err folders;
    *words = '\0';
    switch (need) {
    case VD_NEED_KAFKA:
        if (!sup->bus_up && sup->shown.bus.code)
            vd_show_words(words, &sup->shown.bus,
                          "no broker answers; everything is kept and tried again, and the log tells why");
        else if (!sup->bus_up)
            snprintf(words, WORDS, "no broker has answered yet");
        break;
    case VD_NEED_FOLDERS:
        folders = vd_janitor_folders(sup->janitor);
        if (fault && is_of_folders(fault))
            folders = *fault;
        if (folders.code)
            vd_show_words(words, &folders,
                          "reading or writing fails; check the disk and the folders, the log tells which");
        break;
    case VD_NEED_DEVICE:
        if (fault && !is_of_folders(fault))
            vd_show_words(words, fault,
                          "this machine cannot do what jobs need; the log tells what, and vidriera doctor");
        else if (sup->shown.no_device.code)
            vd_show_words(words, &sup->shown.no_device, "no device works; see vidriera doctor");
        break;
    case VD_NEED_RUNNING:
        if (sup->stops)
            snprintf(words, WORDS, "draining: jobs that run may finish, no new ones are taken");
        break;
    case VD_NEEDS:
        break;
    }
}

static void show_need(const struct vd_supervisor *sup, enum vd_need need, const char *words)
{
    vd_board_need(sup->setup.board, need, *words ? words : NULL);
    vd_metric_set(VD_METRIC_READY, *words ? 0 : 1, vd_need_name(need), NULL);
}

/* Series are there before there is anything to count: one that appears at 1 has not risen, for Prometheus. */
static void show_jobs(const char *backend)
{
    for (int i = 0; i <= VD_CANCELLED; i++)
        vd_metric_add(VD_METRIC_JOBS, 0, vd_status_name((enum vd_status)i), backend);
}

/* Called again with the same, it says nothing new. */
void vd_show_device(struct vd_supervisor *sup, const struct vd_choice *choice)
{
    struct vd_shown *shown = &sup->shown;
    char backend[sizeof choice->words];
    shown->no_device = (struct vd_err){0};
    if (!strcmp(shown->device.words, choice->words) && !strcmp(shown->device.reason, choice->reason))
        return;
    shown->device = *choice;
    vd_show_backend(choice->words, backend, sizeof backend);
    char *reason = vd_board_public(choice->reason);
    vd_metric_only(VD_METRIC_BACKEND_INFO, 1, backend, reason ? reason : "");
    free(reason);
    vd_metric_add(VD_METRIC_FALLBACKS, 0, backend, NULL);
    show_jobs(backend);
    vd_board_device(sup->setup.board, choice->words, *choice->reason ? choice->reason : NULL);
}

void vd_show_no_device(struct vd_supervisor *sup, const struct vd_err *err)
{
    sup->shown.no_device = *err;
}

static void show_series(const struct vd_supervisor *sup)
{
    static const char *const deaths[] = {"signal", "stall", "timeout", "exit"};
    vd_metric_set(VD_METRIC_BUILD_INFO, 1, VD_VERSION, NULL);
    vd_metric_set(VD_METRIC_SLOTS, sup->crew.count, NULL, NULL);
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        vd_metric_add(VD_METRIC_SLOT_DEATHS, 0, deaths[i], NULL);
    for (int i = 0; i < VD_NEEDS; i++)
        vd_metric_set(VD_METRIC_READY, 0, vd_need_name((enum vd_need)i), NULL);
    show_jobs(no_backend);
}

void vd_show_begin(struct vd_supervisor *sup)
{
    show_series(sup);
    vd_notify_status("looking at devices");
}

static void measure(struct vd_pace *pace, double now)
{
    if (now < pace->at + sample_s)
        return;
    pace->fps = (double)(pace->frames - pace->counted) / (now - pace->at);
    pace->counted = pace->frames;
    pace->at = now;
}

static void show_slots(struct vd_supervisor *sup, double now)
{
    int working = vd_crew_working(&sup->crew), running = 0;
    double fps = 0;
    for (int i = 0; i < sup->crew.count; i++) {
        struct vd_place *place = &sup->crew.place[i];
        if (!place->work)
            continue;
        measure(&place->pace, now);
        fps += place->pace.fps;
        running += place->work->planned;
    }
    vd_board_working(sup->setup.board, working);
    vd_metric_set(VD_METRIC_SLOTS_WORKING, working, NULL, NULL);
    vd_metric_set(VD_METRIC_JOBS_RUNNING, running, NULL, NULL);
    vd_metric_set(VD_METRIC_FPS, fps, NULL, NULL);
}

/* words: the first need that is unmet. */
static void show_status(const struct vd_supervisor *sup, const char *words)
{
    int working = vd_crew_working(&sup->crew), waiting = 0;
    char jobs[64];
    for (int i = 0; i < sup->count; i++) {
        enum vd_work_state state = sup->works[i]->state;
        waiting += state != VD_WORK_RUNNING && state != VD_WORK_PUBLISHING && state != VD_WORK_OVER;
    }
    snprintf(jobs, sizeof jobs, "%d of %d slots work, %d more orders here", working, sup->crew.count, waiting);
    vd_notify_status("%s%s%s", jobs, *words ? "; " : "", words);
}

static void show_life(struct vd_supervisor *sup, double now)
{
    if (!sup->shown.begun)
        vd_notify_ready();
    sup->shown.begun = true;
    if (sup->stops && now >= sup->shown.extended_at + extend_every_s) {
        vd_notify_stopping();
        vd_notify_extend(extend_s);
        sup->shown.extended_at = now;
    }
    vd_notify_alive(now);
}

void vd_show_round(struct vd_supervisor *sup, double now)
{
    char first[WORDS] = "";
    vd_board_beat(sup->setup.board);
    for (int i = VD_NEEDS - 1; i >= 0; i--) {
        char words[WORDS];
        put_need(sup, (enum vd_need)i, words);
        show_need(sup, (enum vd_need)i, words);
        if (*words)
            snprintf(first, sizeof first, "%s", words);
    }
    vd_metric_set(VD_METRIC_KAFKA_UP, sup->bus_up, NULL, NULL);
    vd_metric_set(VD_METRIC_PUBLISHING, vd_bus_pending(sup->bus), NULL, NULL);
    show_slots(sup, now);
    show_life(sup, now);
    show_status(sup, first);
}

static const char *backend_of(const struct vd_work *work, char *backend, size_t size)
{
    const char *used = json_string_value(json_object_get(json_object_get(work->document, "device"), "backend"));
    if (used)
        return used;
    vd_show_backend(work->choice.words, backend, size);
    return *backend ? backend : no_backend;
}

void vd_show_work(const struct vd_work *work)
{
    char backend[sizeof work->choice.words];
    const char *used = backend_of(work, backend, sizeof backend), *result = vd_status_name(work->status);
    const json_t *metrics = json_object_get(work->document, "metrics"),
                 *frames = json_object_get(json_object_get(work->document, "output"), "frames");
    if (work->duplicate) {
        vd_metric_add(VD_METRIC_DUPLICATES, 1, NULL, NULL);
        return;
    }
    vd_metric_add(VD_METRIC_JOBS, 1, result, used);
    if (work->status == VD_FAILED || work->status == VD_REJECTED)
        vd_metric_add(VD_METRIC_DEAD_LETTERS, 1, NULL, NULL);
    if (work->took > 0)
        vd_metric_observe(VD_METRIC_JOB_SECONDS, work->took, result);
    if (work->status != VD_COMPLETED)
        return;
    vd_metric_add(VD_METRIC_FRAMES, (double)json_integer_value(frames), used, NULL);
    vd_metric_set(VD_METRIC_JOB_SPEED, json_number_value(json_object_get(metrics, "speed")), used, NULL);
}

void vd_show_end(struct vd_supervisor *sup, double seconds)
{
    char words[WORDS] = "ending";
    vd_notify_stopping();
    vd_notify_extend(seconds + extend_s);
    vd_notify_status("ending");
    show_need(sup, VD_NEED_RUNNING, words);
}
