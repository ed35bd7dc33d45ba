/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The open connections, and how long each may take. The library's own timeout asks only whether a byte came; here a
 * request must be whole, an answer be taken, and a piece of a long one go out within a time, however it drips. A thread
 * takes connections in, no more than there is room for (the library refuses the rest), and ends what is late by
 * shutdown(), which the connection's thread then finds. When there are nearly too many, who waits longest goes, so that
 * a newcomer, perhaps one who asks for the health, always finds room.
 */
#ifndef VIDRIERA_WEB_LINES_H
#define VIDRIERA_WEB_LINES_H

#include <pthread.h>
#include <stdbool.h>

enum {
    VD_LINES = 64,      /* the rest waits in the kernel */
    VD_LINES_KEPT = 56, /* beyond these the oldest go */
    VD_LINES_LONG = 20, /* of each kind */
};

/* Seconds. The second one covers what a change waits for the broker. */
static const double vd_request_s = 10, vd_answer_s = 20, vd_piece_s = 60;

/* Answers that may take as long as they like, as long as they go on. */
enum vd_long { VD_EVENTS, VD_MEDIA, VD_LONGS };

enum vd_phase { VD_ASKS, VD_ANSWERED, VD_GOES_ON };

struct vd_line {
    struct vd_line *before, *after;
    int fd;
    enum vd_phase phase;
    double deadline;
    bool ended; /* by us: its thread has yet to find out */
};

struct vd_lines {
    pthread_t thread;
    int listener;                          /* not blocking */
    int wake;                              /* an eventfd, for the thread */
    bool (*take_in)(void *opaque, int fd); /* takes fd, and adds it, perhaps later; false: it never will */
    void *opaque;

    pthread_mutex_t lock;
    pthread_cond_t over; /* stop */
    struct vd_line *first;
    int coming;    /* taken in, and not yet added */
    int all, kept; /* kept: those that are not ended */
    int longs[VD_LONGS];
    bool stop;
};

/* Takes the listener, whatever the result. -1: errno. */
int vd_lines_init(struct vd_lines *lines, int listener);
int vd_lines_start(struct vd_lines *lines, bool (*take_in)(void *opaque, int fd), void *opaque);

/* Waits end, and connections too; the thread is joined. The lines are then removed by whoever added them. */
void vd_lines_stop(struct vd_lines *lines);
void vd_lines_finish(struct vd_lines *lines);

/* NULL: no memory. The descriptor must stay open until it is taken off. */
struct vd_line *vd_lines_add(struct vd_lines *lines, int fd);
void vd_lines_remove(struct vd_lines *lines, struct vd_line *line);

/* Its time for this phase begins now. */
void vd_line_phase(struct vd_lines *lines, struct vd_line *line, enum vd_phase phase);

/* False: there are too many of this kind. */
bool vd_lines_enter(struct vd_lines *lines, enum vd_long kind);
void vd_lines_leave(struct vd_lines *lines, enum vd_long kind);

/* Until then, or the end: true. */
bool vd_lines_wait(struct vd_lines *lines, double until);

#endif
