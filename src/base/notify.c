/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/notify.h"

#include "vidriera/log.h"
#include "vidriera/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
    bool looked; /* at the environment */
    int socket;  /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t size;
    double watchdog; /* seconds; INFINITY: none */
    double alive_at; /* monotonic: told last */
    bool ready;      /* to be told, or told */
    bool ready_sent, stopping_sent;
    char status[300]; /* sent last */
} notify = {.socket = -1, .watchdog = INFINITY};

/* False: no such address. */
static bool find_address(const char *name)
{
    size_t size = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || size < 2 || size >= sizeof notify.address.sun_path)
        return false;
    notify.address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify.address.sun_path, name, size);
    if (name[0] == '@') /* abstract: its length is part of it */
        notify.address.sun_path[0] = '\0';
    notify.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
    return true;
}

static double find_watchdog(void)
{
    const char *span = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!span || (pid && atoll(pid) != getpid()))
        return INFINITY;
    long long microseconds = atoll(span);
    return microseconds > 0 ? (double)microseconds / 1e6 : INFINITY;
}

/* True: somebody listens. */
static bool open_once(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (notify.looked)
        return notify.socket >= 0;
    notify.looked = true;
    if (!name || !*name)
        return false;
    if (!find_address(name)) {
        vd_log(VD_LOG_WARNING,
               "NOTIFY_SOCKET=%s: neither a path nor an abstract name of a socket; nothing is told there", name);
        return false;
    }
    notify.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    notify.watchdog = find_watchdog();
    return notify.socket >= 0;
}

static bool send_text(const char *text)
{
    return open_once() && sendto(notify.socket, text, strlen(text), MSG_NOSIGNAL,
                                 (const struct sockaddr *)&notify.address, notify.size) >= 0;
}

/* Once more where it did not go through: systemd ends a service that it never hears this of. */
static void send_ready(void)
{
    if (notify.ready && !notify.ready_sent)
        notify.ready_sent = send_text("READY=1");
}

void vd_notify_ready(void)
{
    notify.ready = true;
    send_ready();
}

void vd_notify_status(const char *fmt, ...)
{
    char status[sizeof notify.status], text[sizeof status + 8];
    va_list args;
    if (!open_once())
        return;
    va_start(args, fmt);
    vsnprintf(status, sizeof status, fmt, args);
    va_end(args);
    vd_text_clean(status);
    if (!strcmp(status, notify.status))
        return;
    snprintf(text, sizeof text, "STATUS=%s", status);
    if (send_text(text))
        strcpy(notify.status, status);
}

void vd_notify_alive(double now)
{
    send_ready();
    if (!open_once() || (notify.alive_at != 0 && now < notify.alive_at + notify.watchdog / 2))
        return;
    if (isfinite(notify.watchdog) && send_text("WATCHDOG=1"))
        notify.alive_at = now;
}

/* What is told at half of its time at the earliest is told at three quarters at the latest. */
double vd_notify_patience(void)
{
    open_once();
    return notify.watchdog / 4;
}

void vd_notify_stopping(void)
{
    if (!notify.stopping_sent)
        notify.stopping_sent = send_text("STOPPING=1");
}

void vd_notify_extend(double seconds)
{
    char text[64];
    snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%.0f", ceil(seconds * 1e6));
    send_text(text);
}
