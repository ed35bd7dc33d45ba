/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cancelled.h"

bool vd_cancelled_add(struct vd_cancelled *set, const char *job)
{
    if (!set->jobs)
        set->jobs = json_object();
    return json_object_size(set->jobs) < VD_CANCELLED_MAX && json_object_set_new(set->jobs, job, json_true()) == 0;
}

void vd_cancelled_remove(struct vd_cancelled *set, const char *job)
{
    json_object_del(set->jobs, job);
}

bool vd_cancelled_has(const struct vd_cancelled *set, const char *job)
{
    return json_object_get(set->jobs, job) != NULL;
}

void vd_cancelled_finish(struct vd_cancelled *set)
{
    json_decref(set->jobs);
    set->jobs = NULL;
}
