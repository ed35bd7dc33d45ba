/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one door for everything that is said on stderr. One event a line; text by default, JSON objects with
 * --log-format json. Any thread: a line goes out in one write().
 */
#ifndef VIDRIERA_LOG_H
#define VIDRIERA_LOG_H

#include <stdbool.h>

enum vd_level { VD_LOG_ERROR, VD_LOG_WARNING, VD_LOG_INFO, VD_LOG_DEBUG, VD_LOG_TRACE };

struct vd_log_setup {
    enum vd_level level; /* the most talkative level that is printed */
    bool json;
    bool wipe; /* a progress bar may stand where the line goes: take it off first */
};

/* "error" …; NULL past the end. */
const char *vd_log_level_name(int level);

/* At any time. Without it: text, VD_LOG_INFO. A child process inherits it. */
void vd_log_init(const struct vd_log_setup *setup);
struct vd_log_setup vd_log_get(void);

/*
 * Every line of this thread from now on is about that job, and carries its id and trace id: as members "job" and
 * "trace" in JSON; in text the job's id goes in front. trace may be a whole traceparent. Copied; NULL or empty: about
 * none.
 */
void vd_log_about(const char *job, const char *trace);

/* The same for every thread that says nothing of its own. While no other thread logs: between the jobs of a slot. */
void vd_log_about_all(const char *job, const char *trace);

/*
 * Text: "vidriera: <text>" (error, info) or "vidriera: warning: <text>". JSON: {"ts","level","msg"}. The text is
 * cleaned as by vd_text_clean: it may quote hostile metadata.
 */
void vd_log(enum vd_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
