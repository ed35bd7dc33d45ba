/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One JSON object a message, with descriptors beside it, over a SOCK_SEQPACKET socket. Both sides of a slot use it. */
#ifndef VIDRIERA_WORKER_WIRE_H
#define VIDRIERA_WORKER_WIRE_H

#include <jansson.h>

enum { VD_WIRE_BYTES = 128 * 1024, VD_WIRE_FDS = 4 };

/* Takes the object. -1 when the other side is gone or it does not fit. */
int vd_wire_send(int socket, json_t *object, const int *fds, int count);

/* Waits. A new object, with up to VD_WIRE_FDS descriptors (close-on-exec) and their count; NULL when the other side is
 * gone or does not keep to the form. */
json_t *vd_wire_receive(int socket, int fds[VD_WIRE_FDS], int *count);

#endif
