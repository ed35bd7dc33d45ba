/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of a stage, for what in this folder puts them together otherwise. All tell their cause by errno. */
#ifndef VIDRIERA_STORE_STAGE_H
#define VIDRIERA_STORE_STAGE_H

#include "vidriera/order.h"
#include "vidriera/store.h"

/* An empty file in an open folder, which stays the caller's. */
int vd_stage_begin(struct vd_stage *stage, int folder, const char *job);

/* Gives the file a name: by an exclusive step (EEXIST), or in place of what has it. Syncs nothing. */
int vd_stage_place(struct vd_stage *stage, const char *name, bool replace);

/* Takes the name back: the file is a part again. */
int vd_stage_unplace(struct vd_stage *stage, const char *name, const char *job);

/* `.vd-<job>-<nonce>.part`, and the job's id out of it: false when it is no such name. */
int vd_part_name(char name[VD_PART_NAME], const char *job);
bool vd_part_job(const char *name, char job[VD_JOB_ID]);

/* EEXIST: the wanted name is taken. A second name that cannot be removed, where it took two steps, is left. */
int vd_rename_exclusively(int folder, const char *name, const char *wanted);

/* 0 as well where folders cannot be synced. */
int vd_folder_sync(int folder);

#endif
