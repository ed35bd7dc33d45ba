/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this process counts and measures, for Prometheus: one table of rows (metrics.c) says what there is; whoever knows
 * a value puts it here, and a scrape reads what is there. Nothing here waits for a disk, a broker or another process.
 * Any thread. Process-wide, like the log.
 */
#ifndef VIDRIERA_METRICS_H
#define VIDRIERA_METRICS_H

#include <stdio.h>

/* In the order in which they are printed. Names, kinds, labels and help: the table. */
enum vd_metric {
    VD_METRIC_BUILD_INFO,      /* gauge 1: version */
    VD_METRIC_BACKEND_INFO,    /* gauge 1: backend, reason (why not a better one) */
    VD_METRIC_READY,           /* gauge 0/1: what (kafka, folders, device, running) */
    VD_METRIC_KAFKA_UP,        /* gauge 0/1 */
    VD_METRIC_JOBS,            /* counter: result, backend */
    VD_METRIC_JOBS_RUNNING,    /* gauge */
    VD_METRIC_JOB_SECONDS,     /* histogram: result; wall time of the last attempt */
    VD_METRIC_JOB_SPEED,       /* gauge: backend; seconds of the recording in a second, of the last job */
    VD_METRIC_FRAMES,          /* counter: backend */
    VD_METRIC_FPS,             /* gauge: frames a second, all slots together, now */
    VD_METRIC_SLOTS,           /* gauge */
    VD_METRIC_SLOTS_WORKING,   /* gauge */
    VD_METRIC_SLOT_DEATHS,     /* counter: how (signal, stall, timeout, exit) */
    VD_METRIC_FALLBACKS,       /* counter: backend that was given up in the middle of a job */
    VD_METRIC_RETRIES,         /* counter: attempts that are tried again */
    VD_METRIC_DUPLICATES,      /* counter */
    VD_METRIC_DEAD_LETTERS,    /* counter */
    VD_METRIC_QUEUE_LAG,       /* gauge: orders that no worker has ended yet, whole group */
    VD_METRIC_REBALANCES,      /* counter */
    VD_METRIC_PUBLISHING,      /* gauge: ends that wait for the broker */
    VD_METRIC_DISK_FREE_BYTES, /* gauge: root */
    VD_METRIC_UNARCHIVED,      /* gauge: recordings that cannot be moved */
    VD_METRIC_WATCH_SENT,      /* counter */
    VD_METRIC_WATCH_ORPHANS,   /* counter: recordings that never got an index */
    VD_METRIC_HTTP_REQUESTS,   /* counter: code (2xx, 3xx, 4xx, 5xx) */
    VD_METRICS
};

/* A series is a metric with its labels; the first use makes it. NULL: the metric has no such label. Beyond 64 series of
 * one metric the rest is counted as label "other". Label values are copied, cut at 200 bytes. */
void vd_metric_add(enum vd_metric metric, double by, const char *first, const char *second);
void vd_metric_set(enum vd_metric metric, double to, const char *first, const char *second);
void vd_metric_observe(enum vd_metric metric, double value, const char *first);

/* This series, and no other of the metric from now on: an info metric gets other labels, and no scrape misses it. */
void vd_metric_only(enum vd_metric metric, double value, const char *first, const char *second);

/* Drops the series of a metric: a test begins without those of the one before. */
void vd_metric_clear(enum vd_metric metric);

/* The text format of Prometheus, 0.0.4; the caller frees. NULL: no memory. */
char *vd_metrics_text(void);

/* README's table. */
void vd_metrics_markdown(FILE *to);

#endif
