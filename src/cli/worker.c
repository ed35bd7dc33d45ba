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

static int work(const struct vd_settings *settings, struct vd_reload *reload, struct vd_err *err)
{
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_supervisor_setup setup;
    struct vd_supervisor_end end = {0};
    struct vd_people people = {0};
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
    vd_people_stop(&people);
    vd_roots_close(&roots);
    return ret;
}

int vd_cmd_worker(const struct vd_command *self, int argc, char **argv)
{
    struct vd_reload reload = {self, argc, argv};
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = work(&settings, &reload, &err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
