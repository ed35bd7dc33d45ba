/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is sent for one order: up to three records and its offset. Owned by whoever holds it: the supervisor, the
 * publisher's thread, or an event between them.
 */
#ifndef VIDRIERA_BUS_PUBLICATION_H
#define VIDRIERA_BUS_PUBLICATION_H

#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

enum vd_record_kind { VD_RECORD_RESULT, VD_RECORD_DEAD_LETTER, VD_RECORD_TOMBSTONE, VD_RECORDS };

struct vd_record {
    bool wanted;
    void *key, *value; /* value NULL: none, as the original has none, or a tombstone */
    size_t key_size, value_size;
    size_t original_size;        /* of the value, before it was cut */
    bool cut;                    /* the value is not whole, or headers were left out */
    rd_kafka_headers_t *headers; /* of the original; ours are added when it is sent */
    rd_kafka_resp_err_t refused; /* what the broker said to the last attempt */
};

struct vd_publication {
    struct vd_publication *next;
    int32_t partition;
    int64_t offset;
    unsigned epoch;
    struct vd_record records[VD_RECORDS];
    char *job, *status, *traceparent;
    char time[32];
    struct vd_err reason; /* of a dead letter */
    int attempt;
    bool uncertain; /* a commit was under way when its transaction failed: look before it is sent again */
    void *opaque;
};

/* The topic, and all headers that the record is sent with; the caller owns them. source: this worker. */
const char *vd_record_topic(enum vd_record_kind kind);
rd_kafka_headers_t *vd_record_headers(const struct vd_publication *publication, enum vd_record_kind kind,
                                      const char *source);

/*
 * Makes a record smaller that was refused for its size: a dead letter loses its tail, then its headers; a result becomes
 * one that says so. False: it cannot be any smaller; the record is not wanted any more.
 */
bool vd_record_shrink(struct vd_publication *publication, enum vd_record_kind kind);

#endif
