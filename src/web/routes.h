/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of all that can be asked for. */
#ifndef VIDRIERA_WEB_ROUTES_H
#define VIDRIERA_WEB_ROUTES_H

#include "server.h"

enum vd_right {
    VD_ANYBODY,
    VD_MACHINES, /* anybody, and without a Host too */
    VD_SCRAPERS, /* the same, or with metrics_auth: with the token */
    VD_READERS,  /* anybody on loopback, else with the token */
    VD_CHANGERS, /* with the token, from our own page or no page at all */
    VD_PAGES,    /* anybody, from our own page or no page at all */
};

struct vd_route {
    const char *path; /* '*': vd_path_is() */
    bool post;        /* else GET and HEAD */
    enum vd_right right;
    enum MHD_Result (*answer)(struct vd_asked *asked);
};

/* Sets asked->route and ->job. 404, 405: there is no such thing, or not with this method; 0. */
unsigned vd_route_find(struct vd_asked *asked);

/* By right, or with the answer that there is none. */
enum MHD_Result vd_route_answer(struct vd_asked *asked);

/* --- the rows, a file each */

enum MHD_Result vd_answer_health(struct vd_asked *asked);
enum MHD_Result vd_answer_ready(struct vd_asked *asked);
enum MHD_Result vd_answer_metrics(struct vd_asked *asked);
enum MHD_Result vd_answer_version(struct vd_asked *asked);
enum MHD_Result vd_answer_page(struct vd_asked *asked);
enum MHD_Result vd_answer_jobs(struct vd_asked *asked);
enum MHD_Result vd_answer_cancel(struct vd_asked *asked);
enum MHD_Result vd_answer_retry(struct vd_asked *asked);
enum MHD_Result vd_answer_events(struct vd_asked *asked);
enum MHD_Result vd_answer_original(struct vd_asked *asked);
enum MHD_Result vd_answer_result(struct vd_asked *asked);
enum MHD_Result vd_answer_login(struct vd_asked *asked);
enum MHD_Result vd_answer_logout(struct vd_asked *asked);

/* What the board shows to who asks, with what the page may do: "page":{"media","token","change"}. NULL: no memory. */
json_t *vd_jobs_look(const struct vd_asked *asked, uint64_t since);

/* The argument "since", 0 without it. False: it is no number. */
bool vd_jobs_since(const struct vd_asked *asked, uint64_t *since);

#endif
