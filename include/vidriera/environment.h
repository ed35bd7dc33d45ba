/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What drivers, and the runtimes around them, read of the environment: one list for the slots that are given it, and for
 * the keys under which is remembered what a device can do. Any thread.
 */
#ifndef VIDRIERA_ENVIRONMENT_H
#define VIDRIERA_ENVIRONMENT_H

#include <limits.h>
#include <stdbool.h>

/* entry: "NAME=value". */
bool vd_environment_for_drivers(const char *entry);

/* Whether another value may load another driver, or make it another one. Not where drivers keep what they compiled, nor
 * where programs are looked for. */
bool vd_environment_decides(const char *entry);

enum { VD_ENVIRONMENT_CACHES = 5 };

/* The names of the variables that tell runtimes where to keep what they compiled. */
extern const char *const vd_environment_caches[VD_ENVIRONMENT_CACHES];

/* The folder in our cache that they are given, made where it is not, for drivers alone: what a slot can write, whoever takes
 * it over can forge. False: it is not to be had. */
bool vd_environment_cache_folder(const char *cache, char path[PATH_MAX]);

#endif
