/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *word;
    size_t member;
    bool counts;
} known[] = {
    {"crash-init", offsetof(struct vd_orders, crash_init), false},
    {"decode", offsetof(struct vd_orders, decode), true},
    {"encode", offsetof(struct vd_orders, encode), true},
    {"hang", offsetof(struct vd_orders, hang), true},
    {"hang-init", offsetof(struct vd_orders, hang_init), false},
    {"no-decode", offsetof(struct vd_orders, no_decode), false},
    {"no-encode", offsetof(struct vd_orders, no_encode), false},
    {"no-profile", offsetof(struct vd_orders, no_profile), false},
    {"node", offsetof(struct vd_orders, node), true},
    {"room", offsetof(struct vd_orders, room), true},
    {"surface", offsetof(struct vd_orders, surface), true},
    {"sync", offsetof(struct vd_orders, sync), true},
    {"tall", offsetof(struct vd_orders, tall), false},
};

static bool read_one(struct vd_orders *orders, char *word)
{
    char *colon = strchr(word, ':'), *end = NULL;
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 1;
    if (colon)
        *colon = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(word, known[i].word) || known[i].counts != !!colon || !number || (end && *end))
            continue;
        *(unsigned *)((char *)orders + known[i].member) = (unsigned)number;
        return true;
    }
    return false;
}

bool vd_orders_read(struct vd_orders *orders, unsigned node)
{
    *orders = (struct vd_orders){0};
    const char *wanted = getenv("VD_DOUBLE_FAIL");
    char words[256];
    int length = snprintf(words, sizeof words, "%s", wanted ? wanted : "");
    bool understood = length >= 0 && (size_t)length < sizeof words;
    char *rest = NULL;
    for (char *word = strtok_r(words, ",", &rest); word && understood; word = strtok_r(NULL, ",", &rest))
        understood = read_one(orders, word);
    if (!understood)
        fprintf(stderr, "vd_double: VD_DOUBLE_FAIL=%s: not understood; see the README beside the double\n", wanted);
    if (orders->node && orders->node != node)
        *orders = (struct vd_orders){0};
    orders->main10 = getenv("VD_DOUBLE_MAIN10") != NULL;
    return understood;
}

bool vd_orders_fail(const char *what, unsigned *count, unsigned order)
{
    if (++*count < order || !order)
        return false;
    vd_log("fail what=%s n=%u", what, *count);
    return true;
}

void vd_orders_hang(const char *where)
{
    sem_t never; /* a system call that a sandbox allows */
    vd_log("hang where=%s", where);
    sem_init(&never, 0, 0);
    for (;;)
        sem_wait(&never);
}

static int log_fd = -1;

void vd_log_open(void)
{
    const char *path = getenv("VD_DOUBLE_LOG");
    if (!path || log_fd >= 0)
        return;
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_fd < 0)
        fprintf(stderr, "vd_double: VD_DOUBLE_LOG=%s: %s\n", path, strerror(errno));
}

void vd_log(const char *format, ...)
{
    if (log_fd < 0)
        return;
    char line[512];
    int length = snprintf(line, sizeof line, "pid=%d ", (int)getpid());
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(log_fd, line, (size_t)length) != length)
        fprintf(stderr, "vd_double: the log cannot be written: %s\n", strerror(errno));
}
