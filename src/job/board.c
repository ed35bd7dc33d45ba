/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the board knows of this process, and how readers wait. Jobs are in board_jobs.c. */
#include "board_inner.h"

#include "vidriera/now.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const need_names[VD_NEEDS] = {
    [VD_NEED_KAFKA] = "kafka",
    [VD_NEED_FOLDERS] = "folders",
    [VD_NEED_DEVICE] = "device",
    [VD_NEED_RUNNING] = "running",
};

const char *vd_need_name(enum vd_need need)
{
    return need_names[need];
}

void vd_board_lock(struct vd_board *board)
{
    pthread_mutex_lock(&board->lock);
}

void vd_board_unlock(struct vd_board *board)
{
    pthread_mutex_unlock(&board->lock);
}

uint64_t vd_board_change(struct vd_board *board)
{
    pthread_cond_broadcast(&board->changed);
    return ++board->version;
}

struct vd_board *vd_board_create(const struct vd_board_setup *setup)
{
    pthread_condattr_t attr;
    struct vd_board *board = calloc(1, sizeof *board);
    if (!board)
        return NULL;
    pthread_mutex_init(&board->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&board->changed, &attr);
    pthread_condattr_destroy(&attr);
    board->kind = strdup(setup->kind);
    board->worker = strdup(setup->worker ? setup->worker : "");
    board->slots = setup->slots;
    board->patience_s = setup->patience_s;
    board->version = board->forgotten = (uint64_t)(vd_wall() * 1000); /* beyond every version of an earlier process */
    board->orders = calloc(VD_BOARD_WAITING, sizeof *board->orders);
    atomic_store(&board->beat, vd_monotonic());
    board->alive = true;
    bool whole = board->kind && board->worker && board->orders;
    for (int i = 0; i < VD_NEEDS; i++)
        if (i != VD_NEED_DEVICE || setup->slots > 0)
            whole &= (board->need[i] = strdup("starting")) != NULL;
    if (whole)
        return board;
    vd_board_destroy(board);
    return NULL;
}

void vd_board_destroy(struct vd_board *board)
{
    if (!board)
        return;
    vd_board_jobs_finish(board);
    vd_board_orders_finish(board);
    for (int i = 0; i < VD_NEEDS; i++)
        free(board->need[i]);
    free(board->device);
    free(board->reason);
    free(board->queue);
    free(board->kind);
    free(board->worker);
    pthread_cond_destroy(&board->changed);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

void vd_board_beat(struct vd_board *board)
{
    if (board)
        atomic_store(&board->beat, vd_monotonic());
}

/* Sets *to to a copy of text, nothing being NULL; what it was stays where there is no memory. True: it changed. */
static bool replace(char **to, const char *text)
{
    const char *now = text && *text ? text : NULL;
    if ((!now && !*to) || (now && *to && !strcmp(now, *to)))
        return false;
    char *copy = now ? strdup(now) : NULL;
    if (now && !copy)
        return false;
    free(*to);
    *to = copy;
    return true;
}

void vd_board_need(struct vd_board *board, enum vd_need need, const char *words)
{
    if (!board)
        return;
    vd_board_lock(board);
    if (replace(&board->need[need], words))
        vd_board_change(board);
    vd_board_unlock(board);
}

void vd_board_device(struct vd_board *board, const char *device, const char *reason)
{
    if (!board)
        return;
    vd_board_lock(board);
    bool other = replace(&board->device, device);
    other |= replace(&board->reason, reason);
    if (other)
        vd_board_change(board);
    vd_board_unlock(board);
}

void vd_board_working(struct vd_board *board, int slots_working)
{
    if (!board)
        return;
    vd_board_lock(board);
    if (board->working != slots_working) {
        board->working = slots_working;
        vd_board_change(board);
    }
    vd_board_unlock(board);
}

void vd_board_read(struct vd_board *board, bool all, const char *words)
{
    if (!board)
        return;
    vd_board_lock(board);
    if (replace(&board->queue, words) | (board->read != all))
        vd_board_change(board);
    board->read = all;
    vd_board_unlock(board);
}

bool vd_board_alive(struct vd_board *board, char *words, size_t size)
{
    double since = vd_monotonic() - atomic_load(&board->beat);
    if (size > 0)
        *words = 0;
    if (since <= board->patience_s)
        return true;
    snprintf(words, size, "the event loop has not come round for %.0f s; restart it and look at its log", since);
    return false;
}

void vd_board_expire(struct vd_board *board)
{
    bool alive = vd_board_alive(board, NULL, 0);
    vd_board_jobs_expire(board);
    if (alive == board->alive)
        return;
    board->alive = alive;
    vd_board_change(board);
}

bool vd_board_met(const struct vd_board *board)
{
    for (int i = 0; i < VD_NEEDS; i++)
        if (board->need[i])
            return false;
    return true;
}

bool vd_board_ready(struct vd_board *board, char *words, size_t size)
{
    static const struct vd_hidden nothing = {0};
    size_t used = 0;
    if (size > 0)
        *words = 0;
    vd_board_lock(board);
    bool ready = vd_board_met(board);
    for (int i = 0; i < VD_NEEDS; i++) {
        if (!board->need[i])
            continue;
        char *told = vd_board_words(board->need[i], &nothing);
        if (used < size)
            used += (size_t)snprintf(words + used, size - used, "%s%s: %s", used ? "\n" : "", need_names[i],
                                     told ? told : "no");
        free(told);
    }
    vd_board_unlock(board);
    return ready;
}

uint64_t vd_board_await(struct vd_board *board, uint64_t since, int timeout_ms)
{
    const struct timespec until = vd_monotonic_in(timeout_ms / 1000.0);
    vd_board_lock(board);
    vd_board_expire(board);
    while (board->version == since && !board->ends)
        if (pthread_cond_timedwait(&board->changed, &board->lock, &until) != 0)
            break;
    vd_board_expire(board);
    uint64_t version = board->version;
    vd_board_unlock(board);
    return version;
}

void vd_board_wake(struct vd_board *board)
{
    if (!board)
        return;
    vd_board_lock(board);
    board->ends = true;
    pthread_cond_broadcast(&board->changed);
    vd_board_unlock(board);
}
