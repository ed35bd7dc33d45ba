/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The check before an output is published: the finished file is opened again and read to its end, and what it holds is
 * held against what went in. Any thread, one at a time per file.
 */
#ifndef VIDRIERA_MEDIA_VERIFY_H
#define VIDRIERA_MEDIA_VERIFY_H

#include "mux.h"

struct vd_verdict {
    bool frames_match;       /* as many pictures as were decoded, at the same times */
    bool pictures_sound;     /* and as long as they were */
    bool audio_identical;    /* every sound stream byte for byte, as far from the picture as it was */
    double duration_drift_s; /* the output's length less the length of what was decoded */
    int64_t frames;
    double duration_s; /* of the output's video */
};

/*
 * mux: ended, not yet closed: what was written. frames: what was decoded. What the container silently left out (tags,
 * chapters) goes to notes. 0 when all is well; VD_DEFECT when it is not, with words; VD_IO.
 */
int vd_verify(struct vd_verdict *verdict, const struct vd_mux *mux, int fd, int64_t frames, atomic_llong *moved,
              struct vd_err *err);

#endif
