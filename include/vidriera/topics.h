/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The topics on the broker: are they there, and as they should be? One table in src/bus/topic_table.c. Blocks; any
 * thread.
 */
#ifndef VIDRIERA_TOPICS_H
#define VIDRIERA_TOPICS_H

#include "vidriera/bus.h"

/* Told line by line what is there, missing, different or made: "vidriera.jobs: 12 partitions, retention.ms=-1: as it
 * should be". */
typedef void vd_topics_say(void *opaque, bool good, const char *line);

/*
 * create: make what is missing. Settings of topics that exist are told and never changed. 0: all there (and those that
 * differ were told); VD_CONFIG: something is missing (and not create), or we are not let in or allowed to;
 * VD_UNAVAILABLE: no broker within the time.
 */
int vd_topics_check(const struct vd_bus_setup *setup, bool create, int timeout_ms, vd_topics_say *say, void *opaque,
                    struct vd_err *err);

#endif
