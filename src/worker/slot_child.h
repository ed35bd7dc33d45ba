/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child's side of a slot; see include/vidriera/slot.h for the whole story. */
#ifndef VIDRIERA_WORKER_SLOT_CHILD_H
#define VIDRIERA_WORKER_SLOT_CHILD_H

/* Runs jobs from the socket until the parent closes it. Returns the exit status. */
int vd_slot_child(int socket);

#endif
