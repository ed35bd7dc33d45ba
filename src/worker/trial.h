/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device tried in a slot of its own: a driver may crash or hang there. Blocks; one thread. */
#ifndef VIDRIERA_WORKER_TRIAL_H
#define VIDRIERA_WORKER_TRIAL_H

#include "vidriera/slot.h"

/*
 * A few pictures of two sizes go through, each size in the time that vidriera/patience.h grants, the opening of the device
 * included. *report is a new array, an object a size as far as it came: {width, height} and what vd_media_probe() reports;
 * NULL: no memory. -1 and *err: VD_AGAIN, the device is busy, or the machine; else why it does not work.
 */
int vd_trial_run(const struct vd_slot_setup *setup, json_t **report, struct vd_err *err);

/*
 * Which codecs go in and out, each in a slot of its own: a new array of {codec, bits} with what vd_media_probe() reports
 * (encoder, decoder …), or with "error", why not. NULL: no memory.
 */
json_t *vd_trial_codecs(const struct vd_slot_setup *setup);

#endif
