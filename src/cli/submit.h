/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `vidriera submit` is made of: from paths to orders, and from orders to their end. One thread. */
#ifndef VIDRIERA_CLI_SUBMIT_H
#define VIDRIERA_CLI_SUBMIT_H

#include "settings.h"

#include "vidriera/order.h"
#include "vidriera/roots.h"
#include "vidriera/sender.h"

/* One recording, and its job. */
struct vd_submitted {
    enum vd_root root;
    char *path; /* beneath the root */
    char job[VD_JOB_ID];
    char *text; /* the order; NULL: none could be made, or it has been delivered */
    enum {
        VD_SUBMIT_NEW,
        VD_SUBMIT_GIVEN, /* to Kafka or the spool */
        VD_SUBMIT_OVER,
    } state;
    int64_t settles_ms; /* over at that time, if nothing more is heard: the job was done before; 0: no such time */
    int64_t shown_ms;   /* when its progress was told last */
};

struct vd_submission {
    const struct vd_settings *settings;
    struct vd_roots roots;
    char *resolved[VD_ROOTS];   /* the roots without symbolic links */
    struct vd_submitted *items; /* by root and path, each once */
    int count;
    int status; /* exit status of the first that went wrong; 0: none did */
};

/* submit_paths.c. Opens the folders. */
int vd_submit_open(struct vd_submission *submission, const struct vd_settings *settings, struct vd_err *err);

/* Accepts a zeroed one. */
void vd_submit_close(struct vd_submission *submission);

/* Adds what a PATH stands for: a file, or every recording beneath a folder. VD_NO_INPUT, VD_USAGE: it
 * is not beneath a root. */
int vd_submit_add(struct vd_submission *submission, const char *path, struct vd_err *err);

/* After the last one. */
void vd_submit_sort(struct vd_submission *submission);

/* The job's id, and the order's text. Reads the whole file. */
int vd_submit_order(const struct vd_submission *submission, struct vd_submitted *item, struct vd_err *err);

/* NULL: it is none of these. */
struct vd_submitted *vd_submit_find(struct vd_submission *submission, const char *job);

/* This recording went wrong: said at once, and remembered for the end. */
void vd_submit_fail(struct vd_submission *submission, const struct vd_submitted *item, enum vd_code code,
                    const char *text);

/*
 * submit_wait.c. Until every job that was given is over. follower NULL: there is no broker, the jobs wait in the spool;
 * what is in the state folder tells of their end. -1: stdout cannot be written.
 */
int vd_submit_wait(struct vd_submission *submission, struct vd_follower *follower, struct vd_err *err);

#endif
