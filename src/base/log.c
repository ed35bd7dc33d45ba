/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/log.h"

#include "vidriera/text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1024 };

/* Read by every thread, set again while they run. */
static atomic_int level_now = VD_LOG_INFO;
static atomic_bool json_now, wipe_now;

static const char *const level_names[] = {"error", "warning", "info", "debug", "trace"};

struct about {
    char job[80], trace[40];
};

/* What this thread is busy with, and what those are that say nothing of their own. */
static _Thread_local struct about about;
static struct about others;

const char *vd_log_level_name(int level)
{
    return level >= VD_LOG_ERROR && level <= VD_LOG_TRACE ? level_names[level] : NULL;
}

void vd_log_init(const struct vd_log_setup *wanted)
{
    level_now = (int)wanted->level;
    json_now = wanted->json;
    wipe_now = wanted->wipe;
}

struct vd_log_setup vd_log_get(void)
{
    return (struct vd_log_setup){(enum vd_level)level_now, json_now, wipe_now};
}

static void set_about(struct about *to, const char *job, const char *trace)
{
    /* W3C traceparent: version-trace-parent-flags */
    bool whole = trace && strlen(trace) >= 55 && trace[2] == '-' && trace[35] == '-';
    snprintf(to->job, sizeof to->job, "%s", job ? job : "");
    snprintf(to->trace, sizeof to->trace, "%.32s", !trace ? "" : whole ? trace + 3 : trace);
    vd_text_clean(to->job);
    vd_text_clean(to->trace);
}

void vd_log_about(const char *job, const char *trace)
{
    set_about(&about, job, trace);
}

void vd_log_about_all(const char *job, const char *trace)
{
    set_about(&others, job, trace);
}

static const struct about *what_about(void)
{
    return *about.job || *about.trace ? &about : &others;
}

/* In one write(), so that lines of parent and child do not mix. */
static void put(const char *line, size_t size)
{
    static const char wipe[] = "\r\033[K";
    struct iovec parts[] = {{(void *)wipe, wipe_now ? sizeof wipe - 1 : 0}, {(void *)line, size}};
    /* stderr is gone: there is nowhere left to say so */
    if (writev(STDERR_FILENO, parts, 2) < 0)
        return;
}

static void add(json_t *object, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(object, name, json_string(text));
}

static void put_json(enum vd_level level, const char *text)
{
    char stamp[40], line[2 * LINE + 512]; /* " and \\ take two */
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(stamp + used, sizeof stamp - used, ".%03ldZ", now.tv_nsec / 1000000);
    json_t *object = json_pack("{s:s, s:s}", "ts", stamp, "level", level_names[level]);
    add(object, "job", what_about()->job);
    add(object, "trace", what_about()->trace);
    json_object_set_new(object, "msg", json_string(text));
    size_t size = json_dumpb(object, line, sizeof line - 1, JSON_COMPACT);
    json_decref(object);
    if (size && size < sizeof line) {
        line[size] = '\n';
        put(line, size + 1);
    }
}

/* "vidriera: warning: [job] " */
static int put_prefix(enum vd_level level, char *line, size_t size)
{
    const char *word = level == VD_LOG_WARNING ? "warning: " : level > VD_LOG_INFO ? "debug: " : "";
    const char *job = what_about()->job;
    return snprintf(line, size, "vidriera: %s%s%s%s", word, *job ? "[" : "", job, *job ? "] " : "");
}

void vd_log(enum vd_level level, const char *fmt, ...)
{
    char line[LINE];
    va_list args;
    if ((int)level > level_now)
        return;
    bool json = json_now;
    int prefix = json ? 0 : put_prefix(level, line, sizeof line);
    va_start(args, fmt);
    vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, fmt, args);
    va_end(args);
    vd_text_clean(line);
    if (json) {
        put_json(level, line);
        return;
    }
    size_t size = strlen(line);
    line[size] = '\n';
    put(line, size + 1);
}
