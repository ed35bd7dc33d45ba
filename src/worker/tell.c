/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status messages. */
#include "supervisor_inner.h"

#include "vidriera/now.h"

#include <math.h>
#include <stdlib.h>

/* What is told of every job, whatever its state. NULL: no memory. */
static json_t *status_of(struct vd_supervisor *sup, const struct vd_work *work, const char *state)
{
    char stamp[32], started[32];
    vd_time_text(vd_wall(), stamp);
    vd_time_text(work->started, started);
    json_t *status = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I}", "job", work->order.id, "state", state,
                               "worker", sup->setup.worker, "time", stamp, "started", started, "attempt",
                               work->claim.attempts, "partition", (int)work->message->partition, "offset",
                               (json_int_t)work->message->offset);
    if (*work->order.session)
        json_object_set_new(status, "session", json_string(work->order.session));
    if (*work->order.path)
        json_object_set_new(status, "input",
                            json_pack("{s:s, s:s}", "root", work->order.root, "path", work->order.path));
    return status;
}

static void put_progress(json_t *status, double fraction, int64_t frames, double seconds)
{
    if (fraction >= 0)
        json_object_set_new(status, "fraction", json_real(fraction));
    if (fraction > 0 && fraction < 1)
        json_object_set_new(status, "left_s", json_real(seconds / fraction * (1 - fraction)));
    if (frames > 0) {
        json_object_set_new(status, "frames", json_integer(frames));
        json_object_set_new(status, "fps", json_real((double)frames / fmax(seconds, 1e-3)));
    }
}

void vd_supervisor_tell(struct vd_supervisor *sup, struct vd_work *work, const char *state, double fraction,
                        int64_t frames, const struct vd_err *err)
{
    bool ended = work->state == VD_WORK_PUBLISHING;
    if (!*work->order.id)
        return;
    json_t *status = status_of(sup, work, state);
    put_progress(status, fraction, frames, vd_monotonic() - work->began);
    if (ended && work->err.code)
        json_object_set_new(status, "code", json_string(vd_code_name(work->err.code)));
    if (err)
        json_object_set_new(status, "error",
                            json_pack("{s:s, s:s, s:s, s:s}", "class", vd_code_fate(err->code), "code",
                                      vd_code_name(err->code), "message", err->text, "stage", err->stage));
    char *text = json_dumps(status, JSON_COMPACT);
    json_decref(status);
    if (text)
        vd_bus_status(sup->bus, work->order.id, text);
    free(text);
    work->shown = true;
    if (ended)
        vd_supervisor_untell(sup, work);
}

void vd_supervisor_untell(struct vd_supervisor *sup, struct vd_work *work)
{
    if (work->shown)
        vd_bus_status(sup->bus, work->order.id, NULL);
    work->shown = false;
}
