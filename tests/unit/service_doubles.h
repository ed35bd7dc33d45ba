/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In place of the bus and the store, so that what cli/services.c decides can be seen alone. */
#ifndef TESTS_UNIT_SERVICE_DOUBLES_H
#define TESTS_UNIT_SERVICE_DOUBLES_H

#include "settings_words.h"

#include "services.h"

#include "vidriera/state.h"

static char broker_file[64]; /* what the state folder says; empty: nothing */

int vd_kafka_check(const struct vd_pair *pairs, int count, int *at, struct vd_err *err)
{
    for (*at = 0; *at < count; ++*at)
        if (!strcmp(pairs[*at].name, "isolation.level"))
            return vd_fail(err, VD_CONFIG, "", "kafka isolation.level: not to be changed: because; leave it out");
    return 0;
}

bool vd_broker_read(const struct vd_roots *roots, char *address, size_t size)
{
    (void)roots;
    snprintf(address, size, "%s", broker_file);
    return *broker_file;
}

int vd_roots_open(struct vd_roots *roots, const char *data, const char *on_host, const char *const moved[VD_ROOTS],
                  struct vd_err *err)
{
    (void)on_host, (void)moved, (void)err;
    roots->data = (char *)data;
    return 0;
}

const char *vd_root_name(enum vd_root root)
{
    static const char *const names[] = {"recordings", "processed", "archived", "failed"};
    return names[root];
}

#endif
