/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VIDRIERA_BUS_LOOKUP_H
#define VIDRIERA_BUS_LOOKUP_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

/*
 * Asks a broker for a topic. Blocks for at most that time. Returns what hinders the question (no broker); else *answer
 * is what the broker says of the topic (there is none, it is not for us), and *partitions how many it has.
 */
rd_kafka_resp_err_t vd_topic_look_up(rd_kafka_t *rk, enum vd_topic topic, int timeout_ms, rd_kafka_resp_err_t *answer,
                                     int *partitions);

#endif
