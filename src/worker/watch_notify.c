/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_notify.h"

#include "vidriera/archive.h"
#include "vidriera/log.h"

#include "watch_scan.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { WATCHES = 8192 }; /* of the user's, which other programs need as well */

void vd_notify_open(struct vd_notify *notify)
{
    *notify = (struct vd_notify){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .spool = -1};
    if (notify->fd < 0)
        vd_log(VD_LOG_WARNING, "watch: no inotify: %s; recordings are found by looking around only", strerror(errno));
}

void vd_notify_close(struct vd_notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

/* By way of /proc, so that it is this folder and no other that has its name by now. */
static int add(struct vd_notify *notify, int folder, const char *below, uint32_t events)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d%s", folder, below);
    return inotify_add_watch(notify->fd, path, events | IN_ONLYDIR);
}

static void tell_full(struct vd_notify *notify, const char *why)
{
    if (!notify->full)
        vd_log(VD_LOG_WARNING,
               "watch: not every folder can be watched: %s; their recordings are found by looking around, or raise "
               "fs.inotify.max_user_watches",
               why);
    notify->full = true;
}

void vd_notify_folder(struct vd_notify *notify, int folder)
{
    if (notify->fd < 0)
        return;
    if (notify->count >= WATCHES) {
        tell_full(notify, "there are too many");
        return;
    }
    int watch = add(notify, folder, "", IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO);
    if (watch < 0) {
        tell_full(notify, strerror(errno));
    } else if (watch > notify->newest) {
        notify->newest = watch;
        notify->count++;
    }
}

void vd_notify_spool(struct vd_notify *notify, int state)
{
    if (notify->fd >= 0)
        notify->spool = add(notify, state, "/spool", IN_CREATE | IN_MOVED_TO);
    if (notify->spool > notify->newest)
        notify->newest = notify->spool;
}

static bool matters(const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    if (!event->len)
        return false;
    if (event->mask & IN_ISDIR)
        return event->name[0] != '.';
    return vd_is_media_name(event->name) || vd_watch_is_mark(event->name);
}

bool vd_notify_read(struct vd_notify *notify, bool *spool)
{
    _Alignas(struct inotify_event) char events[16384];
    bool folders = false;
    ssize_t got;
    *spool = false;
    while (notify->fd >= 0 && (got = read(notify->fd, events, sizeof events)) > 0)
        for (const char *at = events; at < events + got;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            bool of_spool = event->wd >= 0 && event->wd == notify->spool;
            if ((event->mask & IN_IGNORED) && !of_spool)
                notify->count--;
            *spool = *spool || of_spool || (event->mask & IN_Q_OVERFLOW);
            folders = folders || (!of_spool && matters(event));
            at += sizeof *event + event->len;
        }
    return folders;
}
