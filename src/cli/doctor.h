/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `vidriera doctor`: what there is, what was tried, and what follows. All facts go into one JSON document first; the text
 * for a person is made from it. One thread; the objects returned are the caller's, NULL when there is no memory.
 */
#ifndef VIDRIERA_CLI_DOCTOR_H
#define VIDRIERA_CLI_DOCTOR_H

#include "settings.h"

#include "vidriera/choose.h"

/* doctor_look.c: {kernel, user, groups}, the nodes of GPUs, OpenCL's devices, the encoders and decoders that FFmpeg
 * has, which the devices need not have. */
json_t *vd_doctor_machine(void);
json_t *vd_doctor_nodes(void);
json_t *vd_doctor_opencl(const char *cache); /* NULL: drivers keep what they compile where they like */
json_t *vd_doctor_codecs(void);

/* doctor_deploy.c: {docker_compose, kubernetes}, lines to paste for a machine with those nodes; null: it has no GPU. */
json_t *vd_doctor_deploy(const json_t *nodes);

/* doctor_clip.c: the recording made on each of the devices, an array of {device, works, error, seconds, speed,
 * copies_per_frame, psnr, used}; works: it was made, and its pictures are about the processor's. devices: words, count of
 * them, the first is "cpu". VD_INPUT and the like: *err, and NULL. */
json_t *vd_doctor_clip(const struct vd_settings *settings, const char *const *devices, int count, struct vd_err *err);

/* doctor_text.c */
void vd_doctor_print(const json_t *document, FILE *to);

#endif
