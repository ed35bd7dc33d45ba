/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera cancel` and `vidriera retry`: a job that waits or runs is given up, one that failed is tried again. */
#include "services.h"

#include "vidriera/log.h"
#include "vidriera/news.h"
#include "vidriera/now.h"

enum { TAKE_MS = 10000, LEAST_MS = 1000 };

static int retry_one(const struct vd_settings *settings, const struct vd_bus_setup *bus, const struct vd_roots *roots,
                     const char *job, struct vd_err *err)
{
    int ret = vd_job_retry(bus, settings->data ? roots : NULL, job, TAKE_MS, err);
    if (ret == 0)
        vd_log(VD_LOG_INFO, "%s: goes to the jobs again", job);
    return ret;
}

/* What a board is filled with for one question. */
struct known {
    struct vd_board *board;
    struct vd_news *news;
};

/* Is every job that waits or runs on the board? */
static bool is_whole(const struct known *known)
{
    json_t *look = vd_board_look(known->board, 0, false);
    bool whole = json_is_true(json_object_get(look, "read")) &&
                 json_is_null(json_object_get(json_object_get(look, "needs"), "queue")) &&
                 json_integer_value(json_object_get(look, "waiting")) < VD_BOARD_WAITING;
    json_decref(look);
    return whole;
}

/* A broker would take it for any job: so the jobs are asked first, where they can be read. */
static int cancel_one(const struct vd_bus_setup *bus, const struct known *known, const char *job, struct vd_err *err)
{
    const double until = vd_monotonic() + TAKE_MS / 1000.0;
    uint64_t version = 0;
    bool whole;
    while (!(whole = is_whole(known)) && vd_monotonic() < until)
        version = vd_board_await(known->board, version, 200);
    int left = (int)((until - vd_monotonic()) * 1000);
    int ret = whole ? vd_news_cancel(known->news, job, err)
                    : vd_job_cancel(bus, job, left > LEAST_MS ? left : LEAST_MS, err);
    if (ret == 0)
        vd_log(VD_LOG_INFO, "%s: is asked to end%s", job, whole ? "" : ", if it waits or runs");
    return ret;
}

static int cancel_all(const struct vd_settings *settings, const struct vd_bus_setup *bus, struct vd_err *err)
{
    const struct vd_board_setup setup = {.kind = "cancel", .patience_s = TAKE_MS};
    struct known known = {.board = vd_board_create(&setup)};
    int ret = known.board ? vd_news_start(&known.news, bus, NULL, known.board, err)
                          : vd_fail(err, VD_AGAIN, "", "no memory to ask for jobs; free some");
    for (int i = 0; ret == 0 && i < settings->input_count; i++)
        ret = cancel_one(bus, &known, settings->inputs[i], err);
    vd_news_stop(known.news);
    vd_board_destroy(known.board);
    return ret;
}

static int change(const struct vd_settings *settings, bool retry, struct vd_err *err)
{
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    int ret = settings->data ? vd_services_roots(settings, &roots, err) : 0;
    for (int i = 0; ret == 0 && i < settings->input_count; i++)
        if (!vd_job_id_valid(settings->inputs[i]))
            ret = vd_fail(err, VD_USAGE, "", "%s: no job has such an id; see vidriera status", settings->inputs[i]);
    if (ret == 0)
        ret = vd_services_bus(settings, settings->data ? &roots : NULL, &bus, &embedded, err);
    if (ret == 0 && !retry)
        ret = cancel_all(settings, &bus, err);
    for (int i = 0; ret == 0 && retry && i < settings->input_count; i++)
        ret = retry_one(settings, &bus, &roots, settings->inputs[i], err);
    vd_roots_close(&roots);
    return ret;
}

int vd_cmd_change(const struct vd_command *self, int argc, char **argv)
{
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = change(&settings, self->bit == VD_COMMAND_RETRY, &err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
