/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_show.h"

#include "show.h"

#include "vidriera/metrics.h"
#include "vidriera/notify.h"
#include "vidriera/now.h"

#include <math.h>
#include <stdio.h>

enum { LONGEST_MS = 5000 };

static void show_need(const struct vd_watch_setup *setup, enum vd_need need, const char *words)
{
    vd_board_need(setup->board, need, *words ? words : NULL);
    vd_metric_set(VD_METRIC_READY, *words ? 0 : 1, vd_need_name(need), NULL);
}

/* A broker that answers may yet not take orders. */
static void show_needs(const struct vd_watch_setup *setup, const struct vd_watch_out *out, const struct vd_err *away)
{
    char kafka[VD_SHOW_WORDS] = "", folders[VD_SHOW_WORDS] = "";
    struct vd_err err = {0};
    vd_fail(&err, VD_UNAVAILABLE, "kafka", "orders are not taken: %.300s; they wait, and are tried again", out->why);
    bool hears = !setup->news || vd_news_hears(setup->news);
    if (out->away)
        vd_show_words(kafka, &err, "no broker takes orders; they wait and are tried again, and the log tells why");
    else if (!hears)
        snprintf(kafka, sizeof kafka, "no broker answers; orders wait for one");
    if (away)
        vd_show_words(folders, away, "a folder is away; the log tells which");
    show_need(setup, VD_NEED_KAFKA, kafka);
    show_need(setup, VD_NEED_FOLDERS, folders);
    show_need(setup, VD_NEED_DEVICE, "");
    show_need(setup, VD_NEED_RUNNING, "");
    vd_metric_set(VD_METRIC_KAFKA_UP, hears && !out->away, NULL, NULL);
    vd_notify_status("%d orders are sent and not done%s%s", out->outstanding, *kafka || *folders ? "; " : "",
                     *kafka ? kafka : folders);
}

void vd_watch_show(const struct vd_watch_setup *setup, const struct vd_watch_out *out, const struct vd_err *away)
{
    if (!setup->alone)
        return;
    vd_metric_set(VD_METRIC_BUILD_INFO, 1, VD_VERSION, NULL);
    vd_board_beat(setup->board);
    show_needs(setup, out, away);
    vd_notify_ready();
    vd_notify_alive(vd_monotonic());
}

void vd_watch_show_alive(const struct vd_watch_setup *setup)
{
    if (!setup->alone)
        return;
    vd_board_beat(setup->board);
    vd_notify_alive(vd_monotonic());
}

int64_t vd_watch_show_longest_ms(const struct vd_watch_setup *setup)
{
    return setup->alone ? (int64_t)fmin(LONGEST_MS, vd_notify_patience() * 1000) : INT64_MAX / 2;
}

void vd_watch_show_end(const struct vd_watch_setup *setup)
{
    if (!setup->alone)
        return;
    show_need(setup, VD_NEED_RUNNING, "the watch ends");
    vd_notify_stopping();
}
