/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket that clients come to. */
#ifndef VIDRIERA_WEB_LISTEN_H
#define VIDRIERA_WEB_LISTEN_H

#include "server.h"

/* Returns the descriptor, and fills web->address and *port. -1: VD_CONFIG; errno is EADDRINUSE when it is
 * taken. */
int vd_listen(struct vd_web *web, const struct sockaddr_storage *address, socklen_t size, uint16_t *port,
              struct vd_err *err);

#endif
