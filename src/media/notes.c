/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notes.h"

#include <stdarg.h>
#include <stdio.h>

int vd_notes_init(struct vd_notes *notes)
{
    pthread_mutex_init(&notes->lock, NULL);
    notes->warnings = json_array();
    notes->dropped = json_array();
    return notes->warnings && notes->dropped ? 0 : -1;
}

void vd_notes_finish(struct vd_notes *notes)
{
    json_decref(notes->warnings);
    json_decref(notes->dropped);
    pthread_mutex_destroy(&notes->lock);
}

/* Stream titles and codec tags are the input's own bytes: only what is printable ASCII goes on. */
static void add(struct vd_notes *notes, json_t *list, const char *fmt, va_list args)
{
    char text[VD_NOTE_BYTES];
    vsnprintf(text, sizeof text, fmt, args);
    for (char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    pthread_mutex_lock(&notes->lock);
    size_t count = json_array_size(list);
    if (count < VD_NOTES_MAX)
        json_array_append_new(list, json_string(count == VD_NOTES_MAX - 1 ? "and more" : text));
    pthread_mutex_unlock(&notes->lock);
}

void vd_warn(struct vd_notes *notes, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(notes, notes->warnings, fmt, args);
    va_end(args);
}

void vd_dropped(struct vd_notes *notes, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(notes, notes->dropped, fmt, args);
    va_end(args);
}
