/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors as values.
 *
 * A function that can fail returns 0 or a negative number and, where a cause is worth words, fills a struct vd_err of
 * the caller's. The words are set once, by whoever knows the cause, and printed once, at the top: callers in between
 * pass them on untouched. Any thread; a struct vd_err belongs to one thread at a time.
 */
#ifndef VIDRIERA_ERR_H
#define VIDRIERA_ERR_H

/* What went wrong, as far as the user's next step depends on it. One row a code in base/err.c: exit status, word. */
enum vd_code {
    VD_OK,
    VD_USAGE,       /* 64: the command line */
    VD_INPUT,       /* 65: the input is unusable */
    VD_NO_INPUT,    /* 66: there is no such input */
    VD_UNAVAILABLE, /* 69: something required is not there */
    VD_UNFIT,       /* 69: what was demanded is there, and cannot do this input */
    VD_DEFECT,      /* 70: ours */
    VD_NO_OUTPUT,   /* 73: the output cannot be created */
    VD_IO,          /* 74: reading or writing failed */
    VD_AGAIN,       /* 75: try again later */
    VD_CONFIG,      /* 78: the configuration */
};

struct vd_err {
    enum vd_code code;
    char stage
        [16]; /* where: start, open, demux, decode, effect, encode, mux, verify, commit … ; empty outside the pipeline */
    char text[480]; /* "<what>: <why>; <what to do>", one line, no full stop */
};

/* Fills *err (cleaned as by vd_text_clean) and returns -1, so that `return vd_fail(…)` reads well. NULL err is fine. */
int vd_fail(struct vd_err *err, enum vd_code code, const char *stage, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The exit status of <sysexits.h> for a code; 0 for VD_OK. */
int vd_code_exit(enum vd_code code);

/* What becomes of a job that ended so: "reject" (it can never succeed), "retry", "host" (this machine cannot, now). */
const char *vd_code_fate(enum vd_code code);

/* The word for a code in documents and logs ("input", "unavailable" …), and back; -1 for a word that is none. */
const char *vd_code_name(enum vd_code code);
int vd_code_parse(const char *name, enum vd_code *code);

#endif
