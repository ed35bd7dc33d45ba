/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders that lie on Kafka, and how far the group is. */
#include "board_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_order(struct vd_board_order *order)
{
    free(order->path);
    free(order->session);
}

void vd_board_orders_finish(struct vd_board *board)
{
    for (int i = 0; i < board->order_count; i++)
        free_order(&board->orders[i]);
    free(board->orders);
    free(board->partitions);
}

const struct vd_board_order *vd_board_order_of(const struct vd_board *board, const struct vd_board_job *job)
{
    const struct vd_board_order *newest = NULL;
    for (int i = 0; i < board->order_count; i++) {
        const struct vd_board_order *order = &board->orders[i];
        if (!strcmp(order->home, job->name) && (!newest || order->timestamp_ms > newest->timestamp_ms))
            newest = order;
    }
    return newest;
}

static struct vd_board_order *order_at(const struct vd_board *board, int32_t partition, int64_t offset)
{
    for (int i = 0; i < board->order_count; i++)
        if (board->orders[i].partition == partition && board->orders[i].offset == offset)
            return &board->orders[i];
    return NULL;
}

static void settle_named(struct vd_board *board, const char *name)
{
    struct vd_board_job *job = vd_board_job(board, name);
    if (job)
        vd_board_settle(board, job);
}

void vd_board_name_order(struct vd_board *board, const struct vd_board_job *job)
{
    char home[VD_JOB_ID];
    struct vd_board_order *order = order_at(board, job->partition, job->offset);
    if (!order || !order->nameless || !strcmp(order->home, job->name))
        return;
    memcpy(home, order->home, sizeof home);
    memcpy(order->home, job->name, sizeof order->home);
    settle_named(board, home);
}

static void drop_order(struct vd_board *board, struct vd_board_order *order)
{
    char home[VD_JOB_ID];
    memcpy(home, order->home, sizeof home);
    free_order(order);
    *order = board->orders[--board->order_count];
    settle_named(board, home);
}

/* The job that a status has given those coordinates to; NULL: none yet. */
static const struct vd_board_job *named_at(const struct vd_board *board, int32_t partition, int64_t offset)
{
    for (int i = 0; i < board->job_count; i++) {
        const struct vd_board_job *job = board->jobs[i];
        if (job->placed && job->partition == partition && job->offset == offset)
            return job;
    }
    return NULL;
}

static bool before(const struct vd_board_order *a, const struct vd_board_order *b)
{
    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms < b->timestamp_ms;
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

/* When there are too many, the oldest are those that are shown. */
static void keep_order(struct vd_board *board, const struct vd_board_order *order)
{
    struct vd_board_order kept = *order, *last = NULL;
    for (int i = 0; i < board->order_count; i++)
        if (!last || before(last, &board->orders[i]))
            last = &board->orders[i];
    bool full = last && board->order_count == VD_BOARD_WAITING;
    if (full && !before(order, last))
        return;
    struct vd_board_job *job = vd_board_make(board, kept.home);
    kept.path = strdup(order->path);
    kept.session = strdup(order->session);
    if (!job || !kept.path || !kept.session) {
        free_order(&kept);
        return;
    }
    if (full)
        drop_order(board, last);
    board->orders[board->order_count++] = kept;
    settle_named(board, kept.home);
}

static struct vd_board_partition *partition_of(struct vd_board *board, int32_t partition, bool make)
{
    for (int i = 0; i < board->partition_count; i++)
        if (board->partitions[i].partition == partition)
            return &board->partitions[i];
    if (!make)
        return NULL;
    struct vd_board_partition *more = realloc(board->partitions,
                                              (size_t)(board->partition_count + 1) * sizeof *board->partitions);
    if (!more)
        return NULL;
    board->partitions = more;
    more[board->partition_count] = (struct vd_board_partition){.partition = partition};
    return &more[board->partition_count++];
}

void vd_board_waits(struct vd_board *board, int32_t partition, int64_t offset, int64_t timestamp_ms,
                    const struct vd_order *order)
{
    if (!board)
        return;
    struct vd_board_order kept = {.partition = partition,
                                  .offset = offset,
                                  .timestamp_ms = timestamp_ms,
                                  .nameless = !*order->id,
                                  .path = (char *)order->path,
                                  .session = (char *)order->session};
    memcpy(kept.root, order->root, sizeof kept.root);
    vd_board_lock(board);
    const struct vd_board_partition *known = partition_of(board, partition, false);
    const struct vd_board_job *named = named_at(board, partition, offset);
    if (*order->id)
        memcpy(kept.home, order->id, sizeof kept.home);
    else if (named)
        memcpy(kept.home, named->name, sizeof kept.home);
    else
        snprintf(kept.home, sizeof kept.home, "vidriera.jobs-%" PRId32 "-%" PRId64, partition, offset);
    if (!(known && offset < known->committed) && !order_at(board, partition, offset))
        keep_order(board, &kept);
    vd_board_unlock(board);
}

void vd_board_committed(struct vd_board *board, int32_t partition, int64_t committed, int64_t end)
{
    if (!board)
        return;
    vd_board_lock(board);
    struct vd_board_partition *known = partition_of(board, partition, true);
    if (known && end < known->committed) /* the topic was made anew */
        *known = (struct vd_board_partition){.partition = partition};
    if (known && (committed > known->committed || end > known->end)) {
        known->committed = committed > known->committed ? committed : known->committed;
        known->end = end > known->end ? end : known->end;
        vd_board_change(board);
        for (int i = board->order_count - 1; i >= 0; i--)
            if (board->orders[i].partition == partition && board->orders[i].offset < known->committed)
                drop_order(board, &board->orders[i]);
    }
    vd_board_unlock(board);
}
