/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job: what is to be made of one recording, and how much of the machine it may take. Plain values; whoever holds the
 * struct owns it. Any thread.
 */
#ifndef VIDRIERA_JOB_H
#define VIDRIERA_JOB_H

#include "vidriera/effect.h"
#include "vidriera/err.h"

#include <jansson.h>
#include <stdint.h>

enum vd_codec { VD_CODEC_AUTO, VD_CODEC_H264, VD_CODEC_HEVC, VD_CODEC_AV1 };

/* What decides the output's bits: the same recipe on the same input is the same job. */
struct vd_recipe {
    struct vd_effect_params effect;
    enum vd_codec codec; /* AUTO: H.264, or HEVC when the source has more than 8 bits */
    char preset[16];     /* x264's names, for every encoder */
    double quality;      /* x264's scale, 0 to 51, for every encoder */
};

/* What one recording may cost. */
struct vd_limits {
    int64_t pixels;       /* of one coded picture */
    int64_t streams;      /* in the input */
    int64_t probe_bytes;  /* read to find out what the input is */
    int64_t duration_s;   /* of the input */
    int64_t memory_bytes; /* of the media process */
    int64_t stall_s;      /* without progress */
    /* A driver is loaded also where the kernel lacks landlock, and so can open any file that this user can. The host's to
     * say: it does not travel in a job. */
    bool without_landlock;
};

enum { VD_THREADS_MAX = 64 };

/* The whole of an order to the media process. */
struct vd_job {
    struct vd_recipe recipe;
    struct vd_limits limits;
    int threads;        /* for decoding and for encoding each, VD_THREADS_MAX at most; 0: as many as pay */
    char container[8];  /* mp4, mov, mkv; empty: chosen from the input */
    char extension[16]; /* of the input's name, lower case without dot: only to prefer a container */
    char device[64];    /* words for vd_device_open() that the slot has opened; empty: cpu */
    bool demanded;      /* nothing but that device will do */
    char reason[480];   /* why not a better one; empty: it is the best, or was demanded */
    bool decode_only;   /* no effect, no output: does software decoding of this input survive? */
};

void vd_job_defaults(struct vd_job *job);

/* "auto", "h264", "hevc", "av1"; -1 for another word. */
int vd_codec_parse(const char *text, enum vd_codec *codec);
const char *vd_codec_name(enum vd_codec codec);

/* x264's preset i, fastest first; NULL past the end. */
const char *vd_preset_name(int i);

/* As the JSON object that travels to the media process, and back. The caller owns the object. */
json_t *vd_job_to_json(const struct vd_job *job);
int vd_job_from_json(const json_t *object, struct vd_job *job, struct vd_err *err);

#endif
