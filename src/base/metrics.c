/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/metrics.h"

#include "vidriera/text.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 64, LABELS = 2, VALUE = 200, BUCKETS = 12 };

enum kind { GAUGE, COUNTER, HISTOGRAM };

static const char *const kinds[] = {"gauge", "counter", "histogram"};

/* Upper bounds of VD_METRIC_JOB_SECONDS; one more, without bound, follows. */
static const double bounds[BUCKETS] = {1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200};

static const struct row {
    const char *name;
    enum kind kind;
    const char *label[LABELS];
    const char *help; /* one line, neither \ nor | in it */
} rows[VD_METRICS] = {
    [VD_METRIC_BUILD_INFO] = {"vidriera_build_info", GAUGE, {"version"}, "1, with the version of this program."},
    [VD_METRIC_BACKEND_INFO] =
        {"vidriera_backend_info",
         GAUGE,
         {"backend", "reason"},
         "1, with the device that new jobs get, and why it is not a better one (empty: it is the "
         "best there is, or was demanded)."},
    [VD_METRIC_READY] = {"vidriera_ready",
                         GAUGE,
                         {"what"},
                         "Whether this process can take jobs, each need by itself: kafka, folders, device, running (0 "
                         "while it drains)."},
    [VD_METRIC_KAFKA_UP] = {"vidriera_kafka_up", GAUGE, {0}, "Whether a broker answers."},
    [VD_METRIC_JOBS] = {"vidriera_jobs_total",
                        COUNTER,
                        {"result", "backend"},
                        "Jobs that ended here, by result (completed, failed, rejected, cancelled) and device; none "
                        "where no device was reached."},
    [VD_METRIC_JOBS_RUNNING] = {"vidriera_jobs_running", GAUGE, {0}, "Jobs in a slot now."},
    [VD_METRIC_JOB_SECONDS] = {"vidriera_job_duration_seconds",
                               HISTOGRAM,
                               {"result"},
                               "Wall time of the last attempt of jobs that ended here."},
    [VD_METRIC_JOB_SPEED] = {"vidriera_job_speed_ratio",
                             GAUGE,
                             {"backend"},
                             "Of the last completed job: seconds of the recording done in a second."},
    [VD_METRIC_FRAMES] = {"vidriera_frames_total", COUNTER, {"backend"}, "Pictures that came out of completed jobs."},
    [VD_METRIC_FPS] = {"vidriera_frames_per_second", GAUGE, {0}, "Pictures a second now, all slots together."},
    [VD_METRIC_SLOTS] = {"vidriera_slots", GAUGE, {0}, "Slots: jobs that can run at a time."},
    [VD_METRIC_SLOTS_WORKING] = {"vidriera_slots_working", GAUGE, {0}, "Slots that have a job now."},
    [VD_METRIC_SLOT_DEATHS] =
        {"vidriera_slot_deaths_total",
         COUNTER,
         {"how"},
         "Media processes that died, under a job or idle: signal (a crash), stall (no progress), timeout, "
         "exit (by itself)."},
    [VD_METRIC_FALLBACKS] = {"vidriera_fallbacks_total",
                             COUNTER,
                             {"backend"},
                             "Devices that failed in the middle of a job, which began anew on the next device."},
    [VD_METRIC_RETRIES] = {"vidriera_retries_total",
                           COUNTER,
                           {0},
                           "Attempts that failed in a way that may pass, and are "
                           "made again."},
    [VD_METRIC_DUPLICATES] = {"vidriera_duplicates_total", COUNTER, {0}, "Orders for jobs that had ended before."},
    [VD_METRIC_DEAD_LETTERS] = {"vidriera_dead_letters_total", COUNTER, {0}, "Orders that went to vidriera.jobs.dlq."},
    [VD_METRIC_QUEUE_LAG] = {"vidriera_queue_lag",
                             GAUGE,
                             {0},
                             "Orders on vidriera.jobs that no worker of the group has ended yet; those that run "
                             "included."},
    [VD_METRIC_REBALANCES] = {"vidriera_rebalances_total", COUNTER, {0}, "Times that partitions came or went."},
    [VD_METRIC_PUBLISHING] = {"vidriera_publishing", GAUGE, {0}, "Ends of jobs that the broker has not taken yet."},
    [VD_METRIC_DISK_FREE_BYTES] =
        {"vidriera_disk_free_bytes",
         GAUGE,
         {"root"},
         "Free space where recordings, processed, archived, failed and the state lie. NaN while a folder is away."},
    [VD_METRIC_UNARCHIVED] = {"vidriera_unarchived", GAUGE, {0}, "Recordings that are done and cannot be moved."},
    [VD_METRIC_WATCH_SENT] = {"vidriera_watch_sent_total", COUNTER, {0}, "Orders that the watch has sent."},
    [VD_METRIC_WATCH_ORPHANS] = {"vidriera_watch_orphans_total",
                                 COUNTER,
                                 {0},
                                 "Sessions that were never finalized; their recordings are handed in all the same."},
    [VD_METRIC_HTTP_REQUESTS] = {"vidriera_http_requests_total",
                                 COUNTER,
                                 {"code"},
                                 "Answers over HTTP by their code: 2xx, 3xx, 4xx, 5xx."},
};

struct series {
    char label[LABELS][VALUE + 1];
    double value;             /* of a histogram: the sum */
    uint64_t count;           /* the rest: of a histogram */
    uint64_t bucket[BUCKETS]; /* each for itself */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Under lock; in the order of their first use. */
static struct {
    struct series **series;
    int count, room;
} metrics[VD_METRICS];

/* As long as whole characters fit. */
static void put_label(char *to, const char *from)
{
    size_t size = strnlen(from, VALUE + 1);
    if (size > VALUE)
        for (size = VALUE; size > 0 && ((unsigned char)from[size] & 0xc0) == 0x80;)
            size--;
    memcpy(to, from, size);
    to[size] = '\0';
    vd_text_clean(to);
}

/* NULL: no memory. */
static struct series *add_series(enum vd_metric metric, const struct series *labels)
{
    if (metrics[metric].count == metrics[metric].room) {
        int room = metrics[metric].room ? 2 * metrics[metric].room : 4;
        struct series **more = reallocarray(metrics[metric].series, (size_t)room, sizeof *more);
        if (!more)
            return NULL;
        metrics[metric].series = more;
        metrics[metric].room = room;
    }
    struct series *series = malloc(sizeof *series);
    if (!series)
        return NULL;
    *series = *labels;
    metrics[metric].series[metrics[metric].count++] = series;
    return series;
}

static struct series *find_series(enum vd_metric metric, const struct series *labels)
{
    for (int i = 0; i < metrics[metric].count; i++) {
        struct series *series = metrics[metric].series[i];
        if (!strcmp(series->label[0], labels->label[0]) && !strcmp(series->label[1], labels->label[1]))
            return series;
    }
    return NULL;
}

/* Under lock. NULL: no memory, what was measured is lost. */
static struct series *series_of(enum vd_metric metric, const char *first, const char *second)
{
    const char *const values[LABELS] = {first, second};
    struct series labels = {0};
    assert((int)metric >= 0 && metric < VD_METRICS);
    for (int i = 0; i < LABELS; i++) {
        assert(!values[i] || rows[metric].label[i]);
        if (rows[metric].label[i])
            put_label(labels.label[i], values[i] ? values[i] : "");
    }
    struct series *series = find_series(metric, &labels);
    if (series || metrics[metric].count < SERIES)
        return series ? series : add_series(metric, &labels);
    for (int i = 0; i < LABELS && rows[metric].label[i]; i++)
        put_label(labels.label[i], "other");
    series = find_series(metric, &labels);
    return series ? series : add_series(metric, &labels);
}

void vd_metric_add(enum vd_metric metric, double by, const char *first, const char *second)
{
    assert(rows[metric].kind != HISTOGRAM);
    pthread_mutex_lock(&lock);
    struct series *series = series_of(metric, first, second);
    if (series)
        series->value += by;
    pthread_mutex_unlock(&lock);
}

void vd_metric_set(enum vd_metric metric, double to, const char *first, const char *second)
{
    assert(rows[metric].kind == GAUGE);
    pthread_mutex_lock(&lock);
    struct series *series = series_of(metric, first, second);
    if (series)
        series->value = to;
    pthread_mutex_unlock(&lock);
}

void vd_metric_observe(enum vd_metric metric, double value, const char *first)
{
    assert(rows[metric].kind == HISTOGRAM);
    pthread_mutex_lock(&lock);
    struct series *series = series_of(metric, first, NULL);
    if (series) {
        int bucket = 0;
        while (bucket < BUCKETS && value > bounds[bucket])
            bucket++;
        if (bucket < BUCKETS)
            series->bucket[bucket]++;
        series->count++;
        series->value += value;
    }
    pthread_mutex_unlock(&lock);
}

/* Under lock. */
static void drop_series(enum vd_metric metric)
{
    for (int i = 0; i < metrics[metric].count; i++)
        free(metrics[metric].series[i]);
    free(metrics[metric].series);
    metrics[metric].series = NULL;
    metrics[metric].count = metrics[metric].room = 0;
}

void vd_metric_only(enum vd_metric metric, double value, const char *first, const char *second)
{
    assert(rows[metric].kind == GAUGE);
    pthread_mutex_lock(&lock);
    drop_series(metric);
    struct series *series = series_of(metric, first, second);
    if (series)
        series->value = value;
    pthread_mutex_unlock(&lock);
}

void vd_metric_clear(enum vd_metric metric)
{
    pthread_mutex_lock(&lock);
    drop_series(metric);
    pthread_mutex_unlock(&lock);
}

static void print_value(FILE *to, double value)
{
    if (isnan(value))
        fputs(" NaN\n", to);
    else if (isinf(value))
        fputs(value > 0 ? " +Inf\n" : " -Inf\n", to);
    else if (value == floor(value) && fabs(value) < 1e15)
        fprintf(to, " %.0f\n", value);
    else
        fprintf(to, " %.15g\n", value);
}

/* Control characters are gone already. */
static void print_quoted(FILE *to, const char *text)
{
    putc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', to);
        putc(*text, to);
    }
    putc('"', to);
}

/* le: of a bucket; NULL: none. */
static void print_name(FILE *to, const struct row *row, const char *suffix, const struct series *series, const char *le)
{
    const char *before = "{";
    fprintf(to, "%s%s", row->name, suffix);
    for (int i = 0; i < LABELS && row->label[i]; i++) {
        fprintf(to, "%s%s=", before, row->label[i]);
        print_quoted(to, series->label[i]);
        before = ",";
    }
    if (le)
        fprintf(to, "%sle=\"%s\"", before, le);
    if (le || row->label[0])
        putc('}', to);
}

static void print_histogram(FILE *to, const struct row *row, const struct series *series)
{
    uint64_t below = 0;
    char le[32];
    for (int i = 0; i < BUCKETS; i++) {
        below += series->bucket[i];
        snprintf(le, sizeof le, "%g", bounds[i]);
        print_name(to, row, "_bucket", series, le);
        print_value(to, (double)below);
    }
    print_name(to, row, "_bucket", series, "+Inf");
    print_value(to, (double)series->count);
    print_name(to, row, "_sum", series, NULL);
    print_value(to, series->value);
    print_name(to, row, "_count", series, NULL);
    print_value(to, (double)series->count);
}

static void print_metric(FILE *to, enum vd_metric metric)
{
    static const struct series zero;
    const struct row *row = &rows[metric];
    bool begins = row->kind == COUNTER && !row->label[0]; /* one that appears at 1 has not risen, for Prometheus */
    if (!metrics[metric].count && !begins)
        return;
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, kinds[row->kind]);
    for (int i = 0; i < metrics[metric].count || (i == 0 && begins); i++) {
        const struct series *series = metrics[metric].count ? metrics[metric].series[i] : &zero;
        if (row->kind == HISTOGRAM) {
            print_histogram(to, row, series);
            continue;
        }
        print_name(to, row, "", series, NULL);
        print_value(to, series->value);
    }
}

char *vd_metrics_text(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < VD_METRICS; i++)
        print_metric(to, (enum vd_metric)i);
    pthread_mutex_unlock(&lock);
    bool failed = ferror(to);
    if (fclose(to) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}

void vd_metrics_markdown(FILE *to)
{
    fputs("| metric | kind | labels | what it tells |\n| --- | --- | --- | --- |\n", to);
    for (int i = 0; i < VD_METRICS; i++) {
        const struct row *row = &rows[i];
        fprintf(to, "| `%s` | %s | ", row->name, kinds[row->kind]);
        for (int k = 0; k < LABELS && row->label[k]; k++)
            fprintf(to, "%s`%s`", k ? ", " : "", row->label[k]);
        fprintf(to, "%s| %s |\n", row->label[0] ? " " : "", row->help);
    }
}
