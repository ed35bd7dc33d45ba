/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An order that is sent once more (feed.h, VD_RETRY_HEADER): it forgets the end of the one message that it names, if that
 * is the job's end still. Each step may be repeated after a crash: the end is forgotten last. On the supervisor's thread.
 */
#ifndef VIDRIERA_WORKER_RETRY_H
#define VIDRIERA_WORKER_RETRY_H

#include "work.h"

/* Is this the end that the order wants to be forgotten? */
bool vd_retry_answers(const struct vd_work *work, const json_t *document);

/* An order without id gets that of the end that it names, whose recording nobody could take a digest of now. */
void vd_retry_name(struct vd_supervisor *sup, struct vd_work *work);

/*
 * With the claim: the recording comes back, the attempts are none, the end is forgotten; nothing of it when the job is
 * cancelled. 0; 1: its folder keeps the recording, and err tells who may change that: the order ends so. -1: the host's
 * fault.
 */
int vd_retry_begin(struct vd_supervisor *sup, struct vd_work *work, const json_t *document, struct vd_err *err);

#endif
