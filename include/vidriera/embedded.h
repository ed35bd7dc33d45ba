/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The embedded broker of `vidriera run`: librdkafka's mock cluster in this process, on a random port of loopback. It
 * forgets everything at its end, keeps 5 MiB a partition and drops what is older silently, and does not hide aborted
 * transactions: whoever uses it keeps little on it and its own state elsewhere.
 */
#ifndef VIDRIERA_EMBEDDED_H
#define VIDRIERA_EMBEDDED_H

#include "vidriera/err.h"

struct vd_embedded;

/* With the topics of section 5. VD_UNAVAILABLE: it cannot listen. */
int vd_embedded_open(struct vd_embedded **embedded, struct vd_err *err);

/* "127.0.0.1:port". */
const char *vd_embedded_address(const struct vd_embedded *embedded);

/* After every client of it is closed. Accepts NULL. */
void vd_embedded_close(struct vd_embedded *embedded);

#endif
