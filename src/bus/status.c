/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include "kafka_conf.h"

#include <string.h>

rd_kafka_t *vd_status_open(const struct vd_bus_setup *setup, struct vd_err *err)
{
    const struct vd_pair ours[] = {
        {"acks", "1"},
        {"message.timeout.ms", "5000"},
        {"queue.buffering.max.messages", "1000"},
        {"queue.buffering.max.kbytes", "1024"},
    };
    rd_kafka_conf_t *conf = vd_kafka_conf(setup, "status", err);
    if (!conf)
        return NULL;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (vd_kafka_conf_set(conf, ours[i].name, ours[i].value, err) < 0) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    return vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
}

void vd_status_send(rd_kafka_t *rk, const char *job, const char *text)
{
    size_t size = text ? strlen(text) : 0;
    /* its queue is full while no broker answers */
    if (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(vd_topic_name(VD_TOPIC_STATUS)), RD_KAFKA_V_KEY(job, strlen(job)),
                          RD_KAFKA_V_VALUE((void *)text, size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
}

void vd_status_close(rd_kafka_t *rk, int timeout_ms)
{
    if (!rk)
        return;
    rd_kafka_flush(rk, timeout_ms);
    rd_kafka_destroy(rk);
}
