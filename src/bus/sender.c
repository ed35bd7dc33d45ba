/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/sender.h"

#include "kafka_conf.h"
#include "last_error.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most that waits for acknowledgement: an order has 64 KiB at most. */
#define QUEUE_MESSAGES "1000"

struct vd_sender {
    struct vd_last_error last;
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* for a new producer, when this one gives up */
    char *source;
    int awaited;
    vd_sent_fn *sent;
    void *opaque;
};

static void put_reason(const struct vd_sender *sender, const rd_kafka_message_t *message, char *text, size_t size)
{
    bool control = !strcmp(rd_kafka_topic_name(message->rkt), vd_topic_name(VD_TOPIC_CONTROL));
    const char *why = sender->last.code ? ": " : "";
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        snprintf(text, size, "no broker took it in time%s%s", why, sender->last.text);
        break;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE: /* closing, or after a fatal error */
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL:
        snprintf(text, size, "no broker has acknowledged it%s%s", why, sender->last.text);
        break;
    default:
        vd_refusal_words(message->err, "Write", control ? VD_TOPIC_CONTROL : VD_TOPIC_JOBS, text, size);
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct vd_sender *sender = opaque;
    char job[VD_JOB_ID], why_not[320] = "";
    (void)rk;
    sender->awaited--;
    snprintf(job, sizeof job, "%.*s", (int)message->key_len, (const char *)message->key);
    if (message->err)
        put_reason(sender, message, why_not, sizeof why_not);
    sender->sent(sender->opaque, job, !message->err, message->err ? why_not : NULL);
}

/* propagation: how long a topic that is not there may still come. */
static int set_up(rd_kafka_conf_t *conf, int timeout_ms, struct vd_err *err)
{
    char timeout[16], propagation[16];
    snprintf(timeout, sizeof timeout, "%d", timeout_ms);
    snprintf(propagation, sizeof propagation, "%d", timeout_ms < 60000 ? timeout_ms / 2 : 30000);
    const struct vd_pair settings[] = {
        {"enable.idempotence", "true"},
        {"message.timeout.ms", timeout},
        {"topic.metadata.propagation.max.ms", propagation},
        {"queue.buffering.max.messages", QUEUE_MESSAGES},
        {"allow.auto.create.topics", "false"}, /* a broker's own defaults would lose jobs that wait */
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (vd_kafka_conf_set(conf, settings[i].name, settings[i].value, err) < 0)
            return -1;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return 0;
}

static int start(struct vd_sender *sender, struct vd_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(sender->conf);
    sender->rk = vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
    return sender->rk ? 0 : -1;
}

/* Whatever is not acknowledged comes back as such, now. */
static void stop(struct vd_sender *sender)
{
    if (!sender->rk)
        return;
    rd_kafka_purge(sender->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (sender->awaited > 0)
        rd_kafka_poll(sender->rk, 100);
    rd_kafka_destroy(sender->rk);
    sender->rk = NULL;
}

int vd_sender_open(struct vd_sender **opened, const struct vd_bus_setup *setup, int timeout_ms, vd_sent_fn *sent,
                   void *opaque, struct vd_err *err)
{
    struct vd_sender *sender = calloc(1, sizeof *sender);
    *opened = NULL;
    if (!sender)
        return vd_fail(err, VD_AGAIN, "kafka", "no memory for Kafka's producer; free some");
    sender->sent = sent;
    sender->opaque = opaque;
    sender->source = strdup(setup->source && *setup->source ? setup->source : "vidriera");
    sender->conf = sender->source ? vd_kafka_conf(setup, "sender", err) : NULL;
    if (!sender->conf)
        goto close;
    vd_last_error_watch(sender->conf, &sender->last); /* which is the sender, for the acknowledgements too */
    if (set_up(sender->conf, timeout_ms, err) < 0 || start(sender, err) < 0)
        goto close;
    *opened = sender;
    return 0;
close:
    vd_sender_close(sender);
    return -1;
}

/* An idempotent producer gives up for good when a broker's and its own count of messages part. Messages may come twice
 * here, so a new one is as good. */
static int revive(struct vd_sender *sender, struct vd_err *err)
{
    char why[128];
    if (sender->rk && !rd_kafka_fatal_error(sender->rk, why, sizeof why))
        return 0;
    stop(sender);
    return start(sender, err);
}

static rd_kafka_headers_t *make_headers(const struct vd_sender *sender, const char *job, const char *traceparent)
{
    const struct vd_pair headers[] = {
        {"content-type", "application/json"},
        {"ce_specversion", "1.0"},
        {"ce_id", job},
        {"ce_source", sender->source},
        {"ce_type", "vidriera.job.requested.v1"},
        {"traceparent", traceparent},
    };
    enum { HEADERS = sizeof headers / sizeof *headers };
    rd_kafka_headers_t *made = rd_kafka_headers_new(HEADERS);
    for (int i = 0; i < HEADERS; i++)
        if (headers[i].value && *headers[i].value)
            rd_kafka_header_add(made, headers[i].name, -1, headers[i].value, -1);
    return made;
}

/* Takes headers. */
static int produce(struct vd_sender *sender, enum vd_topic topic, const char *job, const char *text,
                   rd_kafka_headers_t *headers, struct vd_err *err)
{
    rd_kafka_error_t *error;
    if (revive(sender, err) < 0) {
        rd_kafka_headers_destroy(headers);
        return -1;
    }
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = vd_topic_name(topic)},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)job, strlen(job)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)text, strlen(text)}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    error = rd_kafka_produceva(sender->rk, parts, sizeof parts / sizeof *parts);
    if (!error) {
        sender->awaited++;
        return 0;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_headers_destroy(headers); /* ours still, after a failure */
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        vd_fail(err, VD_AGAIN, "kafka", "%s: " QUEUE_MESSAGES " orders wait for a broker already; try again later",
                job);
    else
        vd_fail(err, VD_CONFIG, "kafka", "%s: not taken: %s; check kafka { }", job, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return -1;
}

int vd_sender_send(struct vd_sender *sender, const char *job, const char *text, const char *traceparent,
                   struct vd_err *err)
{
    return produce(sender, VD_TOPIC_JOBS, job, text, make_headers(sender, job, traceparent), err);
}

int vd_sender_control(struct vd_sender *sender, const char *job, const char *action, struct vd_err *err)
{
    char text[VD_JOB_ID + 64];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    snprintf(text, sizeof text, "{\"job\":\"%s\",\"action\":\"%s\"}", job, action);
    rd_kafka_header_add(headers, "content-type", -1, "application/json", -1);
    return produce(sender, VD_TOPIC_CONTROL, job, text, headers, err);
}

int vd_sender_poll(struct vd_sender *sender, int timeout_ms)
{
    if (sender->rk)
        rd_kafka_poll(sender->rk, sender->awaited ? timeout_ms : 0);
    return sender->awaited;
}

void vd_sender_close(struct vd_sender *sender)
{
    if (!sender)
        return;
    stop(sender);
    if (sender->conf)
        rd_kafka_conf_destroy(sender->conf);
    free(sender->source);
    free(sender);
}
