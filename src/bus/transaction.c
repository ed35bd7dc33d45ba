/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transaction.h"

#include "deadline.h"
#include "kafka_conf.h"

#include "vidriera/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    STATIC_MS = 60000,  /* with an instance name the next start ends what a crash left open */
    DYNAMIC_MS = 10000, /* without one nobody does: readers wait for so long at most */
    SLICE_MS = 1000,
    LOOK_MS = 5000,
    GRACE_MS = 5000, /* after the broker has ended a transaction by itself */
    FENCED_MAX = 3,
};

void vd_transactor_init(struct vd_transactor *transactor, const struct vd_bus_setup *setup, rd_kafka_t *consumer)
{
    uint64_t random[2] = {(uintptr_t)transactor, (uint64_t)vd_monotonic_ms()};
    bool named = setup->instance && *setup->instance;
    *transactor = (struct vd_transactor){.setup = setup, .consumer = consumer, .deadline_ms = INT64_MAX};
    transactor->timeout_ms = named ? STATIC_MS : DYNAMIC_MS;
    if (named) {
        snprintf(transactor->id, sizeof transactor->id, "%s-%s", setup->group, setup->instance);
        return;
    }
    if (getrandom(random, sizeof random, 0) < 0)
        vd_log(VD_LOG_DEBUG, "kafka: no random numbers; the transactional id is made of time and place");
    snprintf(transactor->id, sizeof transactor->id, "%s-%016" PRIx64 "%016" PRIx64, setup->group, random[0], random[1]);
}

static int slice(const struct vd_transactor *transactor, int most)
{
    int left = vd_left_ms(transactor->deadline_ms);
    return left < most ? left : most;
}

static bool ending(const struct vd_transactor *transactor)
{
    return vd_left_ms(transactor->deadline_ms) == 0;
}

/* On the publisher's thread, from inside rd_kafka_flush(). */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct vd_record *record = message->_private;
    (void)rk;
    (void)opaque;
    if (record)
        record->refused = message->err;
}

static int configure(const struct vd_transactor *transactor, rd_kafka_conf_t *conf, struct vd_err *err)
{
    char transaction[16], message[16], socket[16];
    snprintf(transaction, sizeof transaction, "%d", transactor->timeout_ms);
    snprintf(message, sizeof message, "%d", transactor->timeout_ms - 1000);
    snprintf(socket, sizeof socket, "%d", transactor->timeout_ms - 100);
    const struct vd_pair ours[] = {
        {"transactional.id", transactor->id}, {"transaction.timeout.ms", transaction}, {"message.timeout.ms", message},
        {"socket.timeout.ms", socket},        {"enable.idempotence", "true"},          {"acks", "all"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (vd_kafka_conf_set(conf, ours[i].name, ours[i].value, err) < 0)
            return -1;
    if (vd_kafka_conf_default(conf, transactor->setup, "linger.ms", "0", err) < 0)
        return -1;
    /* a transaction right after another is told to wait a little: not the 100 ms of the default */
    return vd_kafka_conf_default(conf, transactor->setup, "retry.backoff.ms", "10", err);
}

static int make_producer(struct vd_transactor *transactor, struct vd_err *err)
{
    rd_kafka_conf_t *conf = vd_kafka_conf(transactor->setup, "publisher", err);
    if (!conf)
        return -1;
    if (configure(transactor, conf, err) < 0) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    transactor->ready = false;
    transactor->producer = vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
    return transactor->producer ? 0 : -1;
}

static void drop_producer(struct vd_transactor *transactor)
{
    if (transactor->producer)
        rd_kafka_destroy(transactor->producer);
    transactor->producer = NULL;
    transactor->ready = false;
}

static bool forbidden(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

/* Takes the error. Says what it means for the round; a producer that is beyond use is given up. */
static enum vd_outcome_of_round judge(struct vd_transactor *transactor, rd_kafka_error_t *error, struct vd_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool fatal = rd_kafka_error_is_fatal(error);
    char why[200];
    snprintf(why, sizeof why, "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    vd_log(VD_LOG_DEBUG, "kafka: transaction: %s (%s%s)", why, rd_kafka_err2name(code), fatal ? ", fatal" : "");
    if (forbidden(code)) {
        vd_fail(err, VD_CONFIG, "publish", "kafka: %s; let this worker's user do it", why);
        return VD_ROUND_FATAL;
    }
    if (!fatal)
        return VD_ROUND_AGAIN;
    bool fenced = code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                  code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    drop_producer(transactor);
    /* the broker says the same of a transaction that took too long: once is no proof */
    if (!fenced || ++transactor->fenced < FENCED_MAX || !transactor->setup->instance || !*transactor->setup->instance)
        return VD_ROUND_AGAIN;
    vd_fail(err, VD_CONFIG, "publish",
            "instance %s: another worker uses this name; give each worker its own `instance`",
            transactor->setup->instance);
    return VD_ROUND_FATAL;
}

enum vd_outcome_of_round vd_transactor_prepare(struct vd_transactor *transactor, struct vd_err *err)
{
    if (!transactor->producer && make_producer(transactor, err) < 0) {
        vd_log(VD_LOG_ERROR, "%s", err->text);
        return VD_ROUND_AGAIN;
    }
    while (!transactor->ready) {
        if (ending(transactor))
            return VD_ROUND_AGAIN;
        rd_kafka_error_t *error = rd_kafka_init_transactions(transactor->producer, slice(transactor, SLICE_MS));
        transactor->ready = !error;
        if (error && !rd_kafka_error_is_retriable(error)) {
            enum vd_outcome_of_round outcome = judge(transactor, error, err);
            drop_producer(transactor);
            return outcome;
        }
        rd_kafka_error_destroy(error);
    }
    return VD_ROUND_COMMITTED;
}

rd_kafka_consumer_group_metadata_t *vd_transactor_member(const struct vd_transactor *transactor)
{
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(transactor->consumer);
    char *id = member ? rd_kafka_memberid(transactor->consumer) : NULL;
    bool lost = !id || !*id || rd_kafka_assignment_lost(transactor->consumer);
    if (id)
        rd_kafka_mem_free(transactor->consumer, id);
    if (!lost)
        return member;
    if (member) /* without a member's id in it, the broker would check nothing */
        rd_kafka_consumer_group_metadata_destroy(member);
    return NULL;
}

static rd_kafka_error_t *produce_once(const struct vd_transactor *transactor, const struct vd_publication *publication,
                                      enum vd_record_kind kind)
{
    const struct vd_record *record = &publication->records[kind];
    rd_kafka_headers_t *headers = vd_record_headers(publication, kind, transactor->setup->source);
    rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = vd_record_topic(kind)},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {record->key, record->key_size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {record->value, record->value ? record->value_size : 0}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)record},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(transactor->producer, fields, sizeof fields / sizeof *fields);
    if (error)
        rd_kafka_headers_destroy(headers);
    return error;
}

static rd_kafka_error_t *produce(struct vd_transactor *transactor, struct vd_publication *publication,
                                 enum vd_record_kind kind)
{
    rd_kafka_error_t *error = NULL;
    publication->records[kind].refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    while (publication->records[kind].wanted && (error = produce_once(transactor, publication, kind))) {
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            vd_record_shrink(publication, kind);
        else if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !ending(transactor))
            rd_kafka_poll(transactor->producer, SLICE_MS / 10);
        else
            return error;
        rd_kafka_error_destroy(error);
    }
    return NULL;
}

static rd_kafka_error_t *produce_all(struct vd_transactor *transactor, struct vd_publication *list)
{
    for (struct vd_publication *at = list; at; at = at->next)
        for (int kind = 0; kind < VD_RECORDS; kind++) {
            rd_kafka_error_t *error = produce(transactor, at, (enum vd_record_kind)kind);
            if (error)
                return error;
        }
    return NULL;
}

static rd_kafka_topic_partition_list_t *offsets_of(const struct vd_publication *list)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    for (const struct vd_publication *at = list; at; at = at->next)
        rd_kafka_topic_partition_list_add(offsets, vd_topic_name(VD_TOPIC_JOBS), at->partition)->offset = at->offset +
                                                                                                          1;
    return offsets;
}

static rd_kafka_error_t *send_offsets(const struct vd_transactor *transactor, const struct vd_publication *list,
                                      const rd_kafka_consumer_group_metadata_t *member)
{
    rd_kafka_topic_partition_list_t *offsets = offsets_of(list);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(transactor->producer, offsets, member,
                                                                   slice(transactor, transactor->timeout_ms));
    rd_kafka_topic_partition_list_destroy(offsets);
    return error;
}

static int64_t give_up_at(const struct vd_transactor *transactor)
{
    int64_t until = vd_monotonic_ms() + transactor->timeout_ms + GRACE_MS;
    return until < transactor->deadline_ms ? until : transactor->deadline_ms;
}

/* Its end is unknown until it returns NULL. */
static rd_kafka_error_t *commit(const struct vd_transactor *transactor, struct vd_publication *list)
{
    rd_kafka_error_t *error;
    int64_t until = give_up_at(transactor);
    for (struct vd_publication *at = list; at; at = at->next)
        at->uncertain = true;
    while ((error = rd_kafka_commit_transaction(transactor->producer, slice(transactor, SLICE_MS)))) {
        if (!rd_kafka_error_is_retriable(error) || vd_left_ms(until) == 0)
            return error;
        rd_kafka_error_destroy(error);
    }
    return NULL;
}

/* The embedded broker takes a transaction's offsets and forgets them (librdkafka 2.0.2). */
static void commit_embedded(const struct vd_transactor *transactor, const struct vd_publication *list)
{
    rd_kafka_topic_partition_list_t *offsets = offsets_of(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(transactor->consumer);
    if (rd_kafka_commit_queue(transactor->consumer, offsets, queue, NULL, NULL) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_event_destroy(rd_kafka_queue_poll(queue, slice(transactor, SLICE_MS)));
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(offsets);
}

/* Leaves a producer that can begin anew, or none. */
static void rollback(struct vd_transactor *transactor)
{
    rd_kafka_error_t *error;
    int64_t until = give_up_at(transactor);
    if (!transactor->producer)
        return;
    while ((error = rd_kafka_abort_transaction(transactor->producer, slice(transactor, SLICE_MS)))) {
        bool again = rd_kafka_error_is_retriable(error) && vd_left_ms(until) > 0;
        vd_log(VD_LOG_DEBUG, "kafka: abort: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        if (!again) {
            drop_producer(transactor);
            return;
        }
    }
}

static bool too_large(const struct vd_publication *list)
{
    for (const struct vd_publication *at = list; at; at = at->next)
        for (int kind = 0; kind < VD_RECORDS; kind++)
            if (at->records[kind].refused == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
                return true;
    return false;
}

enum vd_outcome_of_round vd_transactor_round(struct vd_transactor *transactor, struct vd_publication *list,
                                             const rd_kafka_consumer_group_metadata_t *member, struct vd_err *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(transactor->producer);
    if (error)
        return judge(transactor, error, err);
    error = produce_all(transactor, list);
    if (!error)
        error = send_offsets(transactor, list, member);
    if (!error)
        error = commit(transactor, list);
    if (!error && transactor->setup->embedded)
        commit_embedded(transactor, list);
    if (!error) {
        transactor->fenced = 0;
        return VD_ROUND_COMMITTED;
    }
    enum vd_outcome_of_round outcome = judge(transactor, error, err);
    rollback(transactor);
    return outcome == VD_ROUND_AGAIN && too_large(list) ? VD_ROUND_TOO_LARGE : outcome;
}

int vd_transactor_committed(const struct vd_transactor *transactor, const struct vd_publication *publication)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, vd_topic_name(VD_TOPIC_JOBS), publication->partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(transactor->consumer, list, slice(transactor, LOOK_MS));
    const rd_kafka_topic_partition_t *got = &list->elems[0];
    int ret = code || got->err ? -1 : got->offset > publication->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return ret;
}

void vd_transactor_finish(struct vd_transactor *transactor)
{
    drop_producer(transactor);
}
