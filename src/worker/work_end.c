/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "work_end.h"

#include "supervisor_inner.h"

#include "vidriera/fault.h"
#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"
#include "vidriera/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What names the job in its events: its id, or where its message stood. */
static const char *name_of(const struct vd_work *work, char *name, size_t size)
{
    if (*work->order.id)
        return work->order.id;
    snprintf(name, size, "%s-%" PRId32 "-%" PRId64, vd_topic_name(VD_TOPIC_JOBS), work->message->partition,
             work->message->offset);
    return name;
}

static void publish(struct vd_supervisor *sup, struct vd_work *work)
{
    char name[320];
    char *event = work->duplicate ? NULL : vd_result_event(work->document);
    const struct vd_publication_setup setup = {
        .message = work->message,
        .job = name_of(work, name, sizeof name),
        .result = event,
        .status = vd_status_name(work->status),
        .traceparent = work->order.traceparent,
        .dead_letter = !work->duplicate && (work->status == VD_FAILED || work->status == VD_REJECTED) ? &work->err
                                                                                                      : NULL,
        .attempt = work->claim.attempts,
        .clear_control = vd_cancelled_has(&sup->cancelled, work->order.id),
        .opaque = work,
    };
    struct vd_publication *publication = event || work->duplicate ? vd_publication_create(&setup) : NULL;
    free(event);
    if (!publication) { /* no memory: it is the host's, and passes */
        struct vd_err err;
        vd_fail(&err, VD_IO, "publish", "no memory for a result; free some");
        vd_work_wait_for_host(sup, work, &err);
        return;
    }
    work->state = VD_WORK_PUBLISHING;
    work->epoch = work->message->epoch;
    vd_bus_publish(sup->bus, publication);
}

static void origin(struct vd_supervisor *sup, const struct vd_work *work, struct vd_replay *replay)
{
    const struct stat *st = &work->st;
    *replay = (struct vd_replay){.partition = work->message->partition,
                                 .offset = work->message->offset,
                                 .dev = st->st_dev,
                                 .inode = st->st_ino,
                                 .bytes = st->st_size,
                                 .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
    snprintf(replay->cluster, sizeof replay->cluster, "%s", vd_bus_cluster(sup->bus));
    snprintf(replay->topic, sizeof replay->topic, "%s", vd_topic_name(VD_TOPIC_JOBS));
}

/* What the order asked for and no other member tells: without a dead letter it can be made anew of the document. */
static int put_order(const struct vd_supervisor *sup, const struct vd_work *work, json_t *document)
{
    json_t *order = vd_order_to_json(&work->order, &sup->setup.job.recipe), *kept = json_object();
    int failed = !order || !kept;
    for (size_t i = 0; !failed && vd_replay_order[i]; i++)
        if (json_object_get(order, vd_replay_order[i]))
            failed |= json_object_set(kept, vd_replay_order[i], json_object_get(order, vd_replay_order[i]));
    json_decref(order);
    return json_object_set_new(json_object_get(document, "replay"), "order", kept) < 0 || failed ? -1 : 0;
}

/* The document of an end, with where it came from. */
static json_t *document_of(struct vd_supervisor *sup, const struct vd_work *work, enum vd_status status,
                           const struct vd_err *err, const json_t *report)
{
    struct vd_replay replay;
    char name[320];
    const struct vd_outcome outcome = {
        .status = status,
        .job = name_of(work, name, sizeof name),
        .session = *work->order.session ? work->order.session : NULL,
        .input_root = *work->order.root ? work->order.root : NULL,
        .input_path = *work->order.path ? work->order.path : NULL,
        .effect = &work->order.recipe.effect,
        .report = report,
        .err = err,
        .attempt = work->claim.attempts ? work->claim.attempts : 1,
        .started = work->started,
        .worker = sup->setup.worker,
        .meta = work->order.meta,
    };
    json_t *document = vd_result_make(&outcome);
    origin(sup, work, &replay);
    bool again = status != VD_COMPLETED && work->order.meta; /* without, it could not be read */
    if (document && vd_replay_put(document, &replay) == 0 && (!again || put_order(sup, work, document) == 0))
        return document;
    json_decref(document);
    return NULL;
}

/* An end without an output: recorded when the job has a claim, then published. */
static void end_without_output(struct vd_supervisor *sup, struct vd_work *work, enum vd_status status,
                               const struct vd_err *err)
{
    struct vd_err io = {0};
    vd_work_leave_slot(work);
    work->status = status;
    work->err = *err;
    work->document = document_of(sup, work, status, err, NULL);
    if (!work->document)
        vd_fail(&io, VD_IO, "publish", "no memory for a result; free some");
    else if (work->claim.fd >= 0)
        vd_done_write(sup->setup.roots, work->document, &io);
    if (io.code) {
        json_decref(work->document);
        work->document = NULL;
        vd_work_wait_for_host(sup, work, &io);
        return;
    }
    vd_fault_point("committed");
    publish(sup, work);
}

void vd_work_reject(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    struct vd_err staged = *err;
    if (!*staged.stage)
        snprintf(staged.stage, sizeof staged.stage, "take");
    vd_log(VD_LOG_ERROR, "rejected: %s", err->text);
    end_without_output(sup, work, VD_REJECTED, &staged);
}

void vd_work_fail(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    vd_log(VD_LOG_ERROR, "failed: %s", err->text);
    end_without_output(sup, work, VD_FAILED, err);
}

void vd_work_cancel(struct vd_supervisor *sup, struct vd_work *work)
{
    struct vd_err err;
    vd_log_about(work->order.id, work->order.traceparent);
    vd_fail(&err, VD_INPUT, "", "cancelled");
    vd_log(VD_LOG_WARNING, "cancelled");
    vd_claim_end(&work->claim, "cancelled", false);
    end_without_output(sup, work, VD_CANCELLED, &err);
}

void vd_work_give_back(struct vd_supervisor *sup, struct vd_work *work)
{
    vd_log_about(work->order.id, work->order.traceparent);
    vd_supervisor_untell(sup, work);
    if (work->state == VD_WORK_RUNNING) {
        vd_log(VD_LOG_WARNING, "given back: it stays on Kafka for the next worker");
        vd_claim_end(&work->claim, "given-back", false);
    }
    vd_work_leave_slot(work);
    vd_claim_release(&work->claim);
    work->state = VD_WORK_OVER;
}

/* The document of a completed job, published under its name at last. */
static int commit(struct vd_supervisor *sup, struct vd_work *work, const json_t *report, struct vd_err *err)
{
    json_t *document;
    if (!work->planned)
        return vd_fail(err, VD_DEFECT, "commit", "the media process never said what it makes; report this");
    if (!vd_input_unchanged(work->input, &work->st))
        return vd_fail(err, VD_AGAIN, "commit", "it changed while it was read; is it still being written?");
    document = document_of(sup, work, VD_COMPLETED, NULL, report);
    if (!document)
        return vd_fail(err, VD_IO, "commit", "no memory for a result; free some");
    int ret = vd_commit(sup->setup.roots, &work->target, &work->stage, work->order.id, document, err);
    if (ret == 0)
        ret = vd_done_write(sup->setup.roots, document, err);
    if (ret == 0)
        work->document = document;
    else
        json_decref(document);
    return ret;
}

static void say_done(const struct vd_work *work)
{
    const json_t *metrics = json_object_get(work->document, "metrics"),
                 *output = json_object_get(work->document, "output");
    size_t i;
    json_t *line;
    json_array_foreach (json_object_get(work->document, "warnings"), i, line)
        vd_log(VD_LOG_WARNING, "%s", json_string_value(line));
    vd_log(VD_LOG_INFO, "completed: processed/%s, %lld frames in %.2f s",
           json_string_value(json_object_get(output, "path")),
           (long long)json_integer_value(json_object_get(output, "frames")),
           json_real_value(json_object_get(metrics, "wall_s")));
}

void vd_work_done(struct vd_supervisor *sup, struct vd_work *work, json_t *report)
{
    struct vd_err err = {0};
    vd_log_about(work->order.id, work->order.traceparent);
    vd_fault_point("done");
    int ret = commit(sup, work, report, &err);
    json_decref(report);
    if (ret < 0) {
        vd_work_failed(sup, work, &err);
        return;
    }
    vd_fault_point("committed");
    vd_host_well(&sup->host);
    vd_chooser_worked(sup->chooser, work->choice.words, work->began);
    vd_claim_end(&work->claim, "done", false);
    vd_work_leave_slot(work);
    work->status = VD_COMPLETED;
    say_done(work);
    publish(sup, work);
}

static void read_error(const json_t *document, struct vd_err *err)
{
    const char *code = "", *stage = "", *text = "";
    enum vd_code known;
    json_unpack(json_object_get(document, "error"), "{s:s, s:s, s:s}", "code", &code, "stage", &stage, "message",
                &text);
    vd_fail(err, vd_code_parse(code, &known) < 0 ? VD_DEFECT : known, stage, "%s", text);
}

/* Whether the message that the document answers is this one: then its first transaction cannot have been committed, or
 * it would not have come again. */
static bool same_message(struct vd_supervisor *sup, const struct vd_work *work, const json_t *document)
{
    struct vd_replay replay;
    return vd_replay_get(document, &replay) == 0 && !strcmp(replay.topic, vd_topic_name(VD_TOPIC_JOBS)) &&
           replay.partition == work->message->partition && replay.offset == work->message->offset &&
           !strcmp(replay.cluster, vd_bus_cluster(sup->bus));
}

void vd_work_replay(struct vd_supervisor *sup, struct vd_work *work, json_t *document)
{
    const char *status = json_string_value(json_object_get(document, "status"));
    const char *job = json_string_value(json_object_get(document, "job"));
    vd_work_leave_slot(work);
    if (!status || vd_status_parse(status, &work->status) < 0)
        work->status = VD_COMPLETED;
    if (!*work->order.id && job && vd_job_id_valid(job))
        snprintf(work->order.id, sizeof work->order.id, "%s", job);
    work->document = document;
    work->duplicate = !same_message(sup, work, document);
    if (work->status != VD_COMPLETED)
        read_error(document, &work->err);
    vd_log(VD_LOG_INFO, work->duplicate ? "done before, as %s: nothing to do" : "done before, as %s: publishing it",
           vd_status_name(work->status));
    publish(sup, work);
}

/* What is still to be done with the recording, by the janitor. An end that was found without a claim may have left it to
 * whoever publishes it. */
static void pass_on(struct vd_supervisor *sup, struct vd_work *work)
{
    bool moves = work->status == VD_COMPLETED || work->status == VD_FAILED;
    struct vd_err err;
    if (moves && work->claim.fd < 0 && vd_job_id_valid(work->order.id))
        vd_claim_take(&work->claim, sup->setup.roots, work->order.id, &err);
    if (work->claim.fd < 0)
        return;
    if (moves)
        vd_janitor_give(sup->janitor, &work->claim, work->document, work->order.traceparent);
    else
        vd_claim_remove(&work->claim, sup->setup.roots);
}

/* A watch in this process waits for what it has sent. */
static void wake_watch(const struct vd_supervisor *sup)
{
    const uint64_t one = 1;
    if (sup->setup.watch && write(sup->setup.watch->wake, &one, sizeof one) < 0)
        return; /* full: it is awake anyway */
}

void vd_work_published(struct vd_supervisor *sup, struct vd_work *work)
{
    vd_log_about(work->order.id, work->order.traceparent);
    vd_fault_point("published");
    vd_cancelled_remove(&sup->cancelled, work->order.id);
    if (work->duplicate)
        sup->end.duplicates++;
    else if (work->status == VD_COMPLETED)
        sup->end.completed++;
    else if (work->status == VD_FAILED)
        sup->end.failed++;
    else if (work->status == VD_REJECTED)
        sup->end.rejected++;
    vd_show_work(work);
    vd_supervisor_tell(sup, work, vd_status_name(work->status), work->status == VD_COMPLETED ? 1 : -1, 0, NULL);
    pass_on(sup, work);
    wake_watch(sup);
    work->state = VD_WORK_OVER;
}

void vd_work_unowned(struct vd_supervisor *sup, struct vd_work *work)
{
    vd_log_about(work->order.id, work->order.traceparent);
    if (work->epoch != work->message->epoch) {
        publish(sup, work); /* delivered here again meanwhile */
        return;
    }
    vd_log(VD_LOG_INFO, "its partition went to another worker, which publishes it");
    work->state = VD_WORK_OVER;
}
