/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The result document vidriera.result.v1: what became of one recording. Made by `process`, sent as an event by the
 * worker, and, with the member "replay" added, kept as sidecar and in the state folder. Any thread.
 */
#ifndef VIDRIERA_RESULT_H
#define VIDRIERA_RESULT_H

#include "vidriera/effect.h"
#include "vidriera/err.h"

#include <jansson.h>

enum vd_status { VD_COMPLETED, VD_FAILED, VD_REJECTED, VD_CANCELLED };

/* "completed" …; and back, -1 for another word. */
const char *vd_status_name(enum vd_status status);
int vd_status_parse(const char *name, enum vd_status *status);

/* What is known at the end. Pointers may be NULL, and texts empty: null, or left out, in the document. */
struct vd_outcome {
    enum vd_status status;
    const char *job, *session;
    const char *input_root, *input_path;
    const char *output_root, *output_path; /* only when there is an output */
    const struct vd_effect_params *effect;
    const json_t *report;     /* of the media process */
    const struct vd_err *err; /* for every status but VD_COMPLETED */
    int attempt;
    double started, finished; /* wall clock; finished 0: now */
    const char *worker;       /* NULL: the host's name */
    const json_t *meta;
};

/* A new document; NULL when there is no memory. Bytes that are not UTF-8 become null. */
json_t *vd_result_make(const struct vd_outcome *outcome);

/*
 * Where the order came from and which file it was: what a replay needs. Times in ns since the epoch.
 * As JSON the member "replay": {cluster, topic, partition, offset, dev, inode, bytes, mtime_ns}
 */
struct vd_replay {
    char cluster[64], topic[250];
    int32_t partition;
    int64_t offset;
    uint64_t dev, inode;
    int64_t bytes, mtime_ns;
};

/* Adds it. -1: no memory. */
int vd_replay_put(json_t *document, const struct vd_replay *replay);

/* -1 when the document has none that is well formed. */
int vd_replay_get(const json_t *document, struct vd_replay *replay);

/*
 * The document without "replay", as text for the event: one line, 512 KiB at most; where it would be longer, meta is left
 * out, then the ends of warnings and dropped, and a warning says so. The caller frees. NULL: no memory.
 */
char *vd_result_event(const json_t *document);

/* RFC 3339, UTC, milliseconds. */
void vd_time_text(double seconds, char text[32]);

#endif
