/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What librdkafka said last about its brokers, for whoever has to say why none answers. One thread: it is written while
 * the handle is polled. */
#ifndef VIDRIERA_BUS_LAST_ERROR_H
#define VIDRIERA_BUS_LAST_ERROR_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

struct vd_last_error {
    rd_kafka_resp_err_t code; /* RD_KAFKA_RESP_ERR_NO_ERROR: nothing was said */
    char text[200];
};

/* Takes conf's error callback and its opaque pointer, which must point to a struct that begins with *last. */
void vd_last_error_watch(rd_kafka_conf_t *conf, struct vd_last_error *last);

/* No broker answered within the time: VD_UNAVAILABLE; VD_CONFIG when one did, and refused our login. */
int vd_last_error_fail(const struct vd_last_error *last, const struct vd_bus_setup *setup, int timeout_ms,
                       struct vd_err *err);

/*
 * What a broker's refusal means, in plain words, as the end of a line: "this user may not write to it; allow Write on
 * topic vidriera.jobs". may: the operation that was refused, as Kafka's access lists name it.
 */
void vd_refusal_words(rd_kafka_resp_err_t code, const char *may, enum vd_topic topic, char *text, size_t size);

#endif
