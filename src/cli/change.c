/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera cancel` and `vidriera retry`: a job that waits or runs is given up, one that failed is tried again. */
#include "services.h"

#include "vidriera/log.h"
#include "vidriera/news.h"

enum { TAKE_MS = 10000 };

static int change_one(const struct vd_settings *settings, const struct vd_bus_setup *bus, const struct vd_roots *roots,
                      bool retry, const char *job, struct vd_err *err)
{
    int ret = retry ? vd_job_retry(bus, settings->data ? roots : NULL, job, TAKE_MS, err)
                    : vd_job_cancel(bus, job, TAKE_MS, err);
    if (ret == 0)
        vd_log(VD_LOG_INFO, retry ? "%s: goes to the jobs again" : "%s: is asked to end", job);
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
    for (int i = 0; ret == 0 && i < settings->input_count; i++)
        ret = change_one(settings, &bus, &roots, retry, settings->inputs[i], err);
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
