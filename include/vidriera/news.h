/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The news: a thread that reads what Kafka tells of jobs (feed.h) onto the board, and does what people ask for. In
 * worker, watch and run.
 */
#ifndef VIDRIERA_NEWS_H
#define VIDRIERA_NEWS_H

#include "vidriera/board.h"
#include "vidriera/bus.h"
#include "vidriera/roots.h"

struct vd_news;

/*
 * setup and roots stay the caller's and live as long. An embedded broker remembers nothing: then the ends in the folders
 * (processed, failed) are put on the board first, the newest VD_BOARD_ENDED. VD_CONFIG, VD_AGAIN.
 */
int vd_news_start(struct vd_news **news, const struct vd_bus_setup *setup, const struct vd_roots *roots,
                  struct vd_board *board, struct vd_err *err);

/* Any thread; wait for the broker at most five seconds. VD_NO_INPUT: no such job, or none that this would do something to.
 * VD_AGAIN, VD_UNAVAILABLE, VD_CONFIG. */
int vd_news_cancel(struct vd_news *news, const char *job, struct vd_err *err);
int vd_news_retry(struct vd_news *news, const char *job, struct vd_err *err);

/* Did a broker answer lately? Any thread. */
bool vd_news_hears(const struct vd_news *news);

/* False: a folder does not answer: all is left as it is, and so must what it was given be. Accepts NULL. */
bool vd_news_stop(struct vd_news *news);

/*
 * The same without news. Retry: by its dead letter; without one, by an order made anew of what roots (NULL: not at hand)
 * remember of a failed or rejected job. Block, half a second longer than timeout_ms at most; any thread.
 */
int vd_job_cancel(const struct vd_bus_setup *setup, const char *job, int timeout_ms, struct vd_err *err);
int vd_job_retry(const struct vd_bus_setup *setup, const struct vd_roots *roots, const char *job, int timeout_ms,
                 struct vd_err *err);

#endif
