/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "retry.h"

#include "supervisor_inner.h"

#include "vidriera/archive.h"
#include "vidriera/fault.h"
#include "vidriera/feed.h"
#include "vidriera/log.h"
#include "vidriera/result.h"
#include "vidriera/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* NULL: the order has none. */
static const struct vd_header *find_header(const struct vd_message *message)
{
    for (int i = message->header_count - 1; i >= 0; i--)
        if (!strcmp(message->headers[i].name, VD_RETRY_HEADER) && message->headers[i].value)
            return &message->headers[i];
    return NULL;
}

bool vd_retry_answers(const struct vd_work *work, const json_t *document)
{
    char origin[VD_ORIGIN];
    struct vd_replay replay;
    enum vd_status status;
    const struct vd_header *header = find_header(work->message);
    const char *word = json_string_value(json_object_get(document, "status"));
    if (!header || !word || vd_status_parse(word, &status) < 0 || status == VD_COMPLETED ||
        vd_replay_get(document, &replay) < 0)
        return false;
    int size = snprintf(origin, sizeof origin, "%s-%" PRId32 "-%" PRId64, replay.topic, replay.partition,
                        replay.offset);
    return size > 0 && (size_t)size == header->size && !memcmp(origin, header->value, header->size);
}

void vd_retry_name(struct vd_supervisor *sup, struct vd_work *work)
{
    struct vd_err err;
    json_t *document;
    const struct vd_order *order = &work->order;
    if (!find_header(work->message) ||
        vd_done_find_path(sup->setup.roots, order->root, order->path, &document, &err) <= 0)
        return;
    const char *job = json_string_value(json_object_get(document, "job"));
    if (job && vd_job_id_valid(job) && vd_retry_answers(work, document)) {
        snprintf(work->order.id, sizeof work->order.id, "%s", job);
        vd_log_about(work->order.id, work->order.traceparent);
    }
    json_decref(document);
}

/* Nothing is opened: what the end tells of the recording goes into whatever end this order gets. */
static void know_recording(struct vd_work *work, const json_t *document)
{
    struct vd_replay replay;
    if (vd_replay_get(document, &replay) < 0)
        return;
    work->st = (struct stat){
        .st_dev = replay.dev,
        .st_ino = replay.inode,
        .st_size = replay.bytes,
        .st_mtim = {.tv_sec = replay.mtime_ns / 1000000000, .tv_nsec = replay.mtime_ns % 1000000000}};
}

/* As vd_retry_begin(). */
static int bring_back(struct vd_supervisor *sup, struct vd_work *work, const json_t *document, struct vd_err *err)
{
    struct vd_err why = {0};
    switch (vd_restore(sup->setup.roots, document, &why)) {
    case VD_ARCHIVE_CANNOT:
        know_recording(work, document);
        vd_fail(err, VD_INPUT, "open", "it cannot be tried again: %s", why.text);
        return 1;
    case VD_ARCHIVE_LATER:
        *err = why;
        return -1;
    case VD_ARCHIVE_CHANGED:
        vd_log(VD_LOG_WARNING, "another file has the recording's place: that one is processed");
        return 0;
    case VD_ARCHIVE_MOVED:
    case VD_ARCHIVE_GONE: /* the attempt will tell */
        return 0;
    }
    return 0;
}

int vd_retry_begin(struct vd_supervisor *sup, struct vd_work *work, const json_t *document, struct vd_err *err)
{
    if (vd_cancelled_has(&sup->cancelled, work->order.id)) {
        know_recording(work, document);
        return 0;
    }
    int ret = bring_back(sup, work, document, err);
    if (ret)
        return ret;
    vd_log(VD_LOG_INFO, "tried again: its end, as %s, is forgotten",
           json_string_value(json_object_get(document, "status")));
    vd_fault_point("restored");
    if (vd_claim_reset(&work->claim, err) < 0)
        return -1;
    vd_fault_point("reset");
    if (vd_done_forget(sup->setup.roots, work->order.id, err) < 0)
        return -1;
    vd_fault_point("forgotten");
    return 0;
}
