/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: one row each, whatever the value comes from. Defaults give way to the configuration file, the file to the
 * environment, the environment to options. The table itself is the caller's (cli/settings.c); this is the machinery.
 * Called once, at start, before any thread exists.
 */
#ifndef VIDRIERA_CONF_H
#define VIDRIERA_CONF_H

#include "vidriera/err.h"

#include <stddef.h>

struct vd_setting;

/*
 * Reads text into the member at row->offset of settings. -1: it does not fit; then wanted holds what would, as the end
 * of a sentence: "a number from 0 to 1". text is NULL for a flag given as an option; with a key, it does not outlive
 * the call.
 */
typedef int vd_setting_parse(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size);

struct vd_setting {
    const char *option;  /* long name without dashes; NULL: help is a heading, there is nothing to set */
    char letter;         /* short name; 0: none */
    const char *metavar; /* NULL: a flag */
    const char *key;     /* "section.name" in the file, VIDRIERA_SECTION_NAME in the environment; NULL: option only */
    vd_setting_parse *parse;
    size_t offset;
    double min, max;   /* for parse */
    const char *shown; /* the default, for people; NULL: nothing to show */
    const char *help;
    unsigned commands; /* who takes it: bits */
};

/* The variable for a row: "VIDRIERA_OUTPUT_PRESET". row->key must not be NULL. */
void vd_setting_env(const struct vd_setting *row, char *name, size_t size);

/* VD_CONFIG with file, line and cure. A file that is not there: VD_CONFIG when required, else nothing. */
int vd_conf_file(const char *path, int required, const struct vd_setting *rows, int count, void *settings,
                 struct vd_err *err);

/* VD_CONFIG, naming the variable. An empty variable counts as none: compose files pass those on. */
int vd_conf_env(const struct vd_setting *rows, int count, void *settings, struct vd_err *err);

/* The known word nearest to a mistyped one, NULL when none is near. words: count pointers, NULL ones do not count. */
const char *vd_nearest(const char *word, const char *const *words, int count);

#endif
