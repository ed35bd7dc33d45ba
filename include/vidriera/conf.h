/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: one row each, whatever the value comes from. Defaults give way to the configuration file, the file to the
 * environment, the environment to options. The table itself is the caller's (cli/settings.c); this is the machinery.
 * Called once, at start, before any thread exists.
 */
#ifndef VIDRIERA_CONF_H
#define VIDRIERA_CONF_H

#include "vidriera/err.h"

#include <stdbool.h>
#include <stddef.h>

struct vd_setting;

/*
 * Reads text into the member at row->offset of settings. -1: it does not fit; then wanted holds what would, as the end
 * of a sentence: "a number from 0 to 1". text is NULL for a flag given as an option; it may be kept.
 */
typedef int vd_setting_parse(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size);

/*
 * A key is "name" or "section.name" in the file, VIDRIERA_NAME or VIDRIERA_SECTION_NAME in the environment. One row may
 * end with ".*": the names of that section are free, dots included, and are written with _ for . in the environment.
 * Its parse is called with a copy of the row that holds the whole key.
 */
struct vd_setting {
    const char *option;  /* long name without dashes; NULL: not an option; without a key, help is a heading */
    char letter;         /* short name; 0: none */
    const char *metavar; /* NULL: a flag */
    const char *key;     /* NULL: option only */
    vd_setting_parse *parse;
    size_t offset;
    double min, max;   /* for parse */
    const char *shown; /* the default, for people; with a key, as it would be given; NULL: nothing to show */
    const char *help;
    unsigned commands; /* who takes it: bits */
};

/* True when the row is but a heading of those below it. */
bool vd_setting_heading(const struct vd_setting *row);

/* True when the row's key stands for a whole section: "kafka.*". */
bool vd_setting_free(const struct vd_setting *row);

/* A value as it was set. */
struct vd_conf_value {
    char *key, *text, *where; /* where: "file:line", "VIDRIERA_NAME", "--option" */
};

/* What was set, in order, and the texts themselves: settings point into them. Zeroed to begin with. */
struct vd_conf {
    struct vd_conf_value *values;
    int count;
};

/* The variable for a row: "VIDRIERA_OUTPUT_PRESET". row->key must not be NULL. */
void vd_setting_env(const struct vd_setting *row, char *name, size_t size);

/* VD_CONFIG with file, line and cure. A file that is not there: VD_CONFIG when required, else nothing. */
int vd_conf_file(const char *path, int required, const struct vd_setting *rows, int count, void *settings,
                 struct vd_conf *conf, struct vd_err *err);

/*
 * VD_CONFIG, naming the variable. An empty variable counts as none: compose files pass those on. VIDRIERA_NAME_FILE
 * names a file that holds the value, less a final newline.
 */
int vd_conf_env(const struct vd_setting *rows, int count, void *settings, struct vd_conf *conf, struct vd_err *err);

/*
 * One value, copied: the copies last until vd_conf_finish(). text NULL: a flag, given as an option. A free key, with
 * key the row's own: text is NAME=VALUE. -1: wanted holds what would fit.
 */
int vd_conf_set(struct vd_conf *conf, const struct vd_setting *row, const char *key, const char *text,
                const char *where, void *settings, char *wanted, size_t size);

/* The value in force and where it came from; NULL: it is the default. */
const struct vd_conf_value *vd_conf_find(const struct vd_conf *conf, const char *key);

void vd_conf_finish(struct vd_conf *conf);

/* The known word nearest to a mistyped one, NULL when none is near. words: count pointers, NULL ones do not count. */
const char *vd_nearest(const char *word, const char *const *words, int count);

#endif
