/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings through the real table, as a command reads them: from words, and from a file of --config. */
#ifndef TESTS_UNIT_SETTINGS_WORDS_H
#define TESTS_UNIT_SETTINGS_WORDS_H

#include "capture.h"

#include "settings.h"

static char folder[32];
static struct vd_settings latest; /* what read_words() gave out, to be finished */

static inline int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static inline int drop_folder(void **state)
{
    (void)state;
    folder_drop(folder);
    vd_settings_finish(&latest);
    return 0;
}

enum { WORDS = 16 };

/* words: options divided by spaces; "''" stands for an empty one. Texts in *settings last until the next call. */
static inline int read_words_of(const struct vd_command *command, struct vd_settings *settings, const char *words,
                                struct vd_err *err)
{
    static char copy[1000];
    static char *argv[WORDS + 1];
    int argc = 1;
    argv[0] = (char *)command->name;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        assert_true(argc < WORDS);
        argv[argc++] = strcmp(word, "''") ? word : word + 2;
    }
    *err = (struct vd_err){0};
    vd_settings_finish(&latest);
    int ret = vd_settings_read(settings, command, argc, argv, err);
    latest = *settings;
    return ret;
}

static inline const char *write_file(const char *name, const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* The same as read_words_of with the text in a file of --config. */
static inline int read_config_of(const struct vd_command *command, struct vd_settings *settings, const char *text,
                                 const char *words, struct vd_err *err)
{
    char all[1000];
    snprintf(all, sizeof all, "--config %s %s", write_file("v.conf", text), words);
    return read_words_of(command, settings, all, err);
}

#endif
