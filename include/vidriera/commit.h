/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Video and sidecar, whole or not at all. The sidecar (with the video's digest) lies as `.vd-<job>-<nonce>.part` in the
 * target's folder and is on disk before the video gets its name; then the sidecar gets `<name>.json`; then the folder
 * is synced. The sidecar's presence means complete; a crash between the two names is finished by vd_commit_recover().
 *
 * The caller holds the job's claim.
 */
#ifndef VIDRIERA_COMMIT_H
#define VIDRIERA_COMMIT_H

#include "vidriera/claim.h"
#include "vidriera/store.h"

#include <jansson.h>

/* What the output is called: beside the input's folder under processed. */
struct vd_target {
    char folder[VD_ORDER_PATH]; /* beneath processed */
    char name[256];             /* the file's name */
    bool shortened;             /* the wished name was too long: to be told in the result */
};

/* `<folder>/<stem>.<container>` of an input path; a stem too long is cut and gets 8 hex digits of its hash. */
void vd_target_make(struct vd_target *target, const char *input_path, const char *container);

/*
 * Names video and sidecar. document: the result with output.digest and "replay"; its output.path and output.root are
 * set here. A taken name becomes `<stem>.<job8>.<ext>` (job8: 8 hex digits of the id's hash), unless the file there is
 * the one that a crash left with our digest. The stage is empty afterwards, also after a failure, which leaves nothing
 * of ours. VD_IO: a failed fsync, a full disk, the root is away. VD_AGAIN: the folder was moved away meanwhile, or both
 * names are taken.
 */
int vd_commit(const struct vd_roots *roots, const struct vd_target *target, struct vd_stage *stage, const char *job,
              json_t *document, struct vd_err *err);

/*
 * Looks for what is there of this job already: a complete sidecar (found by its job id among the names that the input
 * may have got), or a pending one, which is completed now when its video has its name, and removed when not. 1:
 * *document is new; 0: nothing; -1: VD_IO.
 */
int vd_commit_recover(const struct vd_roots *roots, const char *input_path, const char *job, json_t **document,
                      struct vd_err *err);

/*
 * A complete sidecar of this very input (root and path), whatever its job: for orders without id whose input is gone.
 * As above.
 */
int vd_commit_find(const struct vd_roots *roots, const char *input_root, const char *input_path, json_t **document,
                   struct vd_err *err);

/*
 * Removes parts beneath processed whose claim can be taken (the pending sidecar of a video that has its name is
 * completed instead), and those that nobody claims and a day has not touched: there, in archived and failed, and in the
 * state folder. Returns how many were removed. For a thread of its own: it walks whole trees.
 */
int vd_parts_collect(const struct vd_roots *roots);

#endif
