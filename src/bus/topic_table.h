/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of topics: how many partitions, which settings, and what follows when a broker has others. */
#ifndef VIDRIERA_BUS_TOPIC_TABLE_H
#define VIDRIERA_BUS_TOPIC_TABLE_H

#include "vidriera/bus.h"

struct vd_topic_setting {
    const char *name, *value; /* NULL name: the last one was before */
    enum {
        VD_SETTING_SAME,     /* a number, or words in any order between commas */
        VD_SETTING_AT_LEAST, /* more is as good; -1 is without end */
        VD_SETTING_AT_MOST,
    } fit;
    const char *otherwise; /* what another value means, as the end of a line */
};

enum { VD_TOPIC_SETTINGS = 5 };

struct vd_topic_row {
    int partitions;
    const char *fewer; /* what fewer partitions mean; NULL: nothing worth words */
    struct vd_topic_setting settings[VD_TOPIC_SETTINGS];
};

const struct vd_topic_row *vd_topic_row(enum vd_topic topic);

/* Is a broker's value as good as the table's? */
bool vd_topic_setting_fits(const struct vd_topic_setting *setting, const char *value);

#endif
