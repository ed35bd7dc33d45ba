/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may: the token, the sessions that were begun with it, and whose pages may ask at all. HTTP's library is not
 * used here. Any thread.
 */
#ifndef VIDRIERA_WEB_GUARD_H
#define VIDRIERA_WEB_GUARD_H

#include "vidriera/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { VD_SESSIONS = 64, VD_SESSION_TEXT = 65, VD_COOKIE_NAME = 24 };

/* 12 hours. */
static const double vd_session_s = 12 * 3600.0;

enum vd_who {
    VD_NOBODY,   /* nothing was shown */
    VD_STRANGER, /* what was shown is not good, or not any more */
    VD_BEARER,   /* the token itself */
    VD_VISITOR,  /* a cookie */
};

struct vd_guard {
    char *token;                 /* NULL: there is none */
    char *hosts;                 /* NULL: none beside our own */
    char cookie[VD_COOKIE_NAME]; /* its name: with the port, for browsers keep one jar for all ports of a host */

    pthread_mutex_t lock;
    struct vd_session {
        char key[VD_SESSION_TEXT]; /* empty: none */
        double until;
    } sessions[VD_SESSIONS];
};

/* token and hosts are copied. -1: no memory. */
int vd_guard_init(struct vd_guard *guard, const char *token, const char *hosts);
void vd_guard_finish(struct vd_guard *guard);

/* Is the Host (NULL: none was sent) one of ours? An address is: the pages of others have names (DNS rebinding). */
bool vd_guard_host(const struct vd_guard *guard, const char *host);

/*
 * May the page that sends this ask here? Browsers tell the Origin with each POST, so a change without one is not of a
 * page: it is let through unless it is a visitor's. Who only reads counts as nobody: a foreign page does not see the
 * answer, but could hold all places for it. site: Sec-Fetch-Site.
 */
bool vd_guard_origin(const char *origin, const char *site, const char *host, enum vd_who who);

/* By Authorization (Bearer alone counts) and the value of our cookie; NULL: not sent. now: vd_monotonic(). */
enum vd_who vd_guard_who(struct vd_guard *guard, const char *authorization, const char *cookie, double now);

/* A new session for who knows the token; the oldest makes room. -1: the token is not it, or no random bytes. */
int vd_guard_login(struct vd_guard *guard, const char *token, double now, char key[VD_SESSION_TEXT]);
void vd_guard_logout(struct vd_guard *guard, const char *key);

#endif
