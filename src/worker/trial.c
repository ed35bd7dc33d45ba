/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trial.h"

#include "vidriera/notify.h"
#include "vidriera/now.h"
#include "vidriera/patience.h"

#include <math.h>
#include <poll.h>
#include <string.h>

enum { EXTEND_S = 3 * VD_PATIENCE_MOST_S /* two sizes, and what goes before */ };

/* Encoders refuse tiny pictures; the second is no multiple of 16, which many pad. */
static const struct vd_media_probe sizes[] = {
    {.width = 640, .height = 368, .codec = VD_CODEC_H264},
    {.width = 640, .height = 362, .codec = VD_CODEC_H264},
};

static int died(const struct vd_slot_message *message, const char *words, struct vd_err *err)
{
    const char *name = message->signal ? sigabbrev_np(message->signal) : NULL;
    if (!message->signal && message->status == VD_SLOT_UNSTARTED)
        return vd_fail(err, VD_AGAIN, "open", "the media process cannot be started; is vidriera installed completely?");
    if (message->signal)
        return vd_fail(err, VD_UNAVAILABLE, "open",
                       "%s: its driver crashed when tried (SIG%s); bring the driver up to date", words,
                       name ? name : "?");
    return vd_fail(err, VD_UNAVAILABLE, "open",
                   "%s: its driver ended the process when tried (status %d); bring the driver up to date", words,
                   message->status);
}

/* The answer to a probe: 0 and *done, the caller's. */
static int wait_for(struct vd_slot *slot, const char *words, json_t **done, struct vd_err *err)
{
    struct vd_patience patience = vd_patience_begin(slot->pid);
    int look_ms = (int)fmin(VD_PATIENCE_LOOK_MS, vd_notify_patience() * 1000);
    while (vd_patience_waits(&patience)) {
        struct vd_slot_message message;
        struct pollfd polled = {.fd = slot->socket, .events = POLLIN};
        vd_notify_alive(vd_monotonic()); /* it ends within a time of its own */
        if (poll(&polled, 1, look_ms) <= 0)
            continue;
        vd_slot_receive(slot, &message);
        switch (message.event) {
        case VD_SLOT_DONE:
            *done = message.report;
            return 0;
        case VD_SLOT_FAILED:
            *err = message.err;
            return -1;
        case VD_SLOT_DIED:
            return died(&message, words, err);
        default:
            break;
        }
    }
    return vd_fail(err, VD_UNAVAILABLE, "open",
                   "%s: no answer within %.0f s when tried: its driver hangs; bring the driver up to date", words,
                   vd_patience_spent(&patience));
}

static int probe_one(struct vd_slot *slot, const struct vd_slot_setup *setup, const struct vd_media_probe *probe,
                     json_t **done, struct vd_err *err)
{
    vd_slot_probe(slot, probe, setup->limits); /* when it is gone, the next message says how */
    return wait_for(slot, setup->device, done, err);
}

int vd_trial_run(const struct vd_slot_setup *setup, json_t **report, struct vd_err *err)
{
    struct vd_slot slot;
    vd_notify_extend(EXTEND_S);
    int ret = vd_slot_start(&slot, setup, err);
    *report = json_array();
    for (size_t i = 0; ret == 0 && i < sizeof sizes / sizeof *sizes; i++) {
        json_t *done = NULL;
        ret = probe_one(&slot, setup, &sizes[i], &done, err);
        if (ret < 0)
            break;
        json_object_set_new(done, "width", json_integer(sizes[i].width));
        json_object_set_new(done, "height", json_integer(sizes[i].height));
        json_array_append_new(*report, done);
    }
    vd_slot_stop(&slot);
    return ret;
}

json_t *vd_trial_codecs(const struct vd_slot_setup *setup)
{
    static const struct {
        const char *name;
        struct vd_media_probe probe;
    } rows[] = {
        {"h264", {.width = 640, .height = 368, .codec = VD_CODEC_H264}},
        {"hevc", {.width = 640, .height = 368, .codec = VD_CODEC_HEVC}},
        {"hevc", {.width = 640, .height = 368, .codec = VD_CODEC_HEVC, .deep = true}},
        {"av1", {.width = 640, .height = 368, .codec = VD_CODEC_AV1}},
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vd_slot slot;
        struct vd_err err = {0};
        json_t *done = NULL;
        int ret = vd_slot_start(&slot, setup, &err);
        if (ret == 0)
            ret = probe_one(&slot, setup, &rows[i].probe, &done, &err);
        vd_slot_stop(&slot);
        if (ret < 0)
            done = json_pack("{s:s}", "error", err.text);
        json_object_set_new(done, "codec", json_string(rows[i].name));
        json_object_set_new(done, "bits", json_integer(rows[i].probe.deep ? 10 : 8));
        json_array_append_new(list, done);
    }
    return list;
}
