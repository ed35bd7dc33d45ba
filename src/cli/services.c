/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "services.h"

#include "vidriera/state.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int vd_services_roots(const struct vd_settings *settings, struct vd_roots *roots, struct vd_err *err)
{
    if (!settings->data)
        return vd_fail(err, VD_CONFIG, "",
                       "data: the folder of the recordings is not named; give --data DIR, or VIDRIERA_DATA, or "
                       "data = DIR in the file");
    return vd_roots_open(roots, settings->data, settings->data_on_host, settings->folder, err);
}

/* A pair that librdkafka refuses, by the place where it was set. */
int vd_services_kafka_check(const struct vd_settings *settings, struct vd_err *err)
{
    char key[160];
    struct vd_err why = {0};
    int at = 0;
    if (vd_kafka_check(settings->kafka, settings->kafka_count, &at, &why) == 0)
        return 0;
    const struct vd_conf_value *value = NULL;
    if (at >= 0 && at < settings->kafka_count) {
        snprintf(key, sizeof key, "kafka.%s", settings->kafka[at].name);
        value = vd_conf_find(&settings->conf, key);
    }
    return value ? vd_fail(err, why.code, "", "%s: %s", value->where, why.text)
                 : vd_fail(err, why.code, "", "kafka: %s", why.text);
}

bool vd_services_names_broker(const struct vd_settings *settings)
{
    for (int i = 0; i < settings->kafka_count; i++)
        if (!strcmp(settings->kafka[i].name, "bootstrap.servers") ||
            !strcmp(settings->kafka[i].name, "metadata.broker.list")) /* librdkafka's other name for it */
            return true;
    return false;
}

/* Does something listen at "127.0.0.1:port"? A `run` that was killed leaves its address behind. */
static bool is_living(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port;
    char rest;
    if (sscanf(address, "127.0.0.1:%5u%c", &port, &rest) != 1 || port > UINT16_MAX)
        return false;
    at.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool living = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return living;
}

static void fill_bus(const struct vd_settings *settings, struct vd_bus_setup *setup)
{
    *setup = (struct vd_bus_setup){
        .kafka = settings->kafka,
        .count = settings->kafka_count,
        .group = settings->group,
        .instance = settings->instance,
        .source = settings->worker_name,
        .create_topics = settings->create_topics,
    };
}

void vd_services_embedded(const struct vd_settings *settings, const char *address, struct vd_bus_setup *setup,
                          struct vd_embedded_address *embedded)
{
    fill_bus(settings, setup);
    snprintf(embedded->text, sizeof embedded->text, "%s", address);
    embedded->pair = (struct vd_pair){"bootstrap.servers", embedded->text};
    setup->kafka = &embedded->pair;
    setup->count = 1;
    setup->embedded = true;
}

int vd_services_bus(const struct vd_settings *settings, const struct vd_roots *roots, struct vd_bus_setup *setup,
                    struct vd_embedded_address *embedded, struct vd_err *err)
{
    char address[sizeof embedded->text] = "";
    if (vd_services_kafka_check(settings, err) < 0)
        return -1;
    if (vd_services_names_broker(settings)) {
        fill_bus(settings, setup);
        return 0;
    }
    bool written = roots && vd_broker_read(roots, address, sizeof address);
    if (written && is_living(address)) {
        vd_services_embedded(settings, address, setup, embedded);
        return 0;
    }
    return vd_fail(err, VD_CONFIG, "broker",
                   "%s; set kafka { bootstrap.servers } or VIDRIERA_KAFKA_BOOTSTRAP_SERVERS, or use vidriera run",
                   written ? "no broker is named, and that of vidriera run is gone" : "no broker is named");
}

static int processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int vd_services_supervisor(const struct vd_settings *settings, const struct vd_roots *roots,
                           const struct vd_bus_setup *bus, struct vd_supervisor_setup *setup, struct vd_err *err)
{
    int slots = settings->slots ? settings->slots : processors() / 2;
    if (vd_settings_device(settings, err) < 0)
        return -1;
    *setup = (struct vd_supervisor_setup){
        .roots = roots,
        .bus = *bus,
        .job = settings->job,
        .device = settings->device,
        .cache = settings->cache,
        .worker = settings->worker_name,
        .slots = slots < 1              ? 1
                 : slots > VD_SLOTS_MAX ? VD_SLOTS_MAX
                                        : slots,
        .slot_jobs = settings->slot_jobs,
        .attempts = settings->attempts,
        .timeout_s = settings->timeout_s,
        .drain_s = settings->drain_s,
        .reserve_bytes = settings->reserve_bytes,
        .archive = settings->archive_move,
        .max_jobs = settings->once ? 1 : settings->max_jobs,
        .wait_s = settings->once ? (int)settings->wait_s : -1,
    };
    return 0;
}

int vd_services_reload(void *opaque, struct vd_supervisor_setup *setup, struct vd_err *err)
{
    const struct vd_reload *reload = opaque;
    struct vd_log_setup log = vd_log_get();
    struct vd_settings settings;
    int ret = vd_settings_read(&settings, reload->command, reload->argc, reload->argv, err);
    if (ret == 0)
        ret = vd_settings_device(&settings, err);
    if (ret == 0) {
        setup->job = settings.job;
        setup->attempts = settings.attempts;
        setup->timeout_s = settings.timeout_s;
        setup->drain_s = settings.drain_s;
        setup->reserve_bytes = settings.reserve_bytes;
        setup->archive = settings.archive_move;
    } else {
        vd_log_init(&log);
    }
    vd_settings_finish(&settings);
    return ret;
}
