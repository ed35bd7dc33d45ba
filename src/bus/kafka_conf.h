/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration of every client that is opened in this folder: the user's pairs, then what is ours. Any thread.
 */
#ifndef VIDRIERA_KAFKA_CONF_H
#define VIDRIERA_KAFKA_CONF_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

/*
 * The user's pairs, client.id "vidriera-<client>" unless they name one, and librdkafka's lines to vd_log(). The caller
 * owns it (rd_kafka_conf_destroy). NULL: VD_CONFIG.
 */
rd_kafka_conf_t *vd_kafka_conf(const struct vd_bus_setup *setup, const char *client, struct vd_err *err);

/* One of ours, whatever the user gave. VD_CONFIG. */
int vd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct vd_err *err);

/* One of ours unless the user gave that name. VD_CONFIG. */
int vd_kafka_conf_default(rd_kafka_conf_t *conf, const struct vd_bus_setup *setup, const char *name, const char *value,
                          struct vd_err *err);

/* Takes *conf, even on failure. NULL: VD_CONFIG, or VD_AGAIN when the system has no more threads. */
rd_kafka_t *vd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t **conf, struct vd_err *err);

#endif
