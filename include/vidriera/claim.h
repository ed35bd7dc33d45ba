/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A claim on a job: an open-file-description lock on STATE/claims/<job>, so that one worker of all that share the state
 * folder works on it. The lock lives as long as any process holds the descriptor: supervisor and slot hold it together.
 * The file holds the job's attempts, each recorded (fsync) before it starts. It stays until the job is done with
 * altogether (published and archived): what lies in claims/ is what is unfinished.
 *
 * One thread owns a claim.
 */
#ifndef VIDRIERA_CLAIM_H
#define VIDRIERA_CLAIM_H

#include "vidriera/order.h"
#include "vidriera/roots.h"

struct vd_claim {
    int fd; /* close-on-exec; -1: none */
    char job[VD_JOB_ID];
    bool fresh;          /* this take made the file: nobody had a claim on the job */
    int attempts;        /* begun, over all workers and lives */
    int deaths;          /* of slots, seen by a supervisor that lived on */
    int unended;         /* begun and never ended: the supervisor died too */
    char last_death[32]; /* "SIGSEGV", "stalled" …; empty: none */
};

#define VD_CLAIM_NONE ((struct vd_claim){.fd = -1})

/*
 * 0: ours. 1: held elsewhere (or by another order here). -1: VD_IO. A lock on a file that was removed meanwhile does
 * not count: tried anew.
 */
int vd_claim_take(struct vd_claim *claim, const struct vd_roots *roots, const char *job, struct vd_err *err);

/* Records the start of an attempt, on disk when this returns. */
int vd_claim_begin(struct vd_claim *claim, const char *worker, struct vd_err *err);

/* Forgets every attempt, on disk when this returns. VD_IO. */
int vd_claim_reset(struct vd_claim *claim, struct vd_err *err);

/* Records how it ended: how is "retry", "host", "given-back", "done" or, with death, a slot's death. Best effort. */
void vd_claim_end(struct vd_claim *claim, const char *how, bool death);

/* Lets go; the file stays. Accepts an empty claim. */
void vd_claim_release(struct vd_claim *claim);

/* The job is done with: removes the file, then lets go. */
void vd_claim_remove(struct vd_claim *claim, const struct vd_roots *roots);

/* The jobs that lie in claims/, each given to `each` until it returns false. */
int vd_claims_list(const struct vd_roots *roots, bool (*each)(void *opaque, const char *job), void *opaque,
                   struct vd_err *err);

#endif
