/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/bus.h"

#include <librdkafka/rdkafka.h>

const char *vd_bus_library(void)
{
    return rd_kafka_version_str();
}
