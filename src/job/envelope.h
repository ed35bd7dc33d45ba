/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Kafka message as it comes: CloudEvents 1.0 in binary mode (the value is the data), in structured mode (the value is
 * the event, with the data in it), or JSON alone. Any thread.
 */
#ifndef VIDRIERA_JOB_ENVELOPE_H
#define VIDRIERA_JOB_ENVELOPE_H

#include "vidriera/order.h"

struct vd_envelope {
    json_t *data;               /* an object, new */
    char traceparent[VD_TRACE]; /* empty: none */
};

/*
 * VD_USAGE: there is no data, or more, deeper or other than an order may be. VD_AGAIN: no memory. traceparent is filled
 * whatever the result, as far as it could be read.
 */
int vd_envelope_open(struct vd_envelope *envelope, const void *value, size_t size, const struct vd_header *headers,
                     int count, struct vd_err *err);

#endif
