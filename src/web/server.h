/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of web/ share: the server, and one request on its way. A request is its connection's thread's. */
#ifndef VIDRIERA_WEB_SERVER_H
#define VIDRIERA_WEB_SERVER_H

#include "vidriera/web.h"

#include "guard.h"
#include "lines.h"
#include "parse.h"

#include <microhttpd.h>

enum { VD_BODY = 4096, VD_ADDRESS = 64 };

struct vd_web {
    struct vd_web_setup setup; /* its texts are not kept */
    bool beyond;               /* bound to more than loopback, or a proxy has a name for it */
    char address[VD_ADDRESS];
    struct vd_guard guard;
    struct vd_lines lines;
    struct MHD_Daemon *daemon;
};

struct vd_route;

struct vd_asked {
    struct vd_web *web;
    struct vd_line *line;
    struct MHD_Connection *connection;
    const char *path;
    char job[VD_PATH_JOB];
    enum vd_who who;
    const struct vd_route *route;
    bool head, post;
    int entered; /* vd_long, -1: none */
    size_t size; /* of the body */
    char body[VD_BODY];
};

/* A header, an argument behind the '?'; NULL: not there. */
const char *vd_asked_header(const struct vd_asked *asked, const char *name);
const char *vd_asked_argument(const struct vd_asked *asked, const char *name);

/* Who asks, at this moment: sessions end. */
enum vd_who vd_asked_who(const struct vd_asked *asked);

/* True: the reader must show that it may look, and does not (any more). */
bool vd_asked_hidden(const struct vd_asked *asked);

#endif
