/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lookup.h"

rd_kafka_resp_err_t vd_topic_look_up(rd_kafka_t *rk, enum vd_topic topic, int timeout_ms, rd_kafka_resp_err_t *answer,
                                     int *partitions)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, vd_topic_name(topic), NULL);
    if (!handle)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (code)
        return code;
    bool told = metadata->topic_cnt == 1;
    *answer = told ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *partitions = told ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
