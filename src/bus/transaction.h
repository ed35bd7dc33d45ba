/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transactional producer and one round of it. The publisher's thread alone; everything blocks. */
#ifndef VIDRIERA_BUS_TRANSACTION_H
#define VIDRIERA_BUS_TRANSACTION_H

#include "publication.h"

#include <stdatomic.h>

struct vd_transactor {
    const struct vd_bus_setup *setup;
    rd_kafka_t *producer; /* NULL: to be made (again) */
    rd_kafka_t *consumer;
    char id[300];
    int timeout_ms;           /* of a transaction, at the broker */
    bool ready;               /* init_transactions is through */
    int fenced;               /* in a row */
    atomic_llong deadline_ms; /* of everything here; INT64_MAX until the end is near */
};

enum vd_outcome_of_round {
    VD_ROUND_COMMITTED,
    VD_ROUND_AGAIN,     /* nothing of it is committed, or it is not known: see vd_publication.uncertain */
    VD_ROUND_TOO_LARGE, /* as AGAIN: the broker refuses a record for its size, see vd_record.refused */
    VD_ROUND_FATAL,     /* no attempt will do */
};

void vd_transactor_init(struct vd_transactor *transactor, const struct vd_bus_setup *setup, rd_kafka_t *consumer);

/* Makes the producer if there is none and gets its id from the broker. VD_ROUND_COMMITTED: it is ready. */
enum vd_outcome_of_round vd_transactor_prepare(struct vd_transactor *transactor, struct vd_err *err);

/* The group's metadata as it is now; NULL: this consumer is no member now. */
rd_kafka_consumer_group_metadata_t *vd_transactor_member(const struct vd_transactor *transactor);

/* All of the list in one transaction. */
enum vd_outcome_of_round vd_transactor_round(struct vd_transactor *transactor, struct vd_publication *list,
                                             const rd_kafka_consumer_group_metadata_t *member, struct vd_err *err);

/* 1: its offset is committed, 0: not, -1: no answer. */
int vd_transactor_committed(const struct vd_transactor *transactor, const struct vd_publication *publication);

void vd_transactor_finish(struct vd_transactor *transactor);

#endif
