/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the supervisor shows of itself: to people (vidriera/board.h), to Prometheus (vidriera/metrics.h), to systemd
 * (vidriera/notify.h). The supervisor's thread. Words shown have no path and no broker's address in them: they are
 * given to whoever asks.
 */
#ifndef VIDRIERA_WORKER_SHOW_H
#define VIDRIERA_WORKER_SHOW_H

#include "work.h"

enum { VD_SHOW_WORDS = 480 };

struct vd_shown {
    struct vd_choice device; /* shown last */
    struct vd_err no_device; /* code 0: there is one */
    struct vd_err bus;       /* why no broker answers */
    double extended_at;      /* monotonic: more time asked of systemd */
    bool begun, ends;
};

/* How quickly a slot works. */
struct vd_pace {
    int64_t frames;  /* of this attempt, so far */
    int64_t counted; /* when it was measured */
    double at;       /* monotonic: and when that was */
    double fps;
};

/* Before anything that may take long. */
void vd_show_begin(struct vd_supervisor *sup);

/* Each time round the loop. */
void vd_show_round(struct vd_supervisor *sup, double now);

/* What jobs get whose order is silent. */
void vd_show_device(struct vd_supervisor *sup, const struct vd_choice *choice);
void vd_show_no_device(struct vd_supervisor *sup, const struct vd_err *err);

/* An end that is published. */
void vd_show_work(const struct vd_work *work);

/* The end of this process, whatever is left. It may take that long. */
void vd_show_end(struct vd_supervisor *sup, double seconds);

/* The words of an error as far as they name no path and no address; else others. */
void vd_show_words(char words[VD_SHOW_WORDS], const struct vd_err *err, const char *others);

/* The backend of a device's words: `vaapi-host` of `vaapi-host:/dev/dri/renderD128`. */
void vd_show_backend(const char *device, char *backend, size_t size);

#endif
