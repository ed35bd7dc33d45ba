/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings that go to folders on another file system, and documents about them. */
#ifndef TESTS_UNIT_ACROSS_H
#define TESTS_UNIT_ACROSS_H

#include "tree.h"

static char elsewhere[64]; /* archived and failed are there, on another file system; empty: beneath data */

static inline int make_across(void **state)
{
    struct stat here, there;
    char archived[80], failed[80];
    tree_make(state);
    if (stat("/dev/shm", &there) < 0 || stat(data, &here) < 0 || here.st_dev == there.st_dev)
        return 0;
    strcpy(elsewhere, "/dev/shm/vidriera-unit-XXXXXX");
    if (!mkdtemp(elsewhere)) {
        elsewhere[0] = '\0';
        return 0;
    }
    assert_int_equal(chmod(elsewhere, 0755), 0);
    vd_roots_close(&roots);
    folder_drop(data);
    assert_int_equal(mkdir(data, 0755), 0);
    snprintf(archived, sizeof archived, "%s/archived", elsewhere);
    snprintf(failed, sizeof failed, "%s/failed", elsewhere);
    assert_int_equal(mkdir(archived, 0777) | mkdir(failed, 0777), 0);
    /* so that tests find them by one name */
    assert_int_equal(symlink(archived, at("archived")) | symlink(failed, at("failed")), 0);
    const char *const moved[VD_ROOTS] = {[VD_ARCHIVED] = archived, [VD_FAILED_ROOT] = failed};
    assert_int_equal(vd_roots_open(&roots, data, NULL, moved, NULL), 0);
    return 0;
}

static inline int drop_across(void **state)
{
    tree_drop(state);
    if (elsewhere[0])
        folder_drop(elsewhere);
    elsewhere[0] = '\0';
    return 0;
}

static inline json_t *document_of(const char *file, const char *status)
{
    struct stat st;
    char whole[300];
    snprintf(whole, sizeof whole, "recordings/%s", file);
    assert_int_equal(stat(at(whole), &st), 0);
    struct vd_replay replay = {.dev = st.st_dev,
                               .inode = st.st_ino,
                               .bytes = st.st_size,
                               .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    json_t *made = json_pack("{s:s, s:s, s:{s:s, s:s}}", "job", "job-1", "status", status, "input", "root",
                             "recordings", "path", file);
    assert_int_equal(vd_replay_put(made, &replay), 0);
    return made;
}

#endif
