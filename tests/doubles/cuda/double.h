/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the three doubles share, compiled into each of them: the log of what was asked of them, and the failures that a
 * test ordered. README.md beside this file says what the variables of the environment mean. Any thread.
 */
#ifndef VIDRIERA_TESTS_DOUBLE_H
#define VIDRIERA_TESTS_DOUBLE_H

#include <stdbool.h>

#define VD_EXPORT __attribute__((visibility("default")))

/* One line into the file of VD_DOUBLE_LOG, whole even where several processes write: the event, then key=value. */
__attribute__((format(printf, 1, 2))) void vd_log(const char *format, ...);

/* Whether VD_DOUBLE_FAIL lists name: "name" always does, "name=N" at the N-th time that this process asks, as often
 * as it is listed. */
bool vd_fails(const char *name);

/* As vd_fails(), for a failure that is a call which never returns. */
void vd_hangs(const char *name);

/* Whether VD_DOUBLE_FAIL lists "name=PATH" and there is a file PATH. */
bool vd_fails_while(const char *name);

#endif
