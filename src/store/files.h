/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files of ours, whole or not at all, and opening what others put beneath a folder. Causes are told by errno. */
#ifndef VIDRIERA_STORE_FILES_H
#define VIDRIERA_STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* openat2() that follows no link and does not leave dir: EXDEV when it would, ELOOP for a symbolic link. */
int vd_open_beneath(int dir, const char *path, int flags);

/* Makes a new file of that name, on disk with its name when this returns. EEXIST: the name is taken, and stays so. */
int vd_file_new(int dir, const char *name, const char *text, size_t size);

/* The same, in place of what has the name. put: the folder is the caller's to sync. */
int vd_file_replace(int dir, const char *name, const char *text, size_t size);
int vd_file_put(int dir, const char *name, const char *text, size_t size);

/*
 * The bytes of a regular file of at most `most` bytes, with a 0 behind them; the caller frees. NULL: EFBIG, EINVAL (not
 * a regular file), ELOOP (a symbolic link), ENOENT …
 */
char *vd_file_read(int dir, const char *name, size_t most, size_t *size);

/* True for a cause that lies in the file, not in the machine: nothing usable is there. */
bool vd_file_unusable(int cause);

int vd_write_all(int fd, const char *text, size_t size);

/* close() that leaves errno as it is. */
void vd_close(int fd);

#endif
