/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status messages, best effort: what finds no room is left out. The loop's; nothing blocks but the close. */
#ifndef VIDRIERA_BUS_STATUS_H
#define VIDRIERA_BUS_STATUS_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

/* NULL: see err. */
rd_kafka_t *vd_status_open(const struct vd_bus_setup *setup, struct vd_err *err);
void vd_status_send(rd_kafka_t *rk, const char *job, const char *text);

/* What is on its way gets there within that time, or not at all. Accepts NULL. */
void vd_status_close(rd_kafka_t *rk, int timeout_ms);

#endif
