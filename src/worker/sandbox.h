/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a slot gives up before it reads a single byte of input. */
#ifndef VIDRIERA_WORKER_SANDBOX_H
#define VIDRIERA_WORKER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vd_sandbox {
    pid_t parent;         /* dies with it */
    int64_t memory_bytes; /* of data */
    bool hardware;        /* a device is opened between begin and end: its driver needs files, ioctl and more */
    const char *words;    /* the device's; NULL: none */
    bool warn;            /* of what the kernel lacks; else it is only said at debug level */
    bool bounded;         /* set by begin: no file but those, or sanitizers are at work */
};

/*
 * Two steps, with the opening of a device between them. Without hardware the second one takes all files away; with it, the
 * first leaves system folders to read, device nodes to use and the cache to write, for good.
 *
 * The first, in the child, while it has one thread: leaves the working folder, ignores the terminal's signals, dies with `parent`,
 * dumps no core, limits its memory and descriptors, is the first to go when memory runs out, and gives up capabilities,
 * files and network. From the second on it has what is open, and nothing else. Says in the log what was applied: sanitizers
 * read /proc and start processes, so with them it keeps more. -1 when the parent is already gone.
 */
int vd_sandbox_begin(struct vd_sandbox *setup);

/* The rest, before the first byte of input: after it, threads of a driver included, no new kind of system call is made. */
void vd_sandbox_end(const struct vd_sandbox *setup);

#endif
