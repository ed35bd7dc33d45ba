/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP: health for machines, a page for people (libmicrohttpd, its own threads). Reads the board and metrics alone, so
 * that an answer never waits for a broker. Everything that a client sends is hostile.
 *
 *   GET  /healthz /readyz /metrics             text; tell no names; no token (metrics: unless metrics_auth)
 *   GET  /  /page.css /page.js …               the page (src/web/page/); it has no data in it
 *   GET  /version                              text
 *   GET  /api/jobs[?since=VERSION]             vd_board_look(), and "page":{"media":bool,"token":bool (there is one),
 *                                              "change":bool (who asks may change jobs)}
 *   GET  /events                               the same as server-sent events, at most one a second; id: the version;
 *                                              in a silence, every 15 s, the event "alive" without data
 *   GET  /media/JOB/original, /media/JOB/result  the file, with ranges; 404 unless `media`
 *   POST /api/jobs/JOB/cancel, /api/jobs/JOB/retry   202; 403 without a token, whatever the address; 404: no such job;
 *                                              409: it cannot be, as it is; 503: not now
 *   POST /login (token=…), /logout             a cookie: HttpOnly, SameSite=Strict, from a page of https:// Secure
 *
 * Errors are {"error": words}. 401: a token is wanted, or what was shown is not good (any more); it comes as
 * `Authorization: Bearer`, or by the cookie. Bound beyond loopback, or with allowed_hosts (a proxy lets others in),
 * everything but the first row and the page itself wants it; so does what a proxy says it passes on. 421: a Host that
 * is not ours (DNS rebinding): neither an address, nor localhost, nor allowed. 403: a change, or a look at jobs, by a
 * page that is not ours (Origin, Sec-Fetch-Site).
 */
#ifndef VIDRIERA_WEB_H
#define VIDRIERA_WEB_H

#include "vidriera/board.h"
#include "vidriera/roots.h"

/* libmicrohttpd's version. */
const char *vd_web_library(void);

struct vd_web_setup {
    const char *listen;        /* ADDRESS:PORT, [ADDRESS]:PORT; port 0: any */
    bool by_default;           /* nobody chose it: when it is taken, there is no HTTP, and a warning */
    const char *token_file;    /* NULL: none; vd_web_token() */
    const char *allowed_hosts; /* more names for Host, separated by commas; NULL: none */
    bool media;                /* names, pictures and files may be served */
    bool metrics_auth;
    struct vd_board *board;
    const struct vd_roots *roots;
    void *opaque; /* of the two below; NULL functions: there is no such thing here */
    int (*cancel)(void *opaque, const char *job, struct vd_err *err);
    int (*retry)(void *opaque, const char *job, struct vd_err *err);
};

struct vd_web;

/* The texts of setup are copied, the rest stays the caller's. Signals stay blocked in its threads. *web NULL with 0:
 * the default address is taken. VD_CONFIG: the address is taken, is none, or may be reached without a token. */
int vd_web_start(struct vd_web **web, const struct vd_web_setup *setup, struct vd_err *err);

/* "127.0.0.1:8870": as it is bound. */
const char *vd_web_address(const struct vd_web *web);

/* Ends all connections, and wakes the board's readers. Waits for a cancel or retry that is under way. False: a recording
 * is being read from a folder that does not answer: the server is left as it is, and so must all that it was given be.
 * Accepts NULL. */
bool vd_web_stop(struct vd_web *web);

/* An answer to GET, for status and health: *body is the caller's, 16 MiB at most. Returns the code; -1: VD_UNAVAILABLE
 * (nobody answers within the time), VD_CONFIG. token NULL: none. */
int vd_web_get(const char *address, const char *path, const char *token, int timeout_ms, char **body,
               struct vd_err *err);

/*
 * The one line of a token file, 16 to 256 printable characters without spaces; the caller's. Its group may read the
 * file, as secrets in containers are given, others may not, and none of them write. NULL: VD_CONFIG.
 */
char *vd_web_token(const char *file, struct vd_err *err);

#endif
