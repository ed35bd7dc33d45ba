/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an output and its sidecar are called. */
#include "sidecar.h"

#include <stdio.h>
#include <string.h>

static const char sidecar_ending[] = ".json";

/* Leaves room for the sidecar's ending and for the 9 bytes of a job's own name. */
enum { VIDEO_NAME = VD_NAME - 1 - (sizeof sidecar_ending - 1) - 9 };

void vd_target_make(struct vd_target *target, const char *input_path, const char *container)
{
    char ending[16];
    const char *name = vd_path_name(input_path);
    vd_path_folder(input_path, target->folder);
    snprintf(ending, sizeof ending, ".%s", container);
    target->shortened = vd_name_join(target->name, name, vd_stem_size(name), ending, VIDEO_NAME);
}

void vd_sidecar_name(char sidecar[VD_NAME], const char *name)
{
    vd_name_join(sidecar, name, strlen(name), sidecar_ending, VD_NAME - 1);
}

void vd_own_name(char own[VD_NAME], const char *name, const char *job)
{
    char hex[9], ending[32];
    size_t stem = vd_stem_size(name);
    vd_hash8(hex, job, strlen(job));
    snprintf(ending, sizeof ending, ".%s%.16s", hex, name + stem);
    vd_name_join(own, name, stem, ending, VD_NAME - 1);
}
