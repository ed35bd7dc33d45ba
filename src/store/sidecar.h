/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a commit and its recovery share: names of video and sidecar, and the sidecar that is pending. */
#ifndef VIDRIERA_STORE_SIDECAR_H
#define VIDRIERA_STORE_SIDECAR_H

#include "vidriera/commit.h"

#include "names.h"

/* `<name>.json` */
void vd_sidecar_name(char sidecar[VD_NAME], const char *name);

/* `<stem>.<job8>.<ext>`: the name that a job gets when the wished one is taken. */
void vd_own_name(char own[VD_NAME], const char *name, const char *job);

/* 1: the file of that name is the document's output, to the byte. 0: it is not, or not there. -1: VD_IO. */
int vd_output_is(int folder, const char *name, const json_t *document, struct vd_err *err);

/*
 * A part of a job whose claim is held. When it is the sidecar of a video that has its name: it gets its own, and
 * *document is new: 1. Everything else is removed: 0. -1: VD_IO, and nothing changed.
 */
int vd_part_settle(int folder, const char *part, const char *job, json_t **document, struct vd_err *err);

#endif
