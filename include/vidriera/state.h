/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is remembered beside the recordings, in STATE:
 *
 *     done/<job>      the end of a job, whatever it was: the result document with "replay"
 *     paths/<hash>    the same file once more (a hard link), by root and path of the input: the latest job of that file
 *     spool/<…>.job   orders that wait for a broker
 *     broker          address of the embedded broker while it runs
 *
 * Files are written aside, synced, and renamed. Any thread.
 */
#ifndef VIDRIERA_STATE_H
#define VIDRIERA_STATE_H

#include "vidriera/order.h"
#include "vidriera/roots.h"

#include <jansson.h>

/* Records the end of document's job; replaces an earlier one. On disk when this returns. VD_IO. */
int vd_done_write(const struct vd_roots *roots, const json_t *document, struct vd_err *err);

/* 1: *document is new; 0: there is none (a damaged one counts as none); -1: VD_IO. */
int vd_done_find(const struct vd_roots *roots, const char *job, json_t **document, struct vd_err *err);
int vd_done_find_path(const struct vd_roots *roots, const char *root, const char *path, json_t **document,
                      struct vd_err *err);

/* The job may be done anew; paths/ stays: its file is known. On disk when this returns. VD_IO. */
int vd_done_forget(const struct vd_roots *roots, const char *job, struct vd_err *err);

/* The newest `most` ends, the oldest of them first. Returns how many there were, -1: VD_IO. */
int vd_done_newest(const struct vd_roots *roots, int most, void (*each)(void *opaque, const json_t *document),
                   void *opaque, struct vd_err *err);

/*
 * Is this the file that the document's job has processed? By size, mtime (ns) and inode; not by device, whose number
 * differs from mount to mount and from machine to machine.
 */
bool vd_done_same_file(const json_t *document, const struct stat *st);

/* The same, or a copy of it that kept its time: what comes back from another file system to be tried again. */
bool vd_done_same_recording(const json_t *document, const struct stat *st);

/* Keeps an order for later; on disk when this returns. */
int vd_spool_put(const struct vd_roots *roots, const char *job, const char *text, struct vd_err *err);

/*
 * Every order in the spool, oldest name first, until `each` returns false: opened O_NOFOLLOW, regular, at most
 * VD_ORDER_BYTES, else warned of and left. name is for vd_spool_remove(). Returns how many there were, -1: VD_IO.
 */
int vd_spool_each(const struct vd_roots *roots,
                  bool (*each)(void *opaque, const char *name, const char *text, size_t size), void *opaque,
                  struct vd_err *err);
void vd_spool_remove(const struct vd_roots *roots, const char *name);

/* NULL address: removes it. */
int vd_broker_write(const struct vd_roots *roots, const char *address, struct vd_err *err);

/* True when a broker of `run` is written down; it may have died. */
bool vd_broker_read(const struct vd_roots *roots, char *address, size_t size);

#endif
