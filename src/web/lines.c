/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lines.h"

#include "vidriera/now.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const double allowed_s[] = {[VD_ASKS] = vd_request_s, [VD_ANSWERED] = vd_answer_s, [VD_GOES_ON] = vd_piece_s};
static const double rest_s = 0.2;

/* Locked, as all below that is static. */
static void end_line(struct vd_lines *lines, struct vd_line *line)
{
    shutdown(line->fd, SHUT_RDWR);
    line->ended = true;
    lines->kept--;
}

/* Who has waited longest; those who still ask go before those who are answered. */
static void make_room(struct vd_lines *lines)
{
    struct vd_line *oldest = NULL;
    for (struct vd_line *line = lines->first; line; line = line->after)
        if (!line->ended && line->phase != VD_GOES_ON &&
            (!oldest || line->phase < oldest->phase ||
             (line->phase == oldest->phase && line->deadline < oldest->deadline)))
            oldest = line;
    if (oldest)
        end_line(lines, oldest);
}

/* Ends what is late. Returns when to look again. */
static double look(struct vd_lines *lines)
{
    double now = vd_monotonic(), next = INFINITY;
    for (struct vd_line *line = lines->first; line; line = line->after)
        if (!line->ended && line->deadline <= now)
            end_line(lines, line);
        else if (!line->ended)
            next = fmin(next, line->deadline);
    return next;
}

static void wake(struct vd_lines *lines)
{
    static const uint64_t one = 1;
    ssize_t put = write(lines->wake, &one, sizeof one);
    (void)put; /* it is full of calls already */
}

/* --- the thread, unlocked */

static void count_coming(struct vd_lines *lines, int by)
{
    pthread_mutex_lock(&lines->lock);
    lines->coming += by;
    pthread_mutex_unlock(&lines->lock);
}

/* False: the process has no descriptor left. */
static bool take_in(struct vd_lines *lines)
{
    int fd = accept4(lines->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        count_coming(lines, 1);
        if (!lines->take_in(lines->opaque, fd))
            count_coming(lines, -1);
    }
    return fd >= 0 || (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM);
}

static void *run(void *opaque)
{
    struct vd_lines *lines = opaque;
    double rest = 0; /* takes nobody in until then */
    for (;;) {
        uint64_t calls;
        pthread_mutex_lock(&lines->lock);
        double next = look(lines), now = vd_monotonic();
        bool stop = lines->stop, room = lines->all + lines->coming < VD_LINES;
        pthread_mutex_unlock(&lines->lock);
        if (stop)
            return NULL;
        if (room && rest > now)
            next = fmin(next, rest);
        struct pollfd fds[] = {{.fd = lines->wake, .events = POLLIN}, {.fd = lines->listener, .events = POLLIN}};
        int timeout = isinf(next) ? -1 : next > now ? (int)((next - now) * 1000) + 1 : 0;
        if (poll(fds, room && rest <= now ? 2 : 1, timeout) <= 0)
            continue;
        while (read(lines->wake, &calls, sizeof calls) > 0)
            continue;
        if (fds[1].revents && !take_in(lines))
            rest = vd_monotonic() + rest_s;
    }
}

/* --- */

int vd_lines_init(struct vd_lines *lines, int listener)
{
    pthread_condattr_t attributes;
    *lines = (struct vd_lines){.listener = listener, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&lines->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lines->over, &attributes);
    pthread_condattr_destroy(&attributes);
    if (lines->wake >= 0)
        return 0;
    vd_lines_finish(lines);
    return -1;
}

int vd_lines_start(struct vd_lines *lines, bool (*take)(void *opaque, int fd), void *opaque)
{
    lines->take_in = take;
    lines->opaque = opaque;
    errno = pthread_create(&lines->thread, NULL, run, lines);
    return errno ? -1 : 0;
}

void vd_lines_stop(struct vd_lines *lines)
{
    pthread_mutex_lock(&lines->lock);
    lines->stop = true;
    for (struct vd_line *line = lines->first; line; line = line->after)
        if (!line->ended)
            end_line(lines, line);
    pthread_cond_broadcast(&lines->over);
    pthread_mutex_unlock(&lines->lock);
    wake(lines);
    pthread_join(lines->thread, NULL);
}

void vd_lines_finish(struct vd_lines *lines)
{
    close(lines->listener);
    if (lines->wake >= 0)
        close(lines->wake);
    pthread_cond_destroy(&lines->over);
    pthread_mutex_destroy(&lines->lock);
}

struct vd_line *vd_lines_add(struct vd_lines *lines, int fd)
{
    struct vd_line *line = malloc(sizeof *line);
    pthread_mutex_lock(&lines->lock);
    lines->coming--;
    if (!line) {
        pthread_mutex_unlock(&lines->lock);
        return NULL;
    }
    if (lines->kept >= VD_LINES_KEPT)
        make_room(lines);
    *line = (struct vd_line){.after = lines->first, .fd = fd, .deadline = vd_monotonic() + allowed_s[VD_ASKS]};
    if (lines->first)
        lines->first->before = line;
    lines->first = line;
    lines->kept++;
    lines->all++;
    pthread_mutex_unlock(&lines->lock);
    return line;
}

void vd_lines_remove(struct vd_lines *lines, struct vd_line *line)
{
    pthread_mutex_lock(&lines->lock);
    if (line->before)
        line->before->after = line->after;
    else
        lines->first = line->after;
    if (line->after)
        line->after->before = line->before;
    lines->kept -= !line->ended;
    if (lines->all-- + lines->coming >= VD_LINES)
        wake(lines);
    pthread_mutex_unlock(&lines->lock);
    free(line);
}

void vd_line_phase(struct vd_lines *lines, struct vd_line *line, enum vd_phase phase)
{
    pthread_mutex_lock(&lines->lock);
    double deadline = vd_monotonic() + allowed_s[phase];
    if (deadline < line->deadline) /* the thread may sleep for longer */
        wake(lines);
    line->phase = phase;
    line->deadline = deadline;
    pthread_mutex_unlock(&lines->lock);
}

bool vd_lines_enter(struct vd_lines *lines, enum vd_long kind)
{
    pthread_mutex_lock(&lines->lock);
    bool room = lines->longs[kind] < VD_LINES_LONG;
    lines->longs[kind] += room;
    pthread_mutex_unlock(&lines->lock);
    return room;
}

void vd_lines_leave(struct vd_lines *lines, enum vd_long kind)
{
    pthread_mutex_lock(&lines->lock);
    lines->longs[kind]--;
    pthread_mutex_unlock(&lines->lock);
}

bool vd_lines_wait(struct vd_lines *lines, double until)
{
    struct timespec at = {.tv_sec = (time_t)until, .tv_nsec = (long)((until - floor(until)) * 1e9)};
    pthread_mutex_lock(&lines->lock);
    while (!lines->stop && vd_monotonic() < until)
        pthread_cond_timedwait(&lines->over, &lines->lock, &at);
    bool stop = lines->stop;
    pthread_mutex_unlock(&lines->lock);
    return stop;
}
