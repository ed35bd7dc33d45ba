/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways in which a work can end; see work.h. The supervisor's thread. */
#ifndef VIDRIERA_WORKER_WORK_END_H
#define VIDRIERA_WORKER_WORK_END_H

#include "work.h"

/* It was never run and cannot be: its message or its input is wrong. */
void vd_work_reject(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err);

/* It ran, and can never succeed. */
void vd_work_fail(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err);

/* It has an end already, which may not have been published. Takes the document. */
void vd_work_replay(struct vd_supervisor *sup, struct vd_work *work, json_t *document);

/* Back to waiting: until the host is well again. */
void vd_work_wait_for_host(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err);

/* The device that its order demands is not here: again later, as after any fault that may pass. No attempt was begun. */
void vd_work_lacks_device(struct vd_supervisor *sup, struct vd_work *work, const struct vd_err *err);

/* Members of an order that an end keeps in replay.order, up to a NULL. */
extern const char *const vd_replay_order[];

/* Closes what only an attempt needs. */
void vd_work_leave_slot(struct vd_work *work);

#endif
