/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VIDRIERA_BUS_MESSAGE_H
#define VIDRIERA_BUS_MESSAGE_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

/* To be freed with vd_message_free(). NULL: no memory. */
struct vd_message *vd_message_copy(const rd_kafka_message_t *from, unsigned epoch);

#endif
