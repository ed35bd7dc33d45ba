/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people look at while a service runs: the board, filled by the news and served by the web. */
#ifndef VIDRIERA_CLI_PEOPLE_H
#define VIDRIERA_CLI_PEOPLE_H

#include "settings.h"

#include "vidriera/board.h"
#include "vidriera/news.h"
#include "vidriera/web.h"

struct vd_people {
    struct vd_board *board;
    struct vd_news *news;
    struct vd_web *web; /* NULL: http.listen is off, or its default is taken */
};

/*
 * kind: worker, watch, run; slots: of this process, 0 for a watch. Settings, bus and roots stay the caller's and live as
 * long. Its threads have all signals blocked, and the calling one SIGINT, SIGTERM and SIGHUP from now on: a service takes
 * them by itself, and they must not end it in between. To be stopped whatever comes of it. VD_CONFIG, VD_AGAIN.
 */
int vd_people_start(struct vd_people *people, const struct vd_settings *settings, const char *kind, int slots,
                    const struct vd_bus_setup *bus, const struct vd_roots *roots, struct vd_err *err);

/* From here on SIGINT and SIGTERM end the process. False: a thread is left in a folder that does not answer, and nothing
 * that was given may be freed. Accepts a zeroed one. */
bool vd_people_stop(struct vd_people *people);

#endif
