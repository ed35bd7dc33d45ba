/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system calls that are left to a slot, by a seccomp filter. */
#ifndef VIDRIERA_WORKER_SYSCALLS_H
#define VIDRIERA_WORKER_SYSCALLS_H

/*
 * For all threads of the process: reading and writing open descriptors, memory, threads, time; with a device, which its
 * words name, also what its driver goes on doing; NULL: there is none. The rest ends with EPERM, so that a library that only
 * tries goes on. -1 and errno when the filter cannot be set.
 */
int vd_syscalls_restrict(const char *device);

#endif
