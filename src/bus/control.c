/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control.h"

#include "deadline.h"
#include "kafka_conf.h"

#include "vidriera/log.h"
#include "vidriera/topics.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MS = 5000, /* no answer for so long: there is no broker */
    SLICE_MS = 1000,
    LOOK_MS = 10000, /* between two looks while all is well */
    AGAIN_MS = 500,  /* while it is not */
    POLL_MS = 500,
    VALUE_BYTES = 4096,
};

struct vd_control {
    const struct vd_bus_setup *setup;
    struct vd_inbox *inbox;
    pthread_t thread;
    atomic_bool ending, ready;
    _Atomic(char *) cluster;
    char embedded[40]; /* address of an embedded broker; empty: it is none */

    /* the thread's */
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *main, *records;
    int partitions; /* that are read */
    enum { UNKNOWN, UP, DOWN } state;
    bool look_now;
    char last_error[160];
};

static void put_control(struct vd_control *control, const char *key, size_t size, const char *action)
{
    struct vd_bus_event event = {.type = VD_BUS_CONTROL};
    memcpy(event.job, key, size);
    snprintf(event.action, sizeof event.action, "%s", action);
    vd_inbox_put(control->inbox, &event);
}

static bool is_job(const char *key, size_t size)
{
    if (!key || size == 0 || size >= VD_JOB_ID)
        return false;
    return memchr(key, '\0', size) == NULL;
}

static void on_record(struct vd_control *control, const rd_kafka_message_t *record)
{
    const char *action = "";
    if (record->err)
        return;
    json_t *value = NULL;
    bool tombstone = !record->payload;
    if (!tombstone && record->len <= VALUE_BYTES)
        value = json_loadb(record->payload, record->len, JSON_REJECT_DUPLICATES, NULL);
    bool known = json_unpack(value, "{s:s}", "action", &action) == 0 && strcmp(action, "cancel") == 0;
    if (is_job(record->key, record->key_len) && (tombstone || known))
        put_control(control, record->key, record->key_len, action);
    else
        vd_log(VD_LOG_WARNING, "%s: offset %lld: not an action on a job; ignored", vd_topic_name(VD_TOPIC_CONTROL),
               (long long)record->offset);
    json_decref(value);
}

static void remember(struct vd_control *control, const char *why)
{
    snprintf(control->last_error, sizeof control->last_error, "%.*s", (int)sizeof control->last_error - 1, why);
}

static void on_error(struct vd_control *control, rd_kafka_resp_err_t code, const char *text)
{
    struct vd_err err;
    vd_log(VD_LOG_DEBUG, "kafka: %s", text);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        control->look_now = true;
        return;
    }
    remember(control, text);
    /* later it may be a broker that has just started and does not know its users yet */
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION && !control->cluster) {
        vd_fail(&err, VD_CONFIG, "", "kafka: %s; see sasl.* and ssl.* of the section `kafka`", text);
        vd_inbox_put_fatal(control->inbox, &err);
    }
}

static void serve(struct vd_control *control, rd_kafka_queue_t *queue, int timeout_ms)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(queue, timeout_ms))) {
        const rd_kafka_message_t *record;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            on_error(control, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
        while ((record = rd_kafka_event_message_next(event)))
            on_record(control, record);
        rd_kafka_event_destroy(event);
        timeout_ms = 0;
    }
}

static void say_topic(void *opaque, bool good, const char *line)
{
    (void)opaque;
    vd_log(good ? VD_LOG_DEBUG : VD_LOG_WARNING, "%s", line);
}

/* True: the topics are as they must be. */
static bool check_topics(struct vd_control *control)
{
    struct vd_err err = {0};
    if (control->ready)
        return true;
    if (!control->setup->embedded &&
        vd_topics_check(control->setup, control->setup->create_topics, ANSWER_MS, say_topic, NULL, &err) < 0) {
        if (err.code == VD_CONFIG)
            vd_inbox_put_fatal(control->inbox, &err);
        remember(control, err.text);
        return false;
    }
    control->ready = true;
    vd_inbox_wake(control->inbox);
    return true;
}

static void read_partitions(struct vd_control *control, const rd_kafka_metadata_t *metadata)
{
    int there = metadata->topic_cnt == 1 && !metadata->topics[0].err ? metadata->topics[0].partition_cnt : 0;
    for (; control->partitions < there; control->partitions++)
        if (rd_kafka_consume_start_queue(control->topic, control->partitions, RD_KAFKA_OFFSET_BEGINNING,
                                         control->records) < 0)
            return;
}

static rd_kafka_resp_err_t ask(struct vd_control *control, const rd_kafka_metadata_t **metadata)
{
    int64_t until = vd_monotonic_ms() + ANSWER_MS;
    rd_kafka_resp_err_t code;
    do
        code = rd_kafka_metadata(control->rk, 0, control->topic, metadata, SLICE_MS);
    while (code && !control->ending && vd_left_ms(until) > 0);
    return code;
}

/*
 * An embedded broker is called after an address in memory, which a later one may have again where the system does not
 * scatter them; its port tells the two apart.
 */
static char *name_cluster(const struct vd_control *control)
{
    char *name = NULL, *id = rd_kafka_clusterid(control->rk, 0);
    if (!id)
        return NULL;
    if (asprintf(&name, "%s%s%s", id, *control->embedded ? "@" : "", control->embedded) < 0)
        name = NULL;
    rd_kafka_mem_free(control->rk, id);
    return name;
}

/* Does a broker answer, and are the topics there? */
static bool look(struct vd_control *control)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t code = ask(control, &metadata);
    if (code) {
        if (!*control->last_error)
            remember(control, rd_kafka_err2str(code));
        return false;
    }
    if (!control->cluster)
        control->cluster = name_cluster(control);
    bool good = check_topics(control);
    if (good)
        read_partitions(control, metadata);
    rd_kafka_metadata_destroy(metadata);
    return good;
}

static void tell(struct vd_control *control, bool answers)
{
    struct vd_bus_event event = {.type = answers ? VD_BUS_UP : VD_BUS_DOWN};
    if (control->state != (answers ? UP : DOWN)) {
        control->state = answers ? UP : DOWN;
        if (!answers)
            vd_fail(&event.err, VD_UNAVAILABLE, "", "kafka: no broker answers: %s; everything is kept and tried again",
                    *control->last_error ? control->last_error : "no answer in time");
        vd_inbox_put(control->inbox, &event);
    }
    if (answers)
        control->last_error[0] = '\0';
}

static void *control_thread(void *opaque)
{
    struct vd_control *control = opaque;
    int64_t next = 0;
    while (!control->ending) {
        if (control->look_now || vd_left_ms(next) == 0) {
            control->look_now = false;
            bool answers = look(control);
            serve(control, control->main, 0); /* why not */
            if (!control->ending)
                tell(control, answers);
            next = vd_monotonic_ms() + (answers ? LOOK_MS : AGAIN_MS);
        }
        serve(control, control->main, 0);
        serve(control, control->records, POLL_MS);
    }
    for (int i = 0; i < control->partitions; i++)
        rd_kafka_consume_stop(control->topic, i);
    return NULL;
}

static int open_handle(struct vd_control *control, struct vd_err *err)
{
    rd_kafka_conf_t *conf = vd_kafka_conf(control->setup, "control", err);
    if (!conf)
        return -1;
    if (vd_kafka_conf_set(conf, "enable.auto.commit", "false", err) < 0 ||
        vd_kafka_conf_set(conf, "auto.offset.reset", "earliest", err) < 0 ||
        vd_kafka_conf_set(conf, "queued.max.messages.kbytes", "1024", err) < 0) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_FETCH);
    control->rk = vd_kafka_new(RD_KAFKA_CONSUMER, &conf, err);
    if (!control->rk)
        return -1;
    control->main = rd_kafka_queue_get_main(control->rk);
    control->records = rd_kafka_queue_new(control->rk);
    control->topic = rd_kafka_topic_new(control->rk, vd_topic_name(VD_TOPIC_CONTROL), NULL);
    return 0;
}

static void close_handle(struct vd_control *control)
{
    free(control->cluster);
    if (!control->rk)
        return;
    rd_kafka_topic_destroy(control->topic);
    rd_kafka_queue_destroy(control->records);
    rd_kafka_queue_destroy(control->main);
    rd_kafka_destroy(control->rk);
}

int vd_control_open(struct vd_control **out, const struct vd_bus_setup *setup, struct vd_inbox *inbox,
                    struct vd_err *err)
{
    struct vd_control *control = calloc(1, sizeof *control);
    if (!control)
        return vd_fail(err, VD_AGAIN, "", "no memory; try again later");
    control->setup = setup;
    control->inbox = inbox;
    if (setup->embedded && setup->count > 0)
        snprintf(control->embedded, sizeof control->embedded, "%s", setup->kafka[0].value);
    if (open_handle(control, err) < 0)
        goto free_control;
    if (pthread_create(&control->thread, NULL, control_thread, control) != 0) {
        vd_fail(err, VD_AGAIN, "", "no thread for the control topic; try again later");
        goto free_control;
    }
    *out = control;
    return 0;

free_control:
    close_handle(control);
    free(control);
    return -1;
}

bool vd_control_ready(struct vd_control *control)
{
    return control->ready;
}

const char *vd_control_cluster(struct vd_control *control)
{
    const char *cluster = control->cluster;
    return cluster ? cluster : "";
}

void vd_control_close(struct vd_control *control)
{
    if (!control)
        return;
    control->ending = true;
    rd_kafka_queue_yield(control->records);
    pthread_join(control->thread, NULL);
    close_handle(control);
    free(control);
}
