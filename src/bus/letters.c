/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dead letters, and orders that are sent once more. */
#include "feed_inner.h"

#include "deadline.h"
#include "kafka_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE_MS = 200,
    CLOSE_MS = 500, /* beyond the deadline, at which no question waits any more */
    NEWEST = 1000,  /* letters that are looked at first */
};

/* A letter, copied. */
struct letter {
    int64_t timestamp_ms;
    void *key, *value;
    size_t key_size, value_size;
    rd_kafka_headers_t *headers; /* the original's; NULL: there is no letter */
    char origin[VD_ORIGIN];
    bool cut;
};

/* Reads a header as text; false, and empty: there is none, or it is too long. */
static bool read_header(const struct vd_feed_record *record, const char *name, char *text, size_t size)
{
    *text = 0;
    for (int i = record->header_count - 1; i >= 0; i--) {
        const struct vd_header *header = &record->headers[i];
        if (strcmp(header->name, name) || !header->value || header->size >= size)
            continue;
        memcpy(text, header->value, header->size);
        text[header->size] = 0;
        return true;
    }
    return false;
}

bool vd_letter_job(const struct vd_feed_record *record, char job[VD_JOB_ID])
{
    return read_header(record, "vidriera.job", job, VD_JOB_ID) && vd_job_id_valid(job);
}

static void free_letter(struct letter *letter)
{
    free(letter->key);
    free(letter->value);
    if (letter->headers)
        rd_kafka_headers_destroy(letter->headers);
    *letter = (struct letter){0};
}

/* What was put beside the original when it became a letter. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"vidriera.job", "vidriera.origin", "vidriera.retry", "vidriera.truncated"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!strcmp(name, ours[i]))
            return true;
    return !strncmp(name, "vidriera.error.", 15) || !strncmp(name, "__connect.errors.", 17);
}

static void *copy(const void *data, size_t size)
{
    void *made = data ? malloc(size + 1) : NULL;
    return made ? memcpy(made, data, size) : NULL;
}

/* False: no memory. */
static bool keep(struct letter *letter, const struct vd_feed_record *record)
{
    char number[24];
    free_letter(letter);
    letter->timestamp_ms = record->timestamp_ms;
    letter->key = copy(record->key, record->key_size);
    letter->value = copy(record->value, record->value_size);
    letter->key_size = record->key_size;
    letter->value_size = record->value_size;
    letter->cut = read_header(record, "vidriera.truncated", number, sizeof number);
    read_header(record, "vidriera.origin", letter->origin, VD_ORIGIN);
    letter->headers = rd_kafka_headers_new((size_t)record->header_count + 1);
    for (int i = 0; i < record->header_count; i++)
        if (!is_ours(record->headers[i].name))
            rd_kafka_header_add(letter->headers, record->headers[i].name, -1, record->headers[i].value,
                                (ssize_t)record->headers[i].size);
    rd_kafka_header_add(letter->headers, VD_RETRY_HEADER, -1, letter->origin, -1);
    return (letter->key || !record->key) && (letter->value || !record->value);
}

/* A search for the newest letter of a job. */
struct search {
    const struct vd_bus_setup *setup;
    const char *job;
    int64_t until;
    int timeout_ms; /* until then, when it began */
    struct letter letter;
};

static int fail_slow(const struct search *search, const struct vd_feed *feed, struct vd_err *err)
{
    if (!feed->complete)
        return vd_last_error_fail(&feed->last, search->setup, search->timeout_ms, err);
    return vd_fail(
        err, VD_UNAVAILABLE, "kafka",
        "kafka: %s is too long to be read within %.1f s, or the broker is slow; try again, or send the order "
        "anew",
        vd_topic_name(VD_TOPIC_DLQ), search->timeout_ms / 1000.0);
}

/* history: see vd_feed_open_topics(). *all: there are no more letters than were read. */
static int read_letters(struct search *search, int history, bool *all, struct vd_err *err)
{
    struct vd_feed *feed;
    struct vd_feed_record record;
    struct letter *letter = &search->letter;
    char whose[VD_JOB_ID];
    int ret = 0;
    if (vd_feed_open_topics(&feed, search->setup, 1U << VD_TOPIC_DLQ, history, search->until, err) < 0)
        return -1;
    while (!vd_feed_caught_up(feed) && ret == 0) {
        int left = vd_left_ms(search->until);
        if (left == 0)
            ret = fail_slow(search, feed, err);
        else if (vd_feed_next(feed, left < SLICE_MS ? left : SLICE_MS, &record) && vd_letter_job(&record, whose) &&
                 !strcmp(whose, search->job) && (!letter->headers || record.timestamp_ms >= letter->timestamp_ms) &&
                 !keep(letter, &record))
            ret = vd_fail(err, VD_AGAIN, "kafka", "no memory for a dead letter; free some");
    }
    *all = !feed->skipped;
    vd_feed_close(feed, CLOSE_MS);
    return ret;
}

/* Letters of one job have one key, and so one partition: those that are newer were read with the newest. */
static int find(struct search *search, struct vd_err *err)
{
    bool all;
    int ret = read_letters(search, NEWEST, &all, err);
    if (ret == 0 && !search->letter.headers && !all)
        ret = read_letters(search, -1, &all, err);
    return ret;
}

/* A producer of one message. */
struct courier {
    struct vd_last_error last;
    bool over;
    rd_kafka_resp_err_t result;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct courier *courier = opaque;
    (void)rk;
    courier->over = true;
    courier->result = message->err;
}

static rd_kafka_t *open_producer(const struct vd_bus_setup *setup, struct courier *courier, int timeout_ms,
                                 struct vd_err *err)
{
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", timeout_ms > 1 ? timeout_ms : 1);
    const struct vd_pair settings[] = {
        {"enable.idempotence", "true"},
        {"message.timeout.ms", timeout},
        {"allow.auto.create.topics", "false"},
    };
    rd_kafka_conf_t *conf = vd_kafka_conf(setup, "retry", err);
    if (!conf)
        return NULL;
    vd_last_error_watch(conf, &courier->last);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (vd_kafka_conf_set(conf, settings[i].name, settings[i].value, err) < 0) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    return vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
}

static int judge(const struct courier *courier, const struct vd_bus_setup *setup, int timeout_ms, struct vd_err *err)
{
    char words[256];
    if (courier->over && !courier->result)
        return 0;
    if (!courier->over || courier->result == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        return vd_last_error_fail(&courier->last, setup, timeout_ms, err);
    vd_refusal_words(courier->result, "Write", VD_TOPIC_JOBS, words, sizeof words);
    return vd_fail(err, VD_CONFIG, "kafka", "not sent: %s", words);
}

/* Takes its headers. On the broker when this returns 0. */
static int post(const struct vd_bus_setup *setup, struct letter *letter, int64_t until, int timeout_ms,
                struct vd_err *err)
{
    struct courier courier = {.over = false};
    rd_kafka_t *rk = open_producer(setup, &courier, vd_left_ms(until), err);
    if (!rk)
        return -1;
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = vd_topic_name(VD_TOPIC_JOBS)},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {letter->key, letter->key_size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {letter->value, letter->value_size}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = letter->headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(rk, parts, sizeof parts / sizeof *parts);
    int ret;
    if (error) {
        ret = vd_fail(err, VD_CONFIG, "kafka", "not sent: %s; check kafka { }", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    } else {
        letter->headers = NULL;
        while (!courier.over && vd_left_ms(until) > 0)
            rd_kafka_poll(rk, vd_left_ms(until));
        ret = judge(&courier, setup, timeout_ms, err);
    }
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(rk);
    return ret;
}

int vd_letter_retry(const struct vd_bus_setup *setup, const char *job, int timeout_ms, struct vd_err *err)
{
    struct search search = {
        .setup = setup, .job = job, .until = vd_monotonic_ms() + timeout_ms, .timeout_ms = timeout_ms, .letter = {0}};
    struct letter *letter = &search.letter;
    int ret = find(&search, err);
    if (ret == 0 && !letter->headers)
        ret = vd_fail(err, VD_NO_INPUT, "kafka", "%s: there is no dead letter of it; send the order anew", job);
    else if (ret == 0 && (letter->cut || !*letter->origin))
        ret = vd_fail(err, VD_INPUT, "kafka", "%s: its dead letter is not whole; send the order anew", job);
    if (ret == 0)
        ret = post(setup, letter, search.until, timeout_ms, err);
    free_letter(letter);
    return ret;
}

int vd_order_again(const struct vd_bus_setup *setup, const char *job, const char *text, const char *origin,
                   int timeout_ms, struct vd_err *err)
{
    struct letter letter = {.key = copy(job, strlen(job)),
                            .value = copy(text, strlen(text)),
                            .key_size = strlen(job),
                            .value_size = strlen(text),
                            .headers = rd_kafka_headers_new(2)};
    int ret = letter.key && letter.value ? 0 : vd_fail(err, VD_AGAIN, "kafka", "no memory for an order; free some");
    rd_kafka_header_add(letter.headers, "content-type", -1, "application/json", -1);
    rd_kafka_header_add(letter.headers, VD_RETRY_HEADER, -1, origin, -1);
    if (ret == 0)
        ret = post(setup, &letter, vd_monotonic_ms() + timeout_ms, timeout_ms, err);
    free_letter(&letter);
    return ret;
}
