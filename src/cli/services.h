/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From settings to what the services are made of: folders, Kafka, the supervisor. What is filled in points into the
 * settings, which must outlive it.
 */
#ifndef VIDRIERA_CLI_SERVICES_H
#define VIDRIERA_CLI_SERVICES_H

#include "settings.h"

#include "vidriera/supervisor.h"

/* Opens the folders, to be closed by the caller. VD_CONFIG: `data` is not set, or as vd_roots_open() says. */
int vd_services_roots(const struct vd_settings *settings, struct vd_roots *roots, struct vd_err *err);

/* Is kafka { } fit to be used? Needs no broker. VD_CONFIG, with the place of the key that is refused. */
int vd_services_kafka_check(const struct vd_settings *settings, struct vd_err *err);

/* Does kafka { } say where the broker is? */
bool vd_services_names_broker(const struct vd_settings *settings);

/* What a struct vd_bus_setup points to beside the settings; lives as long as it. */
struct vd_embedded_address {
    char text[64];
    struct vd_pair pair;
};

/*
 * The broker that kafka { bootstrap.servers } names, else the living embedded one that is written down in the state
 * folder (roots NULL: not looked for). VD_CONFIG: a key of kafka { } is refused (its place is named), or, with the
 * stage "broker", no broker is named, or the one written down has died.
 */
int vd_services_bus(const struct vd_settings *settings, const struct vd_roots *roots, struct vd_bus_setup *setup,
                    struct vd_embedded_address *embedded, struct vd_err *err);

/* The embedded broker at that address, which is copied: kafka { } is about another one and is left out. */
void vd_services_embedded(const struct vd_settings *settings, const char *address, struct vd_bus_setup *setup,
                          struct vd_embedded_address *embedded);

/* Everything but `watch`; *bus is copied. VD_UNAVAILABLE as vd_settings_device(). */
int vd_services_supervisor(const struct vd_settings *settings, const struct vd_roots *roots,
                           const struct vd_bus_setup *bus, struct vd_supervisor_setup *setup, struct vd_err *err);

/*
 * For vd_supervisor_run() at SIGHUP: reads everything anew, as at the start, and takes over what may change while
 * running. A configuration that is wrong changes nothing.
 */
struct vd_reload {
    const struct vd_command *command;
    int argc;
    char **argv;
};
int vd_services_reload(void *reload, struct vd_supervisor_setup *setup, struct vd_err *err);

#endif
