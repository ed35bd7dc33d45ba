/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/news.h"

#include "vidriera/feed.h"
#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/now.h"
#include "vidriera/result.h"
#include "vidriera/state.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEXT_MS = 200, STOP_MS = 3000, CLOSE_MS = 3000, ACT_MS = 4500, PARTITIONS = 1024, VALUE_BYTES = 1 << 20 };

static const double between_lags = 0.5;

struct vd_news {
    const struct vd_bus_setup *setup;
    const struct vd_roots *roots;
    struct vd_board *board;
    struct vd_recipe recipe; /* of orders that are silent; it is not looked at */
    struct vd_feed *feed;
    struct vd_feed_lag lags[PARTITIONS];
    pthread_t thread;
    atomic_bool ending;
};

/* False: it is no job's. */
static bool key_of(const struct vd_feed_record *record, char job[VD_JOB_ID])
{
    *job = 0;
    if (record->key && record->key_size < VD_JOB_ID)
        snprintf(job, VD_JOB_ID, "%.*s", (int)record->key_size, (const char *)record->key);
    return vd_job_id_valid(job);
}

static json_t *value_of(const struct vd_feed_record *record)
{
    json_t *value = record->value && record->value_size <= VALUE_BYTES
                        ? json_loadb(record->value, record->value_size, JSON_REJECT_DUPLICATES, NULL)
                        : NULL;
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

static void put_order(struct vd_news *news, const struct vd_feed_record *record)
{
    struct vd_order order;
    struct vd_err err;
    if (!record->value)
        return;
    /* one that is refused is seen too: it is named as far as it could be read */
    int ret = vd_order_parse(&order, record->value, record->value_size, record->headers, record->header_count,
                             &news->recipe, &err);
    vd_board_waits(news->board, record->partition, record->offset, record->timestamp_ms, &order);
    if (ret == 0)
        vd_order_finish(&order);
}

static void put_result(struct vd_news *news, const char *job, const struct vd_feed_record *record)
{
    char when[32];
    json_t *result = value_of(record);
    if (!result)
        return;
    if (!json_is_string(json_object_get(result, "finished"))) { /* one that was too large for the broker */
        vd_time_text((double)record->timestamp_ms / 1000, when);
        json_object_set_new(result, "finished", json_string(when));
    }
    vd_board_result(news->board, job, result);
    json_decref(result);
}

static void put_status(struct vd_news *news, const char *job, const struct vd_feed_record *record)
{
    json_t *status = value_of(record);
    if (status || !record->value)
        vd_board_status(news->board, job, status);
    json_decref(status);
}

static void put(struct vd_news *news, const struct vd_feed_record *record)
{
    char job[VD_JOB_ID];
    switch (record->topic) {
    case VD_TOPIC_JOBS:
        put_order(news, record);
        break;
    case VD_TOPIC_RESULTS:
        if (key_of(record, job))
            put_result(news, job, record);
        break;
    case VD_TOPIC_STATUS:
        if (key_of(record, job))
            put_status(news, job, record);
        break;
    case VD_TOPIC_DLQ:
        if (vd_letter_job(record, job))
            vd_board_dead_letter(news->board, job, record->timestamp_ms);
        break;
    case VD_TOPIC_CONTROL:
    case VD_TOPICS:
        break;
    }
}

static void put_lags(struct vd_news *news)
{
    int count = vd_feed_lags(news->feed, news->lags, PARTITIONS);
    int64_t left = 0;
    for (int i = 0; i < count; i++) {
        const struct vd_feed_lag *lag = &news->lags[i];
        int64_t committed = lag->committed < lag->end ? lag->committed : lag->end; /* of a topic that was before */
        vd_board_committed(news->board, lag->partition, committed, lag->end);
        left += lag->end - committed;
    }
    if (count > 0)
        vd_metric_set(VD_METRIC_QUEUE_LAG, (double)left, NULL, NULL);
}

/* How much of it is known. */
static void put_read(struct vd_news *news)
{
    char words[480] = "";
    unsigned forbidden = vd_feed_forbidden(news->feed);
    for (int topic = 0; topic < VD_TOPICS; topic++) {
        size_t used = strlen(words);
        if (forbidden & 1U << topic)
            snprintf(words + used, sizeof words - used, "%s%s", used ? ", " : "", vd_topic_name((enum vd_topic)topic));
    }
    size_t used = strlen(words);
    if (used)
        snprintf(words + used, sizeof words - used, " cannot be read; allow this user Describe and Read on it");
    vd_board_read(news->board, vd_feed_caught_up(news->feed), words);
}

/* What failed can be ordered anew: see vd_job_retry(). */
static void put_end(void *opaque, const json_t *document)
{
    struct vd_news *news = opaque;
    const char *job = json_string_value(json_object_get(document, "job"));
    const char *status = json_string_value(json_object_get(document, "status"));
    if (!job || !status)
        return;
    vd_board_result(news->board, job, document);
    if (!strcmp(status, vd_status_name(VD_FAILED)) || !strcmp(status, vd_status_name(VD_REJECTED)))
        vd_board_dead_letter(news->board, job, 1);
}

static void *news_main(void *opaque)
{
    struct vd_news *news = opaque;
    struct vd_feed_record record;
    struct vd_err err;
    double asked = 0;
    if (news->setup->embedded && news->roots && vd_done_newest(news->roots, VD_BOARD_ENDED, put_end, news, &err) < 0)
        vd_log(VD_LOG_WARNING, "%s", err.text);
    while (!news->ending) {
        if (vd_feed_next(news->feed, NEXT_MS, &record))
            put(news, &record);
        double now = vd_monotonic();
        if (now - asked >= between_lags) {
            put_lags(news);
            put_read(news);
            asked = now;
        }
    }
    return NULL;
}

/* Signals are for whoever called: neither this thread nor those of librdkafka take any. */
static int start_quietly(struct vd_news *news, struct vd_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int ret = vd_feed_open(&news->feed, news->setup, VD_BOARD_ENDED, err);
    if (ret == 0 && pthread_create(&news->thread, NULL, news_main, news) != 0) {
        vd_feed_close(news->feed, CLOSE_MS);
        ret = vd_fail(err, VD_AGAIN, "", "no thread to start: too many are running; try again later");
    } else if (ret == 0) {
        pthread_setname_np(news->thread, "news");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ret;
}

int vd_news_start(struct vd_news **started, const struct vd_bus_setup *setup, const struct vd_roots *roots,
                  struct vd_board *board, struct vd_err *err)
{
    struct vd_job job;
    struct vd_news *news = calloc(1, sizeof *news);
    *started = NULL;
    if (!news)
        return vd_fail(err, VD_AGAIN, "", "no memory to start; free some");
    vd_job_defaults(&job);
    news->setup = setup;
    news->roots = roots;
    news->board = board;
    news->recipe = job.recipe;
    if (start_quietly(news, err) < 0) {
        free(news);
        return -1;
    }
    *started = news;
    return 0;
}

int vd_news_cancel(struct vd_news *news, const char *job, struct vd_err *err)
{
    bool cancel, retry;
    if (!vd_board_may(news->board, job, &cancel, &retry))
        return vd_fail(err, VD_NO_INPUT, "", "there is no job %.80s; look at the list again", job);
    if (!cancel)
        return vd_fail(err, VD_NO_INPUT, "", "%.80s neither waits nor runs: there is nothing to cancel", job);
    return vd_job_cancel(news->setup, job, ACT_MS, err);
}

/* One that the board has forgotten may have a letter still. */
int vd_news_retry(struct vd_news *news, const char *job, struct vd_err *err)
{
    bool cancel, retry;
    if (vd_board_may(news->board, job, &cancel, &retry) && !retry)
        return vd_fail(
            err, VD_NO_INPUT, "",
            "%.80s cannot be tried again: it has not failed, or its order is not kept any more; order it anew", job);
    return vd_job_retry(news->setup, news->roots, job, ACT_MS, err);
}

bool vd_news_hears(const struct vd_news *news)
{
    return vd_feed_hears(news->feed);
}

bool vd_news_stop(struct vd_news *news)
{
    if (!news)
        return true;
    news->ending = true;
    if (!vd_join_for(news->thread, STOP_MS)) {
        pthread_detach(news->thread);
        vd_log(VD_LOG_WARNING, "a folder does not answer while the history is read; its reader is left alone");
        return false;
    }
    vd_feed_close(news->feed, CLOSE_MS);
    free(news);
    return true;
}
