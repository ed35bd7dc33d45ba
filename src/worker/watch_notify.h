/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inotify, for being quick only: whatever it misses, the next look around finds. Folders are told by descriptor. One
 * thread.
 */
#ifndef VIDRIERA_WORKER_WATCH_NOTIFY_H
#define VIDRIERA_WORKER_WATCH_NOTIFY_H

#include <stdbool.h>

struct vd_notify {
    int fd;            /* readable when something happened; -1: there is no inotify */
    int spool;         /* its watch */
    int newest, count; /* watches: the kernel's numbers rise */
    bool full;         /* told that some folders are not watched */
};

/* Never fails: it may be blind. */
void vd_notify_open(struct vd_notify *notify);
void vd_notify_close(struct vd_notify *notify);

/* To be called before the folder is read; again and again for the same folder is fine. */
void vd_notify_folder(struct vd_notify *notify, int folder);

/* The spool in the state folder. */
void vd_notify_spool(struct vd_notify *notify, int state);

/* Takes what is there. True: something in the folders is worth a look; *spool: in the spool. */
bool vd_notify_read(struct vd_notify *notify, bool *spool);

#endif
