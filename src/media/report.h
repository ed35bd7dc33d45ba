/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told of a run once its threads are joined: the losses as warnings, the rest as JSON. */
#ifndef VIDRIERA_MEDIA_REPORT_H
#define VIDRIERA_MEDIA_REPORT_H

#include "run.h"
#include "verify.h"

/* What was damaged, cut off, repaired or scaled becomes warnings of run->notes. */
void vd_report_losses(struct vd_run *run);

/* Pictures that the container refused, or that are not in the output as they were, are no defect of ours where a device's
 * encoder made them, but VD_UNAVAILABLE, so that another device may do it. Where none may, the recording's attempts end it. */
void vd_report_fault(const struct vd_run *run, struct vd_err *err);

/* See vd_media_run. NULL when there is no memory. The caller owns the object. */
json_t *vd_report_make(const struct vd_run *run, const struct vd_verdict *verdict);

#endif
