/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A data folder with its roots, and what is said of the files beneath it. */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include "faults.h"

#include "vidriera/log.h"
#include "vidriera/result.h"
#include "vidriera/roots.h"
#include "vidriera/store.h"

static char data[32];
static struct vd_roots roots = {.state = -1};

/* Beneath data; valid until the fourth call after. */
static inline const char *at(const char *path)
{
    static char paths[4][600];
    static int turn;
    char *whole = paths[turn = (turn + 1) % 4];
    snprintf(whole, sizeof paths[0], "%s/%s", data, path);
    return whole;
}

static inline int tree_make(void **state)
{
    static const char *const moved[VD_ROOTS] = {NULL};
    struct vd_err err = {0};
    (void)state;
    memset(&fault, 0, sizeof fault);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_ERROR});
    umask(022);
    folder_make(data);
    assert_int_equal(chmod(data, 0755), 0);
    if (vd_roots_open(&roots, data, NULL, moved, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static inline int tree_make_old(void **state)
{
    tree_make(state);
    fault.old = true;
    return 0;
}

static inline int tree_drop(void **state)
{
    (void)state;
    vd_roots_close(&roots);
    folder_drop(data);
    return 0;
}

static inline void put(const char *path, const char *text)
{
    char folder[600];
    snprintf(folder, sizeof folder, "%s", at(path));
    for (char *slash = folder + strlen(data) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        assert_true(mkdir(folder, 0777) == 0 || errno == EEXIST);
    }
    FILE *file = fopen(at(path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline bool exists(const char *path)
{
    struct stat st;
    return lstat(at(path), &st) == 0;
}

static inline void assert_text(const char *path, const char *text)
{
    char got[256] = "";
    FILE *file = fopen(at(path), "r");
    if (!file)
        fail_msg("%s is not there", path);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(got, text);
}

static inline int count(const char *path)
{
    return folder_count(at(path));
}

/* How many names in it contain the word. */
static inline int count_like(const char *path, const char *word)
{
    DIR *folder = opendir(at(path));
    const struct dirent *entry;
    int found = 0;
    while (folder && (entry = readdir(folder)))
        found += strstr(entry->d_name, word) != NULL;
    if (folder)
        closedir(folder);
    return found;
}

static inline void assert_says(const struct vd_err *err, const char *word)
{
    if (!strstr(err->text, word))
        fail_msg("\"%s\" does not say \"%s\"", err->text, word);
}

/* The words name no place on this machine, except in a command. */
static inline void assert_no_host_path(const struct vd_err *err)
{
    if (strstr(err->text, data))
        fail_msg("\"%s\" tells where the data is", err->text);
}

static inline bool as_root(void)
{
    if (geteuid() == 0)
        return true;
    print_message("this needs a second user, so root: skipped\n");
    return false;
}

/* Runs it in a child that is nobody; what it returns. */
static inline int as_nobody(int (*run)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(99);
        _exit(run());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
