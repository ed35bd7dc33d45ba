/* SPDX-License-Identifier: GPL-3.0-or-later */
/* News of jobs, and what is to be shown of each. */
#include "board_inner.h"

#include "vidriera/now.h"
#include "vidriera/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GONE_MAX = 1000, MEMBER_BYTES = 16 * 1024, MEMBER_DEPTH = 32 };

/* A worker tells every second of what it runs, and of what it tries again within a minute and a quarter. */
static const double silence_s = 120;

/* What is shown, and what finds the files. */
static const char *const of_result[] = {"status", "finished", "started", "worker", "attempt", "input",
                                        "output", "session",  "replay",  "device", "metrics", "verify",
                                        "error",  "warnings", "dropped", NULL};
static const char *const of_status[] = {"state",   "time",      "fraction", "frames",  "fps",
                                        "left_s",  "worker",    "attempt",  "started", "input",
                                        "session", "partition", "offset",   "error",   NULL};

static bool is_deep(const json_t *value, int most) // NOLINT(misc-no-recursion)
{
    const char *name;
    json_t *member;
    size_t i;
    bool deep = most < 0;
    if (!deep && json_is_array(value))
        json_array_foreach ((json_t *)value, i, member)
            deep = deep || is_deep(member, most - 1);
    if (!deep && json_is_object(value))
        json_object_foreach ((json_t *)value, name, member)
            deep = deep || is_deep(member, most - 1);
    return deep;
}

/* A copy with these members, without those that are too large or too deep: documents come from anybody. NULL: no memory. */
static json_t *keep(const json_t *document, const char *const *members)
{
    json_t *kept = json_object();
    for (; kept && *members; members++) {
        const json_t *value = json_object_get(document, *members);
        if (value && !is_deep(value, MEMBER_DEPTH) &&
            json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) <= MEMBER_BYTES)
            json_object_set_new(kept, *members, json_deep_copy(value));
    }
    return kept;
}

static void free_job(struct vd_board_job *job)
{
    json_decref(job->result);
    json_decref(job->status);
    free(job);
}

void vd_board_jobs_finish(struct vd_board *board)
{
    for (int i = 0; i < board->job_count; i++)
        free_job(board->jobs[i]);
    free(board->jobs);
}

struct vd_board_job *vd_board_job(const struct vd_board *board, const char *name)
{
    for (int i = 0; i < board->job_count; i++)
        if (!strcmp(board->jobs[i]->name, name))
            return board->jobs[i];
    return NULL;
}

/* Here alone a job is freed: pointers to jobs live until one is made. */
static void forget_gone(struct vd_board *board)
{
    int count = 0, oldest = -1;
    for (int i = 0; i < board->job_count; i++) {
        if (board->jobs[i]->shown != VD_SHOWN_GONE)
            continue;
        count++;
        if (oldest < 0 || board->jobs[i]->version < board->jobs[oldest]->version)
            oldest = i;
    }
    if (count < GONE_MAX)
        return;
    if (board->jobs[oldest]->version > board->forgotten)
        board->forgotten = board->jobs[oldest]->version;
    free_job(board->jobs[oldest]);
    board->jobs[oldest] = board->jobs[--board->job_count];
}

struct vd_board_job *vd_board_make(struct vd_board *board, const char *name)
{
    struct vd_board_job *job = vd_board_job(board, name);
    if (job || !vd_job_id_valid(name))
        return job;
    forget_gone(board);
    if (board->job_count == board->job_room) {
        int room = board->job_room ? 2 * board->job_room : 64;
        struct vd_board_job **jobs = realloc(board->jobs, (size_t)room * sizeof(struct vd_board_job *));
        if (!jobs)
            return NULL;
        board->jobs = jobs;
        board->job_room = room;
    }
    job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    snprintf(job->name, sizeof job->name, "%s", name);
    job->shown = VD_SHOWN_GONE;
    job->version = board->version;
    board->jobs[board->job_count++] = job;
    return job;
}

static enum vd_shown shown_end(const char *word)
{
    enum vd_status status;
    return word && vd_status_parse(word, &status) == 0 ? VD_SHOWN_COMPLETED + (enum vd_shown)status : VD_SHOWN_GONE;
}

/* Did its worker tell of it lately? Its clock may be another: what came while somebody listened was new then. */
static bool is_fresh(const struct vd_board_job *job)
{
    char oldest[VD_TIME_TEXT], newest[VD_TIME_TEXT];
    if (job->heard > 0)
        return vd_monotonic() - job->heard <= silence_s;
    vd_time_text(vd_wall() - silence_s, oldest);
    vd_time_text(vd_wall() + silence_s, newest);
    return strcmp(job->told, oldest) >= 0 && strcmp(job->told, newest) <= 0;
}

static enum vd_shown shown_status(const struct vd_board_job *job)
{
    const char *state = json_string_value(json_object_get(job->status, "state"));
    if (!state || !is_fresh(job) || (job->result && strcmp(job->told, job->finished) <= 0))
        return VD_SHOWN_GONE;
    if (!strcmp(state, "running"))
        return VD_SHOWN_RUNNING;
    return !strcmp(state, "retrying") ? VD_SHOWN_RETRYING : shown_end(state);
}

/* An order that is older than the end is one that this end answers, or a duplicate of it. */
static bool waits(const struct vd_board *board, const struct vd_board_job *job)
{
    char sent[VD_TIME_TEXT];
    const struct vd_board_order *order = vd_board_order_of(board, job);
    if (!order)
        return false;
    vd_time_text((double)order->timestamp_ms / 1000, sent);
    return !job->result || strcmp(sent, job->finished) > 0;
}

static enum vd_shown shown(const struct vd_board *board, const struct vd_board_job *job)
{
    enum vd_shown status = shown_status(job);
    if (status == VD_SHOWN_RUNNING || status == VD_SHOWN_RETRYING)
        return status;
    if (waits(board, job))
        return VD_SHOWN_WAITING;
    return job->result ? shown_end(json_string_value(json_object_get(job->result, "status"))) : status;
}

static bool is_end(enum vd_shown shown)
{
    return shown >= VD_SHOWN_COMPLETED && shown < VD_SHOWN_GONE;
}

/* The end that is to be forgotten first; NULL: there are not too many. */
static struct vd_board_job *oldest_end(const struct vd_board *board)
{
    struct vd_board_job *oldest = NULL;
    int count = 0;
    for (int i = 0; i < board->job_count; i++) {
        struct vd_board_job *job = board->jobs[i];
        if (!is_end(job->shown))
            continue;
        count++;
        int order = oldest ? strcmp(job->finished, oldest->finished) : -1;
        if (order < 0 || (order == 0 && strcmp(job->name, oldest->name) < 0))
            oldest = job;
    }
    return count > VD_BOARD_ENDED ? oldest : NULL;
}

void vd_board_settle(struct vd_board *board, struct vd_board_job *job)
{
    enum vd_shown before = job->shown;
    job->shown = shown(board, job);
    if (before != VD_SHOWN_GONE || job->shown != VD_SHOWN_GONE)
        job->version = vd_board_change(board);
    struct vd_board_job *old = is_end(job->shown) ? oldest_end(board) : NULL;
    if (old) {
        json_decref(old->result);
        json_decref(old->status);
        old->result = old->status = NULL;
        *old->finished = 0;
        old->shown = VD_SHOWN_GONE;
        old->version = vd_board_change(board);
    }
}

void vd_board_jobs_expire(struct vd_board *board)
{
    for (int i = 0; i < board->job_count; i++) {
        struct vd_board_job *job = board->jobs[i];
        if ((job->shown == VD_SHOWN_RUNNING || job->shown == VD_SHOWN_RETRYING) && shown_status(job) == VD_SHOWN_GONE) {
            job->shown = shown(board, job);
            job->version = vd_board_change(board);
        }
    }
}

/* The message at those coordinates is this job's. */
static void place(struct vd_board *board, struct vd_board_job *job, const json_t *status)
{
    const json_t *partition = json_object_get(status, "partition"), *offset = json_object_get(status, "offset");
    if (!json_is_integer(partition) || !json_is_integer(offset))
        return;
    job->placed = true;
    job->partition = (int32_t)json_integer_value(partition);
    job->offset = json_integer_value(offset);
    vd_board_name_order(board, job);
}

static void take_status(struct vd_board *board, struct vd_board_job *job, const json_t *status)
{
    char told[VD_TIME_TEXT];
    const char *time = json_string_value(json_object_get(status, "time"));
    vd_time_text(vd_wall(), told);
    if (time)
        snprintf(told, sizeof told, "%s", time);
    int order = strcmp(told, job->told);
    json_t *kept = keep(status, of_status);
    if (!kept || order < 0 || (order == 0 && (!job->status || json_equal(kept, job->status)))) {
        json_decref(kept);
        return;
    }
    json_decref(job->status);
    job->status = kept;
    job->heard = board->read ? vd_monotonic() : 0;
    memcpy(job->told, told, sizeof told);
    place(board, job, status);
    vd_board_settle(board, job);
}

void vd_board_status(struct vd_board *board, const char *job, const json_t *status)
{
    if (!board)
        return;
    vd_board_lock(board);
    struct vd_board_job *known = status ? vd_board_make(board, job) : vd_board_job(board, job);
    if (known && status) {
        take_status(board, known, status);
    } else if (known && known->status) {
        json_decref(known->status);
        known->status = NULL;
        vd_board_settle(board, known);
    }
    vd_board_unlock(board);
}

void vd_board_result(struct vd_board *board, const char *job, const json_t *result)
{
    const char *finished = json_string_value(json_object_get(result, "finished"));
    const char *status = json_string_value(json_object_get(result, "status"));
    if (!board || !finished || shown_end(status) == VD_SHOWN_GONE)
        return;
    vd_board_lock(board);
    struct vd_board_job *known = vd_board_make(board, job);
    json_t *kept = known && strcmp(finished, known->finished) > 0 ? keep(result, of_result) : NULL;
    if (kept) {
        json_decref(known->result);
        known->result = kept;
        snprintf(known->finished, sizeof known->finished, "%s", finished);
        vd_board_settle(board, known);
    }
    vd_board_unlock(board);
}

void vd_board_dead_letter(struct vd_board *board, const char *job, int64_t timestamp_ms)
{
    if (!board)
        return;
    vd_board_lock(board);
    struct vd_board_job *known = vd_board_make(board, job);
    if (known && timestamp_ms > known->letter_ms) {
        known->letter_ms = timestamp_ms;
        vd_board_settle(board, known);
    }
    vd_board_unlock(board);
}

json_t *vd_board_find(struct vd_board *board, const char *job)
{
    vd_board_lock(board);
    const struct vd_board_job *known = vd_board_job(board, job);
    json_t *result = known && known->result ? json_deep_copy(known->result) : NULL;
    vd_board_unlock(board);
    return result;
}
