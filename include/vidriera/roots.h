/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folders of the appliance: recordings, processed, archived, failed, and the state folder `.vidriera` in `data`.
 * Other programs write there and shares come and go, so nothing is held open: each call opens the root anew and looks
 * whether it is the one that was used before (a marker file `.vidriera-root` in it, remembered in the state folder; of
 * a root that we may not write to, its inode and kind of file system). A root that is away (no marker, ESTALE, EIO, not
 * mounted) is a fault of the host: VD_IO, never of a job. Everything beneath a root is opened by openat2 with
 * RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS.
 *
 * A struct vd_roots is read-only after vd_roots_open(): any thread.
 */
#ifndef VIDRIERA_ROOTS_H
#define VIDRIERA_ROOTS_H

#include "vidriera/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum vd_root { VD_RECORDINGS, VD_PROCESSED, VD_ARCHIVED, VD_FAILED_ROOT, VD_ROOTS };

/* "recordings" …; and back, -1 for another word. */
const char *vd_root_name(enum vd_root root);
int vd_root_parse(const char *name, enum vd_root *root);

struct vd_roots {
    char *data;           /* absolute */
    char *on_host;        /* data as people have it who run commands outside of this container; NULL: the same */
    char *path[VD_ROOTS]; /* absolute */
    int state;            /* DATA/.vidriera, open */
};

#define VD_ROOTS_NONE ((struct vd_roots){.state = -1})

/*
 * data must exist; default folders (NULL in moved) are made beneath it when absent, a moved one must exist. Makes
 * .vidriera (0700) with claims/, done/, paths/, spool/ and roots/. VD_CONFIG with words that mend: data or a moved
 * folder is missing, is no folder, or the state folder cannot be written (with the command that gives it to this user).
 * on_host: where data is for whoever runs the commands that messages name; NULL: there.
 */
int vd_roots_open(struct vd_roots *roots, const char *data, const char *on_host, const char *const moved[VD_ROOTS],
                  struct vd_err *err);

/* Accepts a zeroed-by-VD_ROOTS_NONE struct. */
void vd_roots_close(struct vd_roots *roots);

/* The root as a descriptor (O_DIRECTORY, readable), after the look at its marker. VD_IO, stage "root": it is away. */
int vd_root_open(const struct vd_roots *roots, enum vd_root root, struct vd_err *err);

/*
 * A folder beneath a root; "" is the root itself. create: makes what is missing (0777 less umask). VD_NO_INPUT: it is
 * not there, or the path leads out of the root; VD_IO: the root is away; VD_NO_OUTPUT: it cannot be made;
 * VD_INPUT: a file is in its place, or a name is too long, which is nobody's fault but the path's.
 */
int vd_folder_open(const struct vd_roots *roots, enum vd_root root, const char *folder, bool create,
                   struct vd_err *err);

/* A recording beneath a root, for reading; as vd_input_open() (VD_NO_INPUT, VD_INPUT), and VD_IO as above. A path that
 * leaves the root (a symlink on the way included) is VD_INPUT: it is not what was asked for. */
int vd_root_input(const struct vd_roots *roots, enum vd_root root, const char *path, struct stat *st,
                  struct vd_err *err);

/*
 * Can jobs be worked on? All roots are there, processed can be written and has `reserve` bytes free. VD_IO with words.
 */
int vd_roots_ready(const struct vd_roots *roots, int64_t reserve, struct vd_err *err);

#endif
