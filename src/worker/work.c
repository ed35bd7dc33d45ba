/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the message to a slot. How a work ends is in work_end.c. */
#include "retry.h"
#include "supervisor_inner.h"
#include "work_end.h"

#include "vidriera/fault.h"
#include "vidriera/log.h"
#include "vidriera/now.h"
#include "vidriera/state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Attempts without a recorded end took a supervisor with them: such a job runs by itself at last, and is given up at the
 * end. A slot's death costs only the slot, so two are enough to judge. */
enum { ALONE_FROM = 5, UNENDED_MAX = 20, DEATHS_MAX = 2 };

static const double held_pause = 3;

static enum vd_root root_of(const struct vd_order *order)
{
    enum vd_root root = VD_RECORDINGS;
    vd_root_parse(order->root, &root);
    return root;
}

static const char *folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(folder, size, "%.*s", slash ? (int)(slash - path) : 0, path);
    return folder;
}

struct vd_work *vd_work_create(struct vd_supervisor *sup, struct vd_message *message)
{
    struct vd_err err = {0};
    struct vd_work *work = calloc(1, sizeof *work);
    if (!work)
        return NULL;
    work->message = message;
    work->claim = VD_CLAIM_NONE;
    work->stage = VD_STAGE_NONE;
    work->input = -1;
    work->started = vd_wall();
    int ret = vd_order_parse(&work->order, message->value, message->value_size, message->headers, message->header_count,
                             &sup->setup.job.recipe, &err);
    vd_log_about(work->order.id, work->order.traceparent);
    vd_log(VD_LOG_DEBUG, "an order for %s/%s, partition %d, offset %lld", work->order.root, work->order.path,
           message->partition, (long long)message->offset);
    vd_fault_point("taken");
    if (ret < 0)
        vd_work_reject(sup, work, &err);
    return work;
}

/* Closes what only an attempt needs. */
void vd_work_leave_slot(struct vd_work *work)
{
    if (work->input >= 0 && *work->order.id) /* else only its digest was read */
        work->took = vd_monotonic() - work->began;
    if (work->input >= 0)
        close(work->input);
    work->input = -1;
    vd_stage_drop(&work->stage);
    work->planned = false;
}

void vd_work_free(struct vd_work *work)
{
    vd_work_leave_slot(work);
    vd_claim_release(&work->claim);
    vd_message_free(work->message);
    vd_order_finish(&work->order);
    json_decref(work->document);
    free(work);
}

void vd_work_adopt(struct vd_work *work, struct vd_message *message)
{
    vd_message_free(work->message);
    work->message = message;
}

bool vd_work_wants_slot(const struct vd_work *work)
{
    return work->state == VD_WORK_READY || (work->state == VD_WORK_LOOK && !*work->order.id);
}

void vd_work_wait_for_host(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    vd_host_fault(&sup->host, err, vd_monotonic());
    if (work->shown)
        vd_supervisor_tell(sup, work, "retrying", -1, 0, err);
    vd_work_leave_slot(work);
    vd_claim_release(&work->claim);
    work->due = vd_monotonic();
    work->state = VD_WORK_HOST;
}

/* The end of this job as it was recorded: 1 and *document, 0: it has none, -1. */
static int find_end(struct vd_supervisor *sup, struct vd_work *work, json_t **document, struct vd_err *err)
{
    const struct vd_roots *roots = sup->setup.roots;
    int found = vd_done_find(roots, work->order.id, document, err);
    if (found || work->claim.fd < 0)
        return found;
    found = vd_commit_recover(roots, work->order.path, work->order.id, document, err);
    if (found > 0 && vd_done_write(roots, *document, err) < 0) {
        json_decref(*document);
        found = -1;
    }
    return found;
}

/* Without an attempt here, nothing was opened yet, and the end must tell which file it is about. */
static void see_input(struct vd_supervisor *sup, struct vd_work *work)
{
    struct vd_err err;
    if (work->st.st_ino)
        return;
    int fd = vd_root_input(sup->setup.roots, root_of(&work->order), work->order.path, &work->st, &err);
    if (fd >= 0)
        close(fd);
}

/* What its record says against another attempt. */
static bool given_up(struct vd_supervisor *sup, struct vd_work *work)
{
    struct vd_err err;
    const struct vd_claim *claim = &work->claim;
    if (claim->deaths >= DEATHS_MAX)
        vd_fail(&err, VD_INPUT, "decode",
                "%s/%s: the media process died of it %d times, at last of %s; look at it with vidriera process",
                work->order.root, work->order.path, claim->deaths, claim->last_death);
    else if (claim->unended >= UNENDED_MAX)
        vd_fail(&err, VD_INPUT, "decode",
                "%s/%s: %d attempts ended with the worker's own end; look at it with vidriera process",
                work->order.root, work->order.path, claim->unended);
    else
        return false;
    see_input(sup, work);
    vd_work_fail(sup, work, &err);
    return true;
}

/* The claim is held elsewhere. */
static void hold(struct vd_work *work)
{
    if (work->state != VD_WORK_HELD)
        vd_log(VD_LOG_INFO, "held by another worker; looking again");
    work->state = VD_WORK_HELD;
    work->due = vd_monotonic() + held_pause;
}

enum { NO_END, END, HELD, CANNOT_RETRY };

/* find_end(), with the claim unless there is an end that stays. Or HELD, or CANNOT_RETRY with err; -1. */
static int claim_or_end(struct vd_supervisor *sup, struct vd_work *work, json_t **document, struct vd_err *err)
{
    int found = find_end(sup, work, document, err);
    if (found < 0 || (found > 0 && !vd_retry_answers(work, *document)))
        return found;
    if (work->claim.fd < 0) {
        json_decref(*document);
        *document = NULL;
        int held = vd_claim_take(&work->claim, sup->setup.roots, work->order.id, err);
        if (held)
            return held < 0 ? -1 : HELD;
        vd_fault_point("claimed");
        found = find_end(sup, work, document, err); /* as whoever had the claim has left it */
    }
    if (found <= 0 || !vd_retry_answers(work, *document))
        return found;
    int begun = vd_retry_begin(sup, work, *document, err);
    json_decref(*document);
    *document = NULL;
    return begun > 0 ? CANNOT_RETRY : begun;
}

/* What claim_or_end() found instead of a job that is to be done. */
static void settle(struct vd_supervisor *sup, struct vd_work *work, int found, json_t *document,
                   const struct vd_err *err)
{
    if (found == HELD)
        hold(work);
    else if (found == CANNOT_RETRY)
        vd_work_fail(sup, work, err);
    else if (found == END)
        vd_work_replay(sup, work, document);
    else
        vd_work_wait_for_host(sup, work, err);
}

void vd_work_look(struct vd_supervisor *sup, struct vd_work *work)
{
    struct vd_err err = {0};
    json_t *document = NULL;
    vd_log_about(work->order.id, work->order.traceparent);
    if (!*work->order.id)
        vd_retry_name(sup, work);
    if (!*work->order.id) {
        work->state = VD_WORK_LOOK; /* a slot reads the digest that its id is made of */
        return;
    }
    int found = claim_or_end(sup, work, &document, &err);
    if (found != NO_END) {
        settle(sup, work, found, document, &err);
        return;
    }
    if (vd_cancelled_has(&sup->cancelled, work->order.id)) {
        vd_work_cancel(sup, work);
        return;
    }
    if (given_up(sup, work))
        return;
    work->alone = work->claim.unended >= ALONE_FROM;
    work->state = VD_WORK_READY;
}

/* The input is not there: was it done, and moved, before? For an order without id nothing else can tell. */
static void look_for_moved(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *missing)
{
    struct vd_err err = {0};
    json_t *document = NULL;
    const struct vd_roots *roots = sup->setup.roots;
    int found = 0;
    if (!*work->order.id)
        found = vd_done_find_path(roots, work->order.root, work->order.path, &document, &err);
    if (!found && !*work->order.id)
        found = vd_commit_find(roots, work->order.root, work->order.path, &document, &err);
    if (found > 0)
        vd_work_replay(sup, work, document);
    else if (found < 0)
        vd_work_wait_for_host(sup, work, &err);
    else
        vd_work_reject(sup, work, missing);
}

static int open_input(struct vd_supervisor *sup, struct vd_work *work, struct vd_err *err)
{
    work->input = vd_root_input(sup->setup.roots, root_of(&work->order), work->order.path, &work->st, err);
    return work->input < 0 ? -1 : 0;
}

static int open_output(struct vd_supervisor *sup, struct vd_work *work, struct vd_err *err)
{
    char folder[VD_ORDER_PATH], where[VD_ORDER_PATH + 16];
    const struct vd_roots *roots = sup->setup.roots;
    sup->host.room = sup->setup.reserve_bytes + work->st.st_size;
    if (vd_roots_ready(roots, sup->host.room, err) < 0)
        return -1;
    sup->host.room = 0;
    int to = vd_folder_open(roots, VD_PROCESSED, folder_of(work->order.path, folder, sizeof folder), true, err);
    if (to < 0)
        return -1;
    snprintf(where, sizeof where, "processed/%s", folder);
    int ret = vd_stage_create_at(&work->stage, to, where, work->order.id, err);
    close(to);
    return ret;
}

static void describe(const struct vd_work *work, const struct vd_supervisor *sup, struct vd_job *job)
{
    const char *dot = strrchr(work->order.path, '.');
    *job = sup->setup.job;
    job->recipe = work->order.recipe;
    snprintf(job->device, sizeof job->device, "%s", work->choice.words);
    snprintf(job->reason, sizeof job->reason, "%s", work->choice.reason);
    job->demanded = work->choice.demanded;
    snprintf(job->extension, sizeof job->extension, "%s", dot ? dot + 1 : "");
    for (char *c = job->extension; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
}

static int check_device(const struct vd_order *order, struct vd_err *err)
{
    if (!*order->device || !strcmp(order->device, "auto") || vd_device_known(order->device))
        return 0;
    return vd_fail(err, VD_USAGE, "open", "device: %s was demanded, and is not in this build; use auto or cpu",
                   order->device);
}

/* It has a device of its own, which the worker may lack and be well. */
static bool demands_device(const struct vd_supervisor *sup, const struct vd_order *order)
{
    return *order->device && strcmp(order->device, "auto") != 0 && strcmp(order->device, sup->setup.device) != 0;
}

/* What the order demands, or what the worker has. VD_UNAVAILABLE, VD_AGAIN: it is not there, not now. */
static int choose_device(struct vd_supervisor *sup, struct vd_work *work, struct vd_err *err)
{
    const char *wanted = work->order.device;
    work->ordered = demands_device(sup, &work->order);
    if (!work->ordered) {
        if (vd_chooser_take(sup->chooser, &work->choice, err) < 0)
            return -1;
        vd_show_device(sup, &work->choice);
        return 0;
    }
    const struct vd_chooser_setup setup = {
        .wanted = wanted, .cache = sup->setup.cache, .limits = &sup->setup.job.limits};
    struct vd_chooser *chooser = vd_chooser_open(&setup, err);
    int ret = chooser ? vd_chooser_take(chooser, &work->choice, err) : -1;
    vd_chooser_close(chooser);
    return ret;
}

void vd_work_start(struct vd_supervisor *sup, struct vd_work *work, struct vd_place *place)
{
    struct vd_err err = {0};
    struct vd_job job;
    vd_log_about(work->order.id, work->order.traceparent);
    work->began = vd_monotonic();
    work->told = 0;
    work->state = VD_WORK_RUNNING;
    if (open_input(sup, work, &err) < 0) {
        if (err.code == VD_NO_INPUT)
            look_for_moved(sup, work, &err);
        else if (err.code == VD_IO)
            vd_work_wait_for_host(sup, work, &err);
        else if (S_ISREG(work->st.st_mode)) /* an empty recording is one that failed */
            vd_work_fail(sup, work, &err);
        else
            vd_work_reject(sup, work, &err);
        return;
    }
    if (!*work->order.id) {
        vd_slot_digest(&place->slot, work->input);
        return;
    }
    if (check_device(&work->order, &err) < 0) { /* it will never be here; other orders can go on */
        vd_work_reject(sup, work, &err);
        return;
    }
    int chosen = choose_device(sup, work, &err);
    if (chosen < 0 && work->ordered && (err.code == VD_UNAVAILABLE || err.code == VD_AGAIN)) {
        vd_work_lacks_device(sup, work, &err);
        return;
    }
    if (chosen < 0 || vd_crew_equip(sup, place, work->choice.words, &err) < 0 || open_output(sup, work, &err) < 0 ||
        vd_claim_begin(&work->claim, sup->setup.worker, &err) < 0) {
        if (err.code == VD_INPUT) /* its path is at odds with what lies in processed: others can go on */
            vd_work_fail(sup, work, &err);
        else
            vd_work_wait_for_host(sup, work, &err);
        return;
    }
    vd_fault_point("started");
    describe(work, sup, &job);
    const struct vd_slot_order order = {
        .job = &job,
        .io = {work->input, work->stage.fd, -1},
        .claim = work->claim.fd,
        .id = work->order.id,
        .trace = work->order.traceparent,
    };
    vd_slot_send(&place->slot, &order); /* a slot that is gone says so by itself */
}

void vd_work_digested(struct vd_supervisor *sup, struct vd_work *work, const char *digest)
{
    vd_work_leave_slot(work);
    vd_job_id(&work->order, digest, work->order.id);
    vd_work_look(sup, work);
}

void vd_work_planned(struct vd_supervisor *sup, struct vd_work *work, const char *container)
{
    vd_log_about(work->order.id, work->order.traceparent);
    vd_target_make(&work->target, work->order.path, container);
    work->planned = true;
    vd_log(VD_LOG_INFO, "started: %s/%s, attempt %d", work->order.root, work->order.path, work->claim.attempts);
    vd_supervisor_tell(sup, work, "running", 0, 0, NULL);
    work->told = vd_monotonic();
}

void vd_work_progress(struct vd_supervisor *sup, struct vd_work *work, const struct vd_media_progress *progress)
{
    double now = vd_monotonic();
    if (!work->planned || now - work->told < 1)
        return;
    work->told = now;
    vd_supervisor_tell(sup, work, "running", progress->fraction, progress->frames, NULL);
}
