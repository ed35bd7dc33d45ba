/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_ready.h"

enum { SETTLE_MS = 1000, ABANDONED_S = 60, ABANDONED_QUIETS = 12 };

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void vd_ready_rule_init(struct vd_ready_rule *rule, int quiet_s)
{
    rule->quiet_ms = later(quiet_s * INT64_C(1000), 1);
    rule->settle_ms = rule->quiet_ms < SETTLE_MS ? rule->quiet_ms : SETTLE_MS;
    rule->abandoned_ms = later(ABANDONED_S * INT64_C(1000), ABANDONED_QUIETS * rule->quiet_ms);
}

int64_t vd_mtime_ns(const struct stat *st)
{
    return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

bool vd_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           vd_mtime_ns(a) == vd_mtime_ns(b);
}

static bool same_mark(const struct vd_mark *a, const struct vd_mark *b)
{
    return a->there == b->there && a->mtime_ns == b->mtime_ns && a->bytes == b->bytes;
}

bool vd_ready_look(struct vd_ready *ready, const struct stat *st, const struct vd_mark *mark, int64_t now_ms)
{
    bool other = !ready->seen || !vd_same_file(&ready->st, st);
    if (other) {
        ready->since_ms = now_ms;
        ready->index = VD_INDEX_UNKNOWN;
    }
    if (!ready->seen || !same_mark(&ready->mark, mark))
        ready->mark_since_ms = now_ms;
    ready->seen = true;
    ready->st = *st;
    ready->mark = *mark;
    ready->last_ms = now_ms;
    return other;
}

/* A mark older than the file belongs to an earlier recording of the folder. Both times are the same file system's. */
static bool session_over(const struct vd_ready *ready)
{
    return ready->mark.there && ready->mark.mtime_ns >= vd_mtime_ns(&ready->st);
}

/* The first moment that could be the second look. */
static int64_t still_at(const struct vd_ready *ready, const struct vd_ready_rule *rule)
{
    int64_t at = ready->since_ms + (session_over(ready) ? rule->settle_ms : rule->quiet_ms);
    return ready->mark.there ? later(at, ready->mark_since_ms + rule->settle_ms) : at;
}

enum vd_verdict vd_ready_judge(const struct vd_ready *ready, const struct vd_ready_rule *rule)
{
    if (ready->last_ms < still_at(ready, rule))
        return VD_READY_WAIT;
    if (ready->index == VD_INDEX_UNKNOWN)
        return VD_READY_INDEX;
    if (ready->index == VD_INDEX_READABLE)
        return VD_READY_FINISHED;
    return ready->last_ms < ready->since_ms + rule->abandoned_ms ? VD_READY_WAIT : VD_READY_ABANDONED;
}

int64_t vd_ready_due(const struct vd_ready *ready, const struct vd_ready_rule *rule)
{
    int64_t still = still_at(ready, rule);
    return ready->index == VD_INDEX_MISSING ? later(still, ready->since_ms + rule->abandoned_ms) : still;
}
