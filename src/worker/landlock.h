/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Landlock: what the kernel keeps a process and its threads from, for good. Raw system calls: libc has none of them. */
#ifndef VIDRIERA_WORKER_LANDLOCK_H
#define VIDRIERA_WORKER_LANDLOCK_H

/*
 * For the calling thread and what it starts: no file or folder can be opened, made, renamed or removed; no TCP (ABI 4
 * on); no signal and no abstract socket leads out (ABI 6 on). Open descriptors go on working. Needs no_new_privs.
 * Returns the kernel's ABI, or -1 and errno.
 */
int vd_landlock_restrict(void);

/* The same, but system folders may be read, and what lies there run; device nodes of graphics hardware used, the one that
 * `words` name among them; and the folders that the runtimes' cache variables name are theirs. */
int vd_landlock_hardware(const char *words);

#endif
