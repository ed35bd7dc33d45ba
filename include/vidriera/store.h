/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files from outside and files for outside: opening an input safely, and making an output appear whole or not at all.
 * Called by cli/ and worker/, one thread at a time per object. Directories are held as descriptors: a folder that is
 * renamed meanwhile is still the same folder.
 */
#ifndef VIDRIERA_STORE_H
#define VIDRIERA_STORE_H

#include "vidriera/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Opens a regular file for reading; never blocks on a FIFO or a device. Returns the descriptor and fills *st.
 * VD_NO_INPUT: it does not exist. VD_INPUT: it is not a regular file, or empty. VD_IO, VD_NO_INPUT (permission).
 */
int vd_input_open(const char *path, struct stat *st, struct vd_err *err);

/* True when fd still is the file of *before: device, inode, size, mtime. */
bool vd_input_unchanged(int fd, const struct stat *before);

/*
 * A file in the making. It has no name while it grows, where the file system can do that (O_TMPFILE); elsewhere it is
 * `.vd-<job>-<nonce>.part` in the target's folder.
 */
enum { VD_PART_NAME = 96 }; /* of a job's id, whole */

struct vd_stage {
    int dir;                 /* the target's folder */
    int fd;                  /* the file, open for reading and writing */
    char part[VD_PART_NAME]; /* its name while it grows; empty: it has none */
};

#define VD_STAGE_NONE ((struct vd_stage){.dir = -1, .fd = -1})

/* job: what the part is named after. VD_NO_OUTPUT: the folder is missing, not a folder, or cannot be written. */
int vd_stage_create(struct vd_stage *stage, const char *folder, const char *job, struct vd_err *err);

/* In an open folder, which stays the caller's. where: what the words call it. VD_NO_OUTPUT; VD_IO: a full disk. */
int vd_stage_create_at(struct vd_stage *stage, int folder, const char *where, const char *job, struct vd_err *err);

/*
 * fsync, then the name by an exclusive step, then fsync of the folder. replace: an existing regular file of that name
 * is replaced in one step. VD_NO_OUTPUT: the name is taken (and not replace). VD_IO: a failed fsync or a full disk; the
 * stage is to be dropped. After success the stage is empty.
 */
int vd_stage_commit(struct vd_stage *stage, const char *name, bool replace, struct vd_err *err);

/* Removes what was made. Accepts an empty or half-built stage. Async-signal-unsafe. */
void vd_stage_drop(struct vd_stage *stage);

/* XXH3-128 of a whole file, as "xxh3-128:" and 32 hex digits. Reads by pread: the file position stays. */
#define VD_DIGEST_TEXT 48

/* For whoever waits: how far it is, and a way to end it early. */
struct vd_digest_watch {
    atomic_llong bytes; /* read so far */
    atomic_bool stop;   /* set it: VD_AGAIN */
};

int vd_digest_fd(int fd, struct vd_digest_watch *watch, char out[VD_DIGEST_TEXT], struct vd_err *err);

#endif
