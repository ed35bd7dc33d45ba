/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose fault it is that an attempt failed: the job's, the device's, the host's, or one that may pass. */
#include "supervisor_inner.h"
#include "work_end.h"

#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double shortest_backoff = 1, longest_backoff = 60;

/* What a slot says has no names in it: it knows none. */
static void name_input(const struct vd_work *work, const struct vd_err *said, struct vd_err *err)
{
    bool told = !*said->stage || !strcmp(said->stage, "open");
    vd_fail(err, said->code, said->stage, "%s/%s: %s%s%s", work->order.root, work->order.path, told ? "" : said->stage,
            told ? "" : ": ", said->text);
}

static void back_off(struct vd_work *work)
{
    double pause = shortest_backoff;
    vd_work_leave_slot(work);
    for (int i = 0; i < work->retries && pause < longest_backoff; i++)
        pause *= 2;
    work->due = vd_monotonic() + pause * (0.75 + 0.5 * (double)rand() / RAND_MAX); /* not all at once */
    work->state = VD_WORK_BACKOFF;
    work->retries++;
    vd_metric_add(VD_METRIC_RETRIES, 1, NULL, NULL);
}

static bool has_attempts_left(const struct vd_supervisor *sup, const struct vd_work *work)
{
    return work->retries + 1 < sup->setup.attempts;
}

void vd_work_lacks_device(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    struct vd_err named;
    name_input(work, err, &named);
    if (!has_attempts_left(sup, work)) {
        vd_work_fail(sup, work, &named);
        return;
    }
    vd_log(VD_LOG_WARNING, "%s; looking for it again", named.text);
    back_off(work);
    vd_supervisor_tell(sup, work, "retrying", -1, 0, &named);
}

/* It was the device, and there is another one: the job begins anew there. */
static bool falls_back(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    const struct vd_choice *choice = &work->choice;
    char backend[sizeof choice->words];
    if (choice->demanded && !work->ordered) /* of several that fit the words another one may be next */
        vd_chooser_failed(sup->chooser, choice->words, err, vd_monotonic());
    if (!*work->order.id || choice->demanded || !*choice->words || !strcmp(choice->words, "cpu"))
        return false;
    vd_chooser_failed(sup->chooser, choice->words, err, vd_monotonic());
    vd_log(VD_LOG_WARNING, "%s: %s; the job begins anew on the next device", choice->words, err->text);
    vd_show_backend(choice->words, backend, sizeof backend);
    vd_metric_add(VD_METRIC_FALLBACKS, 1, backend, NULL);
    vd_claim_end(&work->claim, "device", false);
    vd_work_leave_slot(work);
    work->state = VD_WORK_READY;
    return true;
}

void vd_work_failed(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err)
{
    vd_log_about(work->order.id, work->order.traceparent);
    if (vd_chooser_blames(err) && falls_back(sup, work, err))
        return;
    struct vd_err named;
    const char *fate = vd_code_fate(err->code);
    if (work->ordered && err->code == VD_UNAVAILABLE) /* other orders do without that device */
        fate = "retry";
    if (work->choice.demanded && !work->ordered && err->code == VD_AGAIN && vd_chooser_blames(err))
        fate = "host"; /* it is busy, for every other job too */
    name_input(work, err, &named);
    if (!strcmp(fate, "host")) {
        vd_claim_end(&work->claim, "host", false);
        vd_work_wait_for_host(sup, work, &named);
        return;
    }
    vd_host_well(&sup->host);
    if (strcmp(fate, "retry") || !has_attempts_left(sup, work)) {
        vd_claim_end(&work->claim, "failed", false);
        vd_work_fail(sup, work, &named);
        return;
    }
    vd_log(VD_LOG_WARNING, "attempt %d did not succeed: %s; trying again", work->claim.attempts, named.text);
    vd_claim_end(&work->claim, "retry", false);
    back_off(work);
    vd_supervisor_tell(sup, work, "retrying", -1, 0, &named);
}

void vd_work_died(struct vd_supervisor *sup, struct vd_work *work, const char *how, bool overdue)
{
    struct vd_err err;
    vd_log_about(work->order.id, work->order.traceparent);
    vd_log(VD_LOG_WARNING, "the media process ended: %s", how);
    if (!*work->order.id) { /* it only read the file: nothing can be recorded against a job without a name */
        vd_fail(&err, VD_DEFECT, "open", "the media process ended: %s", how);
        vd_work_failed(sup, work, &err);
        return;
    }
    vd_fail(&err, VD_UNAVAILABLE, "", "the media process ended: %s", how);
    if (!overdue && falls_back(sup, work, &err))
        return;
    vd_claim_end(&work->claim, how, true);
    vd_work_leave_slot(work);
    work->due = vd_monotonic() + shortest_backoff;
    work->state = VD_WORK_BACKOFF;
    vd_metric_add(VD_METRIC_RETRIES, 1, NULL, NULL);
    vd_supervisor_tell(sup, work, "retrying", -1, 0, &err);
}
