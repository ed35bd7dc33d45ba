/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "double.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAMES 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[32];
    unsigned long asked;
} counts[MAX_NAMES];

void vd_log(const char *format, ...)
{
    const char *path = getenv("VD_DOUBLE_LOG");
    if (!path)
        return;

    char line[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(line) - 32)
        abort();
    length += snprintf(line + length, sizeof(line) - (size_t)length, " pid=%d\n", (int)getpid());

    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)length) != length)
        abort();
    close(fd);
}

/* The list's item "name" or "name=value", behind `skip` others of that name: copies what follows '=', or "". */
static bool listed(const char *name, int skip, char value[256])
{
    const char *list = getenv("VD_DOUBLE_FAIL");
    size_t length = strlen(name);
    while (list && *list) {
        size_t item = strcspn(list, ",");
        if (item >= length && !memcmp(list, name, length) && (item == length || list[length] == '=') && !skip--) {
            size_t from = item == length ? length : length + 1;
            snprintf(value, 256, "%.*s", (int)(item - from), list + from);
            return true;
        }
        list += item + (list[item] == ',');
    }
    return false;
}

static unsigned long count(const char *name)
{
    unsigned long asked = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_NAMES && !asked; i++) {
        if (!counts[i].name[0])
            snprintf(counts[i].name, sizeof(counts[i].name), "%s", name);
        if (!strcmp(counts[i].name, name))
            asked = ++counts[i].asked;
    }
    pthread_mutex_unlock(&lock);
    return asked;
}

/* "once=PATH": of all processes, the one that can make the file fails. */
static bool is_first(void)
{
    char path[256];
    if (!listed("once", 0, path))
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool vd_fails(const char *name)
{
    char value[256];
    unsigned long asked = 0;
    bool fails = false;
    for (int i = 0; !fails && listed(name, i, value); i++) {
        if (value[0] && !asked)
            asked = count(name);
        fails = !value[0] || asked == strtoul(value, NULL, 10);
    }
    if (!fails || !is_first())
        return false;
    vd_log("fail what=%s", name);
    return true;
}

void vd_hangs(const char *name)
{
    if (!vd_fails(name))
        return;
    for (;;)
        pause();
}

bool vd_fails_while(const char *name)
{
    char path[256];
    if (!listed(name, 0, path) || access(path, F_OK))
        return false;
    vd_log("fail what=%s", name);
    return true;
}
