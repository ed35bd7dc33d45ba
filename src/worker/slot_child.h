/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child's side of a slot; see include/vidriera/slot.h for the whole story. */
#ifndef VIDRIERA_WORKER_SLOT_CHILD_H
#define VIDRIERA_WORKER_SLOT_CHILD_H

#include "vidriera/device.h"

enum { VD_SLOT_SOCKET = 3 };

/* The device of the greeting, or why there is none. */
struct vd_slot_device {
    char words[64];
    struct vd_device *device;
    struct vd_err err;
};

/* Takes the parent's greeting, opens the device, and locks down. -1: the parent is gone. */
int vd_slot_enter(struct vd_slot_device *opened);

/* The parent's side: what is started instead of this program, for tests. Not copied. */
void vd_slot_program(const char *path);

#endif
