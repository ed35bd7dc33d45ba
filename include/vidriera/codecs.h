/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this FFmpeg has of a family of encoders, for doctor. What a device can is another matter: choose.h. Any thread. */
#ifndef VIDRIERA_CODECS_H
#define VIDRIERA_CODECS_H

#include "vidriera/device.h"

/* "5.1.6-0+deb12u1" */
const char *vd_codecs_ffmpeg(void);

/* Library i of FFmpeg as it is loaded: its name, and "59.27.100" in version. NULL past the end. */
const char *vd_codecs_library(int i, char version[16]);

enum { VD_CODECS_MAX = 24 };

/* Those that a job may be given, as FFmpeg names them; returns how many. */
int vd_codecs_encoders(enum vd_family family, const char *names[VD_CODECS_MAX]);

/* What it could let the family's hardware decode. Of software: none. */
int vd_codecs_decoders(enum vd_family family, const char *names[VD_CODECS_MAX]);

#endif
