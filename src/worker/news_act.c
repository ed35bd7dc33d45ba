/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people ask for: a job is cancelled, or tried again. */
#include "work_end.h"

#include "vidriera/feed.h"
#include "vidriera/news.h"
#include "vidriera/now.h"
#include "vidriera/result.h"
#include "vidriera/sender.h"
#include "vidriera/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    bool told, acknowledged;
    char why_not[320];
};

static void on_sent(void *opaque, const char *job, bool acknowledged, const char *why_not)
{
    struct answer *answer = opaque;
    (void)job;
    answer->told = true;
    answer->acknowledged = acknowledged;
    snprintf(answer->why_not, sizeof answer->why_not, "%s", why_not ? why_not : "");
}

int vd_job_cancel(const struct vd_bus_setup *setup, const char *job, int timeout_ms, struct vd_err *err)
{
    struct answer answer = {0};
    struct vd_sender *sender;
    double until = vd_monotonic() + timeout_ms / 1000.0;
    if (!vd_job_id_valid(job))
        return vd_fail(err, VD_NO_INPUT, "", "%.80s is no job's id; take one of the list", job);
    if (vd_sender_open(&sender, setup, timeout_ms, on_sent, &answer, err) < 0)
        return -1;
    int ret = vd_sender_control(sender, job, "cancel", err);
    for (double left = timeout_ms; ret == 0 && !answer.told && left > 0; left = (until - vd_monotonic()) * 1000)
        vd_sender_poll(sender, (int)left);
    vd_sender_close(sender); /* tells what is not acknowledged */
    if (ret == 0 && !answer.acknowledged)
        ret = vd_fail(err, VD_UNAVAILABLE, "kafka", "%s is not cancelled: %s; try again", job, answer.why_not);
    return ret;
}

const char *const vd_replay_order[] = {"output", "device", NULL};

static void take(json_t *order, const json_t *from, const char *name)
{
    json_t *member = json_object_get(from, name);
    if (member && !json_is_null(member))
        json_object_set(order, name, member);
}

/* The order that the document answers. New; NULL: no memory. */
static json_t *order_of(const json_t *document)
{
    static const char *const members[] = {"session", "effect", "meta"};
    const json_t *input = json_object_get(document, "input");
    json_t *order = json_pack("{s:O, s:{s:O, s:O}}", "id", json_object_get(document, "job"), "input", "root",
                              json_object_get(input, "root"), "path", json_object_get(input, "path"));
    for (size_t i = 0; order && i < sizeof members / sizeof *members; i++)
        take(order, document, members[i]);
    for (size_t i = 0; order && vd_replay_order[i]; i++)
        take(order, json_object_get(json_object_get(document, "replay"), "order"), vd_replay_order[i]);
    return order;
}

static int order_anew(const struct vd_bus_setup *setup, const json_t *document, const char *job, int timeout_ms,
                      struct vd_err *err)
{
    char origin[VD_ORIGIN];
    struct vd_replay replay;
    enum vd_status status;
    const char *word = json_string_value(json_object_get(document, "status"));
    const json_t *input = json_object_get(document, "input");
    if (!word || vd_status_parse(word, &status) < 0 || (status != VD_FAILED && status != VD_REJECTED))
        return vd_fail(err, VD_NO_INPUT, "", "%s has not failed: there is nothing to retry", job);
    if (vd_replay_get(document, &replay) < 0 ||
        !json_is_object(json_object_get(json_object_get(document, "replay"), "order")) ||
        !json_is_string(json_object_get(input, "root")) || !json_is_string(json_object_get(input, "path")))
        return vd_fail(err, VD_NO_INPUT, "", "%s: what is remembered of it makes no order; send one anew", job);
    snprintf(origin, sizeof origin, "%s-%" PRId32 "-%" PRId64, replay.topic, replay.partition, replay.offset);
    json_t *order = order_of(document);
    char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
    int ret = text ? vd_order_again(setup, job, text, origin, timeout_ms, err)
                   : vd_fail(err, VD_AGAIN, "", "no memory for an order; free some");
    free(text);
    json_decref(order);
    return ret;
}

int vd_job_retry(const struct vd_bus_setup *setup, const struct vd_roots *roots, const char *job, int timeout_ms,
                 struct vd_err *err)
{
    json_t *document = NULL;
    struct vd_err state;
    double until = vd_monotonic() + timeout_ms / 1000.0;
    if (vd_letter_retry(setup, job, timeout_ms, err) == 0)
        return 0;
    if ((err->code != VD_NO_INPUT && err->code != VD_INPUT) || !roots ||
        vd_done_find(roots, job, &document, &state) <= 0)
        return -1;
    int left = (int)((until - vd_monotonic()) * 1000);
    int ret = order_anew(setup, document, job, left > 1 ? left : 1, err);
    json_decref(document);
    return ret;
}
