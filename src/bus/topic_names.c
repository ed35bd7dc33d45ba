/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/bus.h"

static const char *const names[VD_TOPICS] = {
    [VD_TOPIC_JOBS] = "vidriera.jobs",       [VD_TOPIC_RESULTS] = "vidriera.results",
    [VD_TOPIC_DLQ] = "vidriera.jobs.dlq",    [VD_TOPIC_STATUS] = "vidriera.status",
    [VD_TOPIC_CONTROL] = "vidriera.control",
};

const char *vd_topic_name(enum vd_topic topic)
{
    return names[topic];
}
