/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When is a recording finished? Pure: looks at the file and the times of these looks come from the caller, in ms of a
 * clock that only goes forward.
 */
#ifndef VIDRIERA_WORKER_WATCH_READY_H
#define VIDRIERA_WORKER_WATCH_READY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Says that a session is over: metadata.json, .vidriera-final, or both. */
struct vd_mark {
    bool there;
    int64_t mtime_ns; /* of the later one */
    int64_t bytes;    /* of metadata.json, which may still be written */
};

enum vd_index { VD_INDEX_UNKNOWN, VD_INDEX_READABLE, VD_INDEX_MISSING };

struct vd_ready {
    bool seen;
    struct stat st; /* at the last look */
    struct vd_mark mark;
    int64_t since_ms, mark_since_ms; /* the first look that found it as it is now */
    int64_t last_ms;
    enum vd_index index; /* the caller's to fill in after VD_READY_INDEX */
};

struct vd_ready_rule {
    int64_t quiet_ms;     /* unchanged for so long, and nothing says that the session is over */
    int64_t settle_ms;    /* it is over */
    int64_t abandoned_ms; /* it never got an index */
};

enum vd_verdict {
    VD_READY_WAIT,
    VD_READY_INDEX,     /* finished if its index is readable: look, set it, judge again */
    VD_READY_FINISHED,  /* and nobody writes to it any more */
    VD_READY_ABANDONED, /* without an index, and nothing will come */
};

void vd_ready_rule_init(struct vd_ready_rule *rule, int quiet_s);

/* Notes a look. True when it is another file than at the last look, or was written to. */
bool vd_ready_look(struct vd_ready *ready, const struct stat *st, const struct vd_mark *mark, int64_t now_ms);

enum vd_verdict vd_ready_judge(const struct vd_ready *ready, const struct vd_ready_rule *rule);

/* After VD_READY_WAIT: the earliest look that may bring another verdict. */
int64_t vd_ready_due(const struct vd_ready *ready, const struct vd_ready_rule *rule);

/* Device, inode, size and mtime are the same. */
bool vd_same_file(const struct stat *a, const struct stat *b);

int64_t vd_mtime_ns(const struct stat *st);

#endif
