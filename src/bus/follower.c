/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/sender.h"

#include "deadline.h"
#include "kafka_conf.h"
#include "last_error.h"
#include "lookup.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vd_follower {
    struct vd_last_error last;
    rd_kafka_t *rk;
};

static const enum vd_topic followed[] = {VD_TOPIC_RESULTS, VD_TOPIC_STATUS};

enum { FOLLOWED = sizeof followed / sizeof *followed };

static int start(struct vd_follower *follower, const struct vd_bus_setup *setup, struct vd_err *err)
{
    const struct vd_pair settings[] = {
        {"group.id", setup->group ? setup->group : "vidriera"}, /* never joined: librdkafka wants one for assign */
        {"enable.auto.commit", "false"},
        {"isolation.level", "read_committed"},
        {"allow.auto.create.topics", "false"},
    };
    rd_kafka_conf_t *conf = vd_kafka_conf(setup, "follower", err);
    int ret = conf ? 0 : -1;
    if (conf)
        vd_last_error_watch(conf, &follower->last);
    for (size_t i = 0; ret == 0 && i < sizeof settings / sizeof *settings; i++)
        ret = vd_kafka_conf_set(conf, settings[i].name, settings[i].value, err);
    if (ret == 0)
        follower->rk = vd_kafka_new(RD_KAFKA_CONSUMER, &conf, err);
    if (conf)
        rd_kafka_conf_destroy(conf);
    return follower->rk ? 0 : -1;
}

/* Adds the topic's partitions, each at its end. */
static rd_kafka_resp_err_t add_partitions(struct vd_follower *follower, enum vd_topic topic, int timeout_ms,
                                          rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t answer;
    int partitions;
    rd_kafka_resp_err_t code = vd_topic_look_up(follower->rk, topic, timeout_ms, &answer, &partitions);
    if (code || answer)
        return code ? code : answer;
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, vd_topic_name(topic), i)->offset = RD_KAFKA_OFFSET_END;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The offsets that the next messages will get. All partitions in one go. */
static rd_kafka_resp_err_t resolve_ends(struct vd_follower *follower, int timeout_ms,
                                        rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(follower->rk, list,
                                                          timeout_ms); /* END is a time to brokers */
    for (int i = 0; !code && i < list->cnt; i++)
        code = list->elems[i].err;
    return code;
}

/* *at: which topic it is about, when it fails. */
static rd_kafka_resp_err_t assign_ends(struct vd_follower *follower, int64_t until, enum vd_topic *at)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(32);
    for (int i = 0; !code && i < FOLLOWED; i++) {
        *at = followed[i];
        code = add_partitions(follower, followed[i], vd_left_ms(until), list);
    }
    if (!code)
        code = resolve_ends(follower, vd_left_ms(until), list);
    if (!code)
        code = rd_kafka_assign(follower->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* What waiting does not cure. */
static bool is_final(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

int vd_follower_open(struct vd_follower **opened, const struct vd_bus_setup *setup, int timeout_ms, struct vd_err *err)
{
    char words[256];
    enum vd_topic at;
    int64_t until = vd_monotonic_ms() + timeout_ms;
    rd_kafka_resp_err_t code;
    struct vd_follower *follower = calloc(1, sizeof *follower);
    *opened = NULL;
    if (!follower)
        return vd_fail(err, VD_AGAIN, "kafka", "no memory for Kafka's consumer; free some");
    if (start(follower, setup, err) < 0)
        goto close;
    while ((code = assign_ends(follower, until, &at)) && !is_final(code) && vd_left_ms(until) > 0)
        rd_kafka_poll(follower->rk, 100); /* a while: a leader is being chosen, a connection was lost */
    if (!code) {
        rd_kafka_poll_set_consumer(follower->rk);
        *opened = follower;
        return 0;
    }
    rd_kafka_poll(follower->rk, 0); /* the reason */
    vd_refusal_words(code, "Read", at, words, sizeof words);
    if (is_final(code))
        vd_fail(err, VD_CONFIG, "kafka", "%s cannot be followed: %s", vd_topic_name(at), words);
    else
        vd_last_error_fail(&follower->last, setup, timeout_ms, err);
close:
    vd_follower_close(follower);
    return -1;
}

/* True when it is one for people and programs: not an error, not a tombstone, not somebody's nonsense. */
static bool take(const rd_kafka_message_t *message, char job[VD_JOB_ID], bool *result, json_t **document)
{
    if (message->err || !message->payload || message->key_len == 0 || message->key_len >= VD_JOB_ID)
        return false;
    snprintf(job, VD_JOB_ID, "%.*s", (int)message->key_len, (const char *)message->key);
    *result = !strcmp(rd_kafka_topic_name(message->rkt), vd_topic_name(VD_TOPIC_RESULTS));
    *document = json_loadb(message->payload, message->len, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(*document);
}

int vd_follower_next(struct vd_follower *follower, int timeout_ms, char job[VD_JOB_ID], bool *result, json_t **document)
{
    int64_t until = vd_monotonic_ms() + timeout_ms;
    do {
        *document = NULL;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(follower->rk, vd_left_ms(until));
        bool good = message && take(message, job, result, document);
        if (message)
            rd_kafka_message_destroy(message);
        if (good)
            return 1;
        json_decref(*document);
    } while (vd_left_ms(until) > 0);
    *document = NULL;
    return 0;
}

void vd_follower_close(struct vd_follower *follower)
{
    if (!follower)
        return;
    if (follower->rk) {
        rd_kafka_consumer_close(follower->rk);
        rd_kafka_destroy(follower->rk);
    }
    free(follower);
}
