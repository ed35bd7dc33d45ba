/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the result says beside success: warnings (repaired, scaled, concealed) and what was dropped. Any thread; bounded,
 * whatever the input does.
 */
#ifndef VIDRIERA_MEDIA_NOTES_H
#define VIDRIERA_MEDIA_NOTES_H

#include <jansson.h>
#include <pthread.h>

enum { VD_NOTES_MAX = 64, VD_NOTE_BYTES = 240 };

struct vd_notes {
    pthread_mutex_t lock;
    json_t *warnings, *dropped;
};

int vd_notes_init(struct vd_notes *notes);
void vd_notes_finish(struct vd_notes *notes);

/* Past VD_NOTES_MAX the last note says that there were more. Bytes that are not UTF-8 text become '?'. */
void vd_warn(struct vd_notes *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vd_dropped(struct vd_notes *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
