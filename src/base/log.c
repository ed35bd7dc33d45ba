/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/log.h"

#include "vidriera/text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1024 };

static struct vd_log_setup setup = {.level = VD_LOG_INFO};

static const char *const level_names[] = {"error", "warning", "info", "debug", "trace"};

void vd_log_init(const struct vd_log_setup *wanted)
{
    setup = *wanted;
}

struct vd_log_setup vd_log_get(void)
{
    return setup;
}

/* In one write(), so that lines of parent and child do not mix. */
static void put(const char *line, size_t size)
{
    static const char wipe[] = "\r\033[K";
    struct iovec parts[] = {{(void *)wipe, setup.wipe ? sizeof wipe - 1 : 0}, {(void *)line, size}};
    /* stderr is gone: there is nowhere left to say so */
    if (writev(STDERR_FILENO, parts, 2) < 0)
        return;
}

static void put_json(enum vd_level level, const char *text)
{
    char stamp[40], line[2 * LINE + 128]; /* " and \\ take two */
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(stamp + used, sizeof stamp - used, ".%03ldZ", now.tv_nsec / 1000000);
    json_t *object = json_pack("{s:s, s:s, s:s}", "ts", stamp, "level", level_names[level], "msg", text);
    size_t size = json_dumpb(object, line, sizeof line - 1, JSON_COMPACT);
    json_decref(object);
    if (size && size < sizeof line) {
        line[size] = '\n';
        put(line, size + 1);
    }
}

void vd_log(enum vd_level level, const char *fmt, ...)
{
    char line[LINE];
    va_list args;
    if (level > setup.level)
        return;
    int prefix = setup.json ? 0
                            : snprintf(line, sizeof line, "vidriera: %s",
                                       level == VD_LOG_WARNING ? "warning: "
                                       : level > VD_LOG_INFO   ? "debug: "
                                                               : "");
    va_start(args, fmt);
    vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, fmt, args);
    va_end(args);
    vd_text_clean(line);
    if (setup.json) {
        put_json(level, line);
        return;
    }
    size_t size = strlen(line);
    line[size] = '\n';
    put(line, size + 1);
}
