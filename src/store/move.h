/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file from one folder to another, for what decides which. */
#ifndef VIDRIERA_STORE_MOVE_H
#define VIDRIERA_STORE_MOVE_H

#include "vidriera/archive.h"

#include "names.h"

struct vd_move {
    const struct vd_roots *roots;
    enum vd_root from_root, to_root;
    char folder[VD_ORDER_PATH]; /* beneath both */
    int from, to;               /* it, open; -1: it is not there */
    const char *job;            /* what a part is named after */
    const char *as;             /* the one name that it may get; NULL: see vd_move_name() */
    struct vd_err *err;
};

/*
 * The n-th name that a file may get where it goes: its own, then `<stem>.2.<ext>` …. False, and errno is EEXIST: these
 * are enough.
 */
bool vd_move_name(char got[VD_NAME], const char *name, int n);

/* The same, or the one name that the move gives. */
bool vd_move_next(const struct vd_move *move, char got[VD_NAME], const char *name, int n);

/* Moves the file of that name, whatever it is: what goes along with a recording. GONE: there is none. */
enum vd_archived vd_move_along(const struct vd_move *move, const char *name);

/* Is a recording in the open folder? 1, 0; -1: it cannot be told. */
int vd_has_media(int folder);

/* The names of what describes a session, up to a NULL. */
extern const char *const vd_session_files[];

/* May this user take it out of its folder? VD_ARCHIVE_MOVED: yes; VD_ARCHIVE_CANNOT. */
enum vd_archived vd_move_allowed(const struct vd_move *move, const char *name, const struct stat *st);

/* Moves it when the name still is the open file of *st. got: the name that it has now. */
enum vd_archived vd_move_file(const struct vd_move *move, const char *name, int fd, const struct stat *st,
                              char got[VD_NAME]);

/* Copies, syncs, compares and names it; the original stays. 1: it changed meanwhile; -1: errno. */
int vd_move_copy(const struct vd_move *move, const char *name, int fd, const struct stat *st, char got[VD_NAME]);

#endif
