/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `unit_metrics --print` prints a scrape in which every metric has a value. */
#include "capture.h"

#include "vidriera/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS = 4, ADDS = 10000, SCRAPES = 500 };

static void clear_all(void)
{
    for (int i = 0; i < VD_METRICS; i++)
        vd_metric_clear((enum vd_metric)i);
}

static void has_line(const char *line)
{
    char *text = vd_metrics_text(), wanted[1000];
    assert_non_null(text);
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted))
        fail_msg("no line %s in:\n%s", line, text);
    free(text);
}

static void has_no(const char *piece)
{
    char *text = vd_metrics_text();
    assert_non_null(text);
    if (strstr(text, piece))
        fail_msg("%s in:\n%s", piece, text);
    free(text);
}

static void kinds_and_values(void **state)
{
    (void)state;
    clear_all();
    vd_metric_set(VD_METRIC_KAFKA_UP, 1, NULL, NULL);
    vd_metric_add(VD_METRIC_JOBS, 1, "completed", "cpu");
    vd_metric_add(VD_METRIC_JOBS, 2, "completed", "cpu");
    vd_metric_add(VD_METRIC_JOBS, 1, "failed", "cpu");
    vd_metric_set(VD_METRIC_JOB_SPEED, 0.25, "cpu", NULL);
    vd_metric_set(VD_METRIC_DISK_FREE_BYTES, 4503599627370496.0, "processed", NULL);
    vd_metric_set(VD_METRIC_DISK_FREE_BYTES, NAN, "failed", NULL);
    has_line("# TYPE vidriera_kafka_up gauge\nvidriera_kafka_up 1");
    has_line("# TYPE vidriera_jobs_total counter\nvidriera_jobs_total{result=\"completed\",backend=\"cpu\"} 3\n"
             "vidriera_jobs_total{result=\"failed\",backend=\"cpu\"} 1");
    has_line("vidriera_job_speed_ratio{backend=\"cpu\"} 0.25");
    has_line("vidriera_disk_free_bytes{root=\"processed\"} 4.5035996273705e+15\n"
             "vidriera_disk_free_bytes{root=\"failed\"} NaN");
    vd_metric_set(VD_METRIC_KAFKA_UP, 0, NULL, NULL);
    has_line("vidriera_kafka_up 0");
}

/* One that first appears at 1 never rose, for whoever asks by how much; a gauge that nobody set is not 0 but unknown. */
static void unused(void **state)
{
    (void)state;
    clear_all();
    has_line("vidriera_dead_letters_total 0");
    has_no("vidriera_queue_lag");
    has_no("vidriera_jobs_total");
    vd_metric_add(VD_METRIC_SLOT_DEATHS, 0, "stall", NULL);
    has_line("vidriera_slot_deaths_total{how=\"stall\"} 0");
}

static void histogram(void **state)
{
    (void)state;
    clear_all();
    vd_metric_observe(VD_METRIC_JOB_SECONDS, 0.5, "completed");
    vd_metric_observe(VD_METRIC_JOB_SECONDS, 1, "completed");
    vd_metric_observe(VD_METRIC_JOB_SECONDS, 1.5, "completed");
    vd_metric_observe(VD_METRIC_JOB_SECONDS, 100000, "completed");
    has_line("# TYPE vidriera_job_duration_seconds histogram\n"
             "vidriera_job_duration_seconds_bucket{result=\"completed\",le=\"1\"} 2\n"
             "vidriera_job_duration_seconds_bucket{result=\"completed\",le=\"2\"} 3");
    has_line("vidriera_job_duration_seconds_bucket{result=\"completed\",le=\"7200\"} 3\n"
             "vidriera_job_duration_seconds_bucket{result=\"completed\",le=\"+Inf\"} 4\n"
             "vidriera_job_duration_seconds_sum{result=\"completed\"} 100003\n"
             "vidriera_job_duration_seconds_count{result=\"completed\"} 4");
}

static void labels(void **state)
{
    char name[500], line[600];
    (void)state;
    clear_all();
    vd_metric_set(VD_METRIC_BACKEND_INFO, 1, "cpu", "\"C:\\x\"\nand\xff");
    has_line("vidriera_backend_info{backend=\"cpu\",reason=\"\\\"C:\\\\x\\\"?and?\"} 1");
    vd_metric_clear(VD_METRIC_BACKEND_INFO);
    has_no("vidriera_backend_info");
    vd_metric_set(VD_METRIC_BACKEND_INFO, 1, "vaapi", NULL);
    has_line("vidriera_backend_info{backend=\"vaapi\",reason=\"\"} 1");

    /* cut before the character that does not fit */
    memset(name, 'x', 199);
    strcpy(name + 199, "\xc3\xa9zzz");
    vd_metric_set(VD_METRIC_JOB_SPEED, 7, name, NULL);
    snprintf(line, sizeof line, "vidriera_job_speed_ratio{backend=\"%.199s\"} 7", name);
    has_line(line);
    vd_metric_set(VD_METRIC_JOB_SPEED, 8, name, NULL); /* it is the same series again */
    snprintf(line, sizeof line, "vidriera_job_speed_ratio{backend=\"%.199s\"} 8", name);
    has_line(line);
    strcpy(name + 198, "\xc3\xa9zzz"); /* fits just so */
    vd_metric_set(VD_METRIC_JOB_SPEED, 9, name, NULL);
    snprintf(line, sizeof line, "vidriera_job_speed_ratio{backend=\"%.200s\"} 9", name);
    has_line(line);
}

static int count_lines(const char *begin)
{
    char *text = vd_metrics_text();
    int count = 0;
    assert_non_null(text);
    for (const char *at = text; (at = strstr(at, begin)); at++)
        count++;
    free(text);
    return count;
}

/* Whoever sends odd words can make a scrape no longer than that. */
static void bounded(void **state)
{
    char code[16];
    (void)state;
    clear_all();
    for (int i = 0; i < 1000; i++) {
        snprintf(code, sizeof code, "%dxx", i);
        vd_metric_add(VD_METRIC_HTTP_REQUESTS, 1, code, NULL);
        vd_metric_add(VD_METRIC_JOBS, 1, code, "cpu");
    }
    assert_int_equal(count_lines("\nvidriera_http_requests_total{"), 65);
    has_line("vidriera_http_requests_total{code=\"63xx\"} 1\nvidriera_http_requests_total{code=\"other\"} 936");
    has_line("vidriera_jobs_total{result=\"other\",backend=\"other\"} 936");
    vd_metric_add(VD_METRIC_HTTP_REQUESTS, 1, "5xx", NULL); /* those that are there go on */
    has_line("vidriera_http_requests_total{code=\"5xx\"} 2");
}

static void *add(void *opaque)
{
    const char *backend = opaque;
    for (int i = 0; i < ADDS; i++) {
        vd_metric_add(VD_METRIC_FRAMES, 1, backend, NULL);
        vd_metric_observe(VD_METRIC_JOB_SECONDS, 1, "completed");
    }
    return NULL;
}

static void *scrape(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < SCRAPES; i++) {
        char *text = vd_metrics_text();
        bool there = text && strstr(text, "\nvidriera_backend_info{");
        free(text);
        if (!there)
            return "a scrape without it";
    }
    return NULL;
}

static void *change_device(void *opaque)
{
    while (!atomic_load((atomic_bool *)opaque)) {
        vd_metric_only(VD_METRIC_BACKEND_INFO, 1, "cuda", "");
        vd_metric_only(VD_METRIC_BACKEND_INFO, 1, "cpu", "cuda: no session");
    }
    return NULL;
}

/* Nothing is lost, no scrape comes in between, and TSan finds nothing. */
static void threads(void **state)
{
    pthread_t thread[THREADS], reader, changer;
    atomic_bool over = false;
    void *missed;
    char line[100];
    (void)state;
    clear_all();
    vd_metric_only(VD_METRIC_BACKEND_INFO, 1, "cpu", "");
    assert_int_equal(pthread_create(&changer, NULL, change_device, &over), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, add, i % 2 ? "cpu" : "vaapi"), 0);
    assert_int_equal(pthread_create(&reader, NULL, scrape, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_join(reader, &missed);
    atomic_store(&over, true);
    pthread_join(changer, NULL);
    assert_null(missed);
    assert_int_equal(count_lines("\nvidriera_backend_info{"), 1);
    snprintf(line, sizeof line, "vidriera_frames_total{backend=\"cpu\"} %d", THREADS / 2 * ADDS);
    has_line(line);
    snprintf(line, sizeof line, "vidriera_job_duration_seconds_count{result=\"completed\"} %d", THREADS * ADDS);
    has_line(line);
}

static void markdown(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    int lines = 0;
    (void)state;
    assert_non_null(to);
    vd_metrics_markdown(to);
    fclose(to);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 2 + VD_METRICS);
    assert_non_null(strstr(text, "\n| `vidriera_jobs_total` | counter | `result`, `backend` | Jobs that ended"));
    assert_non_null(strstr(text, "\n| `vidriera_kafka_up` | gauge | | Whether"));
    free(text);
}

static int print(void)
{
    static const struct {
        enum vd_metric metric;
        const char *first, *second;
    } labelled[] = {
        {VD_METRIC_BUILD_INFO, "0", NULL},
        {VD_METRIC_BACKEND_INFO, "cpu", "a \"reason\" with \\ in it"},
        {VD_METRIC_READY, "kafka", NULL},
        {VD_METRIC_JOBS, "completed", "cpu"},
        {VD_METRIC_JOB_SPEED, "cpu", NULL},
        {VD_METRIC_FRAMES, "cpu", NULL},
        {VD_METRIC_SLOT_DEATHS, "stall", NULL},
        {VD_METRIC_FALLBACKS, "vaapi", NULL},
        {VD_METRIC_DISK_FREE_BYTES, "failed", NULL},
        {VD_METRIC_HTTP_REQUESTS, "2xx", NULL},
    };
    bool has[VD_METRICS] = {[VD_METRIC_JOB_SECONDS] = true};
    for (size_t i = 0; i < sizeof labelled / sizeof *labelled; i++) {
        vd_metric_add(labelled[i].metric, 1, labelled[i].first, labelled[i].second);
        has[labelled[i].metric] = true;
    }
    vd_metric_observe(VD_METRIC_JOB_SECONDS, 1.5, "completed");
    for (int i = 0; i < VD_METRICS; i++)
        if (!has[i])
            vd_metric_add((enum vd_metric)i, 1, NULL, NULL);
    char *text = vd_metrics_text();
    int ret = !text || fputs(text, stdout) < 0;
    free(text);
    return ret;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_values), cmocka_unit_test(unused),  cmocka_unit_test(histogram),
        cmocka_unit_test(labels),           cmocka_unit_test(bounded), cmocka_unit_test(threads),
        cmocka_unit_test(markdown),
    };
    if (argc > 1 && !strcmp(argv[1], "--print"))
        return print();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
