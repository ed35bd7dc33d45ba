/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "janitor.h"

#include "vidriera/archive.h"
#include "vidriera/commit.h"
#include "vidriera/fault.h"
#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"
#include "vidriera/result.h"
#include "vidriera/state.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { COMMITTED_MS = 3000, STOP_MS = 8000 /* after which no question to the broker is open */ };

/* Between two rounds; one at which no broker answers tells nothing, so the next one comes soon. */
static const double every_round = 60, while_no_broker = 1;

/* Between two looks at the folders, which may hang: here they hold up nobody. */
static const double every_measure = 10;

/* Between two looks at the spool. */
static const double while_sending = 0.05, at_rest = 2;

struct task {
    struct task *next;
    struct vd_claim claim;
    json_t *document;
    char trace[VD_TRACE];
};

struct vd_janitor {
    struct vd_janitor_setup setup;
    pthread_t thread;
    json_t *told; /* the janitor's: unarchived jobs that were warned of, as a set */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task *first, **last;
    int pending;
    bool stop;
    struct vd_err folders;
};

/* Says once what keeps a recording from being moved. */
static void tell_unarchived(struct vd_janitor *janitor, const char *job, const struct vd_err *err)
{
    if (json_object_get(janitor->told, job))
        return;
    json_object_set_new(janitor->told, job, json_true());
    vd_metric_set(VD_METRIC_UNARCHIVED, (double)json_object_size(janitor->told), NULL, NULL);
    vd_log(VD_LOG_WARNING, "unarchived: %s", err->text);
}

static void no_longer_unarchived(struct vd_janitor *janitor, const char *job)
{
    json_object_del(janitor->told, job);
    vd_metric_set(VD_METRIC_UNARCHIVED, (double)json_object_size(janitor->told), NULL, NULL);
}

/* True: nothing is left to be done for this job. */
static bool archive(struct vd_janitor *janitor, const char *job, const json_t *document)
{
    struct vd_err err = {0};
    if (!janitor->setup.moves)
        return true;
    switch (vd_archive(janitor->setup.roots, document, &err)) {
    case VD_ARCHIVE_MOVED:
    case VD_ARCHIVE_GONE:
        no_longer_unarchived(janitor, job);
        return true;
    case VD_ARCHIVE_CHANGED:
        no_longer_unarchived(janitor, job);
        vd_log(VD_LOG_WARNING, "the recording changed after it was processed: it stays where it is, as a new one");
        return true;
    case VD_ARCHIVE_CANNOT:
        tell_unarchived(janitor, job, &err);
        return false;
    case VD_ARCHIVE_LATER:
        vd_log(VD_LOG_DEBUG, "not archived yet: %s", err.text);
        return false;
    }
    return false;
}

/* Takes the claim. */
static void close_job(struct vd_janitor *janitor, struct vd_claim *claim, const json_t *document, const char *trace)
{
    vd_log_about(claim->job, trace);
    bool over = archive(janitor, claim->job, document);
    vd_fault_point("archived");
    if (over)
        vd_claim_remove(claim, janitor->setup.roots);
    vd_claim_release(claim);
    vd_log_about(NULL, NULL);
}

static bool stopping(struct vd_janitor *janitor)
{
    pthread_mutex_lock(&janitor->lock);
    bool stop = janitor->stop;
    pthread_mutex_unlock(&janitor->lock);
    return stop;
}

/* Whether the job's end is known to Kafka. A document of another cluster, or of an embedded broker that is gone, will not be
 * asked for again. */
static bool published(struct vd_janitor *janitor, const json_t *document)
{
    struct vd_replay replay;
    int64_t committed;
    if (stopping(janitor)) /* the bus may not be there any more */
        return false;
    const char *cluster = vd_bus_cluster(janitor->setup.bus);
    if (!*cluster || vd_replay_get(document, &replay) < 0)
        return false;
    if (strcmp(cluster, replay.cluster))
        return true;
    return vd_bus_committed(janitor->setup.bus, replay.partition, COMMITTED_MS, &committed) == 0 &&
           committed > replay.offset;
}

static bool ended_with_file(const json_t *document)
{
    enum vd_status status;
    const char *name = json_string_value(json_object_get(document, "status"));
    return name && vd_status_parse(name, &status) == 0 && (status == VD_COMPLETED || status == VD_FAILED);
}

/* One of claims/, perhaps left by a crash. */
static bool look_at(void *opaque, const char *job)
{
    struct vd_janitor *janitor = opaque;
    struct vd_claim claim = VD_CLAIM_NONE;
    struct vd_err err;
    json_t *document = NULL;
    if (vd_done_find(janitor->setup.roots, job, &document, &err) > 0 && published(janitor, document) &&
        vd_claim_take(&claim, janitor->setup.roots, job, &err) == 0) {
        if (ended_with_file(document))
            close_job(janitor, &claim, document, NULL); /* its order is gone, and the trace with it */
        else
            vd_claim_remove(&claim, janitor->setup.roots);
    }
    json_decref(document);
    return !stopping(janitor);
}

static void make_round(struct vd_janitor *janitor)
{
    struct vd_err err;
    if (vd_claims_list(janitor->setup.roots, look_at, janitor, &err) < 0)
        vd_log(VD_LOG_DEBUG, "%s", err.text);
}

/* The next task, after at most that time; NULL: there is none, or it is time to stop. */
static struct task *next_task(struct vd_janitor *janitor, double seconds)
{
    struct task *task = NULL;
    const struct timespec until = vd_monotonic_in(seconds);
    int ret = 0;
    pthread_mutex_lock(&janitor->lock);
    while (!janitor->first && !janitor->stop && ret != ETIMEDOUT)
        ret = pthread_cond_timedwait(&janitor->changed, &janitor->lock, &until);
    if (janitor->first && !janitor->stop) {
        task = janitor->first;
        janitor->first = task->next;
        if (!janitor->first)
            janitor->last = &janitor->first;
    }
    pthread_mutex_unlock(&janitor->lock);
    return task;
}

static void task_over(struct vd_janitor *janitor, struct task *task)
{
    json_decref(task->document);
    free(task);
    pthread_mutex_lock(&janitor->lock);
    janitor->pending--;
    pthread_mutex_unlock(&janitor->lock);
}

static void measure_folder(const char *name, int fd)
{
    struct statvfs fs;
    bool known = fd >= 0 && fstatvfs(fd, &fs) == 0;
    vd_metric_set(VD_METRIC_DISK_FREE_BYTES, known ? (double)fs.f_bavail * (double)fs.f_frsize : NAN, name, NULL);
}

static void measure(struct vd_janitor *janitor)
{
    const struct vd_roots *roots = janitor->setup.roots;
    struct vd_err err = {0};
    for (int i = 0; i < VD_ROOTS; i++) {
        int fd = vd_root_open(roots, (enum vd_root)i, NULL);
        measure_folder(vd_root_name((enum vd_root)i), fd);
        if (fd >= 0)
            close(fd);
    }
    measure_folder("state", roots->state);
    vd_roots_ready(roots, janitor->setup.reserve_bytes, &err);
    pthread_mutex_lock(&janitor->lock);
    janitor->folders = err;
    pthread_mutex_unlock(&janitor->lock);
}

static void *janitor_main(void *opaque)
{
    struct vd_janitor *janitor = opaque;
    int removed = vd_parts_collect(janitor->setup.roots);
    if (removed > 0)
        vd_log(VD_LOG_INFO, "removed %d parts that a crash had left", removed);
    double round_at = 0, measure_at = 0;
    vd_metric_set(VD_METRIC_UNARCHIVED, 0, NULL, NULL);
    while (!stopping(janitor)) {
        double now = vd_monotonic();
        if (now >= measure_at) {
            measure(janitor);
            measure_at = now + every_measure;
        }
        if (now >= round_at) {
            make_round(janitor);
            round_at = now +
                       (!stopping(janitor) && *vd_bus_cluster(janitor->setup.bus) ? every_round : while_no_broker);
        }
        bool sending = janitor->setup.spool && vd_courier_round(janitor->setup.spool);
        struct task *task = next_task(janitor, sending ? while_sending : at_rest);
        if (task) {
            close_job(janitor, &task->claim, task->document, task->trace);
            task_over(janitor, task);
        }
    }
    if (janitor->setup.spool)
        vd_courier_finish(janitor->setup.spool);
    return NULL;
}

struct vd_janitor *vd_janitor_start(const struct vd_janitor_setup *setup, struct vd_err *err)
{
    pthread_condattr_t monotonic;
    struct vd_janitor *janitor = calloc(1, sizeof *janitor);
    if (!janitor || !(janitor->told = json_object())) {
        free(janitor);
        vd_fail(err, VD_AGAIN, "", "no memory to start; free some");
        return NULL;
    }
    janitor->setup = *setup;
    janitor->last = &janitor->first;
    pthread_mutex_init(&janitor->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&janitor->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&janitor->thread, NULL, janitor_main, janitor)) {
        vd_fail(err, VD_AGAIN, "", "no thread to start: too many are running; try again later");
        json_decref(janitor->told);
        free(janitor);
        return NULL;
    }
    pthread_setname_np(janitor->thread, "janitor");
    return janitor;
}

void vd_janitor_give(struct vd_janitor *janitor, struct vd_claim *claim, const json_t *document, const char *trace)
{
    struct task *task = calloc(1, sizeof *task);
    json_t *copy = json_deep_copy(document); /* reference counts are not for two threads */
    if (!task || !copy) {                    /* the next round finds it */
        free(task);
        json_decref(copy);
        vd_claim_release(claim);
        return;
    }
    *task = (struct task){.claim = *claim, .document = copy};
    snprintf(task->trace, sizeof task->trace, "%s", trace);
    *claim = VD_CLAIM_NONE;
    pthread_mutex_lock(&janitor->lock);
    *janitor->last = task;
    janitor->last = &task->next;
    janitor->pending++;
    pthread_cond_signal(&janitor->changed);
    pthread_mutex_unlock(&janitor->lock);
}

int vd_janitor_pending(struct vd_janitor *janitor)
{
    pthread_mutex_lock(&janitor->lock);
    int pending = janitor->pending;
    pthread_mutex_unlock(&janitor->lock);
    return pending;
}

struct vd_err vd_janitor_folders(struct vd_janitor *janitor)
{
    pthread_mutex_lock(&janitor->lock);
    struct vd_err err = janitor->folders;
    pthread_mutex_unlock(&janitor->lock);
    return err;
}

bool vd_janitor_stop(struct vd_janitor *janitor)
{
    if (!janitor)
        return true;
    pthread_mutex_lock(&janitor->lock);
    janitor->stop = true;
    pthread_cond_signal(&janitor->changed);
    pthread_mutex_unlock(&janitor->lock);
    if (!vd_join_for(janitor->thread, STOP_MS)) {
        pthread_detach(janitor->thread);
        vd_log(VD_LOG_WARNING,
               "a folder does not answer, or a recording is still being moved: it is left alone, and found again");
        return false;
    }
    for (struct task *task; (task = janitor->first);) {
        janitor->first = task->next;
        vd_claim_release(&task->claim);
        json_decref(task->document);
        free(task);
    }
    pthread_cond_destroy(&janitor->changed);
    pthread_mutex_destroy(&janitor->lock);
    json_decref(janitor->told);
    free(janitor);
    return true;
}
