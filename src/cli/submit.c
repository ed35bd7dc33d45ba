/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera submit`: jobs by hand. What no broker takes is kept in the spool. */
#include "submit.h"

#include "services.h"

#include "vidriera/state.h"

#include <string.h>

enum {
    TAKE_MS = 5000,  /* for a broker to take an order */
    ANSWER_MS = 5000 /* for a broker to answer at all */
};

/* Where the orders go. */
struct delivery {
    struct vd_submission *submission;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_sender *sender; /* NULL: into the spool */
    struct vd_follower *follower;
    struct vd_err why_not; /* no sender */
};

static void spool(struct vd_submission *submission, struct vd_submitted *item, const char *why_not)
{
    struct vd_err err;
    if (vd_spool_put(&submission->roots, item->job, item->text, &err) < 0) {
        vd_submit_fail(submission, item, err.code, err.text);
        return;
    }
    item->state = VD_SUBMIT_GIVEN;
    vd_log(VD_LOG_WARNING, "%s: kept in the spool; delivered when a broker is back (%s)", item->path, why_not);
}

static void take_sent(void *opaque, const char *job, bool acknowledged, const char *why_not)
{
    struct vd_submission *submission = opaque;
    struct vd_submitted *item = vd_submit_find(submission, job);
    if (!item)
        return;
    if (!acknowledged) {
        spool(submission, item, why_not);
        return;
    }
    item->state = VD_SUBMIT_GIVEN;
    vd_log(VD_LOG_INFO, "%s: job %s", item->path, job);
}

/* No broker is no failure, and leaves the delivery without a sender. What comes of jobs is followed from before they
 * are sent. */
static int open_delivery(struct delivery *delivery, struct vd_submission *submission, struct vd_err *err)
{
    const struct vd_settings *settings = submission->settings;
    delivery->submission = submission;
    if (vd_services_bus(settings, &submission->roots, &delivery->bus, &delivery->embedded, &delivery->why_not) < 0) {
        if (!strcmp(delivery->why_not.stage, "broker"))
            return 0;
        *err = delivery->why_not;
        return -1;
    }
    if (settings->wait && vd_follower_open(&delivery->follower, &delivery->bus, ANSWER_MS, &delivery->why_not) < 0) {
        if (delivery->why_not.code == VD_UNAVAILABLE)
            return 0;
        *err = delivery->why_not;
        return -1;
    }
    return vd_sender_open(&delivery->sender, &delivery->bus, TAKE_MS, take_sent, submission, err);
}

static void deliver(struct delivery *delivery, struct vd_submitted *item)
{
    struct vd_err err = {0};
    int ret = -1;
    if (!delivery->sender) {
        spool(delivery->submission, item, delivery->why_not.text);
        return;
    }
    while ((ret = vd_sender_send(delivery->sender, item->job, item->text, NULL, &err)) < 0 && err.code == VD_AGAIN)
        vd_sender_poll(delivery->sender, 100);
    if (ret < 0)
        spool(delivery->submission, item, err.text);
    vd_sender_poll(delivery->sender, 0);
}

static void deliver_all(struct delivery *delivery)
{
    struct vd_submission *submission = delivery->submission;
    for (int i = 0; i < submission->count; i++) {
        struct vd_submitted *item = &submission->items[i];
        struct vd_err err;
        if (vd_submit_order(submission, item, &err) == 0)
            deliver(delivery, item);
        else
            vd_submit_fail(submission, item, err.code, err.text);
    }
    while (delivery->sender && vd_sender_poll(delivery->sender, 1000) > 0)
        ;
}

static int submit(struct vd_submission *submission, const struct vd_settings *settings, struct vd_err *err)
{
    struct delivery delivery = {0};
    if (settings->json && !settings->wait)
        return vd_fail(err, VD_USAGE, "", "--json: there is no result before the job is over; add --wait");
    if (vd_submit_open(submission, settings, err) < 0)
        return -1;
    for (int i = 0; i < settings->input_count; i++)
        if (vd_submit_add(submission, settings->inputs[i], err) < 0)
            return -1;
    vd_submit_sort(submission);
    int ret = open_delivery(&delivery, submission, err);
    if (ret == 0)
        deliver_all(&delivery);
    vd_sender_close(delivery.sender);
    if (ret == 0 && settings->wait)
        ret = vd_submit_wait(submission, delivery.follower, err);
    vd_follower_close(delivery.follower);
    return ret;
}

int vd_cmd_submit(const struct vd_command *self, int argc, char **argv)
{
    struct vd_submission submission = {.roots = VD_ROOTS_NONE};
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    bool ready = ret == 0;
    if (ready)
        ret = submit(&submission, &settings, &err);
    int status = ready && ret == 0 ? submission.status : vd_command_end(ret, &err);
    vd_submit_close(&submission);
    vd_settings_finish(&settings);
    return status;
}
