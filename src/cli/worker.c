/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera worker`: takes jobs from Kafka until it is told to end. */
#include "people.h"
#include "services.h"

static void say_end(const struct vd_supervisor_end *end)
{
    vd_log(VD_LOG_INFO, "worker ended: completed=%lld failed=%lld rejected=%lld duplicates=%lld",
           (long long)end->completed, (long long)end->failed, (long long)end->rejected, (long long)end->duplicates);
    if (end->host_fault)
        vd_log(VD_LOG_WARNING, "jobs were waiting for this machine; they stay on Kafka");
}

/* *hangs: as the supervisor's. All that lives as long as a thread may is static. */
static int work(const struct vd_settings *settings, struct vd_reload *reload, bool *hangs, struct vd_err *err)
{
    static struct vd_roots roots = VD_ROOTS_NONE;
    static struct vd_bus_setup bus;
    static struct vd_embedded_address embedded;
    static struct vd_people people;
    struct vd_supervisor_setup setup;
    struct vd_supervisor_end end = {0};
    if (vd_services_roots(settings, &roots, err) < 0)
        return -1;
    int ret = vd_services_bus(settings, &roots, &bus, &embedded, err);
    if (ret == 0)
        ret = vd_services_supervisor(settings, &roots, &bus, &setup, err);
    if (ret == 0)
        ret = vd_people_start(&people, settings, "worker", setup.slots, &bus, &roots, err);
    setup.board = people.board;
    if (ret == 0)
        ret = vd_supervisor_run(&setup, vd_services_reload, reload, &end, err);
    if (ret == 0)
        say_end(&end);
    *hangs = !vd_people_stop(&people) || end.hangs;
    if (!*hangs)
        vd_roots_close(&roots);
    return ret;
}

int vd_cmd_worker(const struct vd_command *self, int argc, char **argv)
{
    static struct vd_settings settings;
    struct vd_reload reload = {self, argc, argv};
    struct vd_err err = {0};
    bool hangs = false;
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = work(&settings, &reload, &hangs, &err);
    if (!hangs)
        vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
