/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The appliance's folders: made, recognised, missed when they are away; and nothing but what lies beneath them. */
#include "tree.h"

#include <sys/sysmacros.h>

static const char *const nowhere[VD_ROOTS] = {NULL};

static int reopen(struct vd_err *err)
{
    vd_roots_close(&roots);
    return vd_roots_open(&roots, data, NULL, nowhere, err);
}

static int look(enum vd_root root, struct vd_err *err)
{
    int fd = vd_root_open(&roots, root, err);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void makes_what_is_missing(void **state)
{
    static const char *const folders[] = {"claims", "done", "paths", "spool", "roots"};
    struct stat st;
    char path[64];
    (void)state;
    for (int i = 0; i < VD_ROOTS; i++) {
        enum vd_root root;
        snprintf(path, sizeof path, "%s/.vidriera-root", vd_root_name((enum vd_root)i));
        assert_true(exists(path));
        assert_int_equal(vd_root_parse(vd_root_name((enum vd_root)i), &root), 0);
        assert_int_equal(root, i);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, ".vidriera/%s", folders[i]);
        assert_true(exists(path));
    }
    assert_int_equal(stat(at(".vidriera"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(count("."), VD_ROOTS + 1);
    assert_int_equal(reopen(NULL), 0);
    assert_int_equal(count("."), VD_ROOTS + 1);
}

static void refused(const char *folder, const char *const moved[VD_ROOTS], const char *word)
{
    struct vd_roots other;
    struct vd_err err = {0};
    assert_int_equal(vd_roots_open(&other, folder, NULL, moved, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_says(&err, word);
    vd_roots_close(&other);
}

static void configuration(void **state)
{
    (void)state;
    put("file", "x");
    refused(at("nowhere"), nowhere, "there is no folder");
    refused(at("file"), nowhere, "no folder");
    refused(data, (const char *const[VD_ROOTS]){[VD_ARCHIVED] = at("elsewhere")}, "archived: there is no folder");
    refused(data, (const char *const[VD_ROOTS]){[VD_PROCESSED] = at("file")}, "processed");
    assert_false(exists("elsewhere"));
    assert_int_equal(mkdir(at("elsewhere"), 0777), 0);
    vd_roots_close(&roots);
    const char *const moved[VD_ROOTS] = {[VD_ARCHIVED] = at("elsewhere")};
    assert_int_equal(vd_roots_open(&roots, data, NULL, moved, NULL), 0);
    assert_true(exists("elsewhere/.vidriera-root"));
    assert_int_equal(look(VD_ARCHIVED, NULL), 0);
}

static int open_default(void)
{
    struct vd_roots other;
    return vd_roots_open(&other, data, NULL, nowhere, NULL) == 0 ? 0 : 1;
}

static int open_as_nobody(void)
{
    struct vd_roots other;
    struct vd_err err = {0};
    if (vd_roots_open(&other, data, NULL, nowhere, &err) == 0)
        return 1;
    return err.code == VD_CONFIG && strstr(err.text, "run as root: ") && strstr(err.text, "65534") &&
                   strstr(err.text, data)
               ? 0
               : 2;
}

static void state_of_another_user(void **state)
{
    (void)state;
    if (!as_root())
        skip();
    assert_int_equal(as_nobody(open_as_nobody), 0);
    vd_roots_close(&roots);
    assert_int_equal(rename(at(".vidriera"), at("other")), 0);
    assert_int_equal(as_nobody(open_as_nobody), 0);
}

static int told_to(const char *command)
{
    char whole[200];
    struct vd_roots other;
    struct vd_err err = {0};
    snprintf(whole, sizeof whole, "; run as root: %s '/srv/vidriera'", command);
    if (vd_roots_open(&other, data, "/srv/vidriera", nowhere, &err) == 0)
        return 1;
    return err.code == VD_CONFIG && strstr(err.text, whole) ? 0 : 2;
}

static int told_to_own(void)
{
    return told_to("chown 65534:65534");
}

static int told_to_share(void)
{
    return told_to("setfacl -m u:65534:rwx");
}

/* One command mends it, on the host: root's folder is given away, another user's is shared. */
static void data_of_another_user(void **state)
{
    (void)state;
    if (!as_root())
        skip();
    vd_roots_close(&roots);
    folder_drop(data);
    assert_int_equal(mkdir(data, 0755), 0);
    assert_int_equal(as_nobody(told_to_own), 0);
    assert_int_equal(chmod(data, 0700), 0);
    assert_int_equal(as_nobody(told_to_own), 0);
    assert_int_equal(chown(data, 1000, 1000), 0);
    assert_int_equal(as_nobody(told_to_share), 0);
    assert_int_equal(chmod(data, 0755), 0);
    assert_int_equal(as_nobody(told_to_share), 0);
    assert_int_equal(count("."), 0);
    assert_int_equal(chown(data, 65534, 65534), 0);
    assert_int_equal(as_nobody(open_default), 0);
}

static void away(enum vd_root root, const char *word)
{
    struct vd_err err = {0};
    assert_int_equal(look(root, &err), -1);
    assert_int_equal(err.code, VD_IO);
    assert_string_equal(err.stage, "root");
    assert_says(&err, vd_root_name(root));
    assert_says(&err, word);
    assert_int_equal(vd_roots_ready(&roots, 0, &err), -1);
    assert_int_equal(err.code, VD_IO);
}

static void marker_is_gone(void **state)
{
    (void)state;
    assert_int_equal(rename(at("processed/.vidriera-root"), at("kept")), 0);
    away(VD_PROCESSED, "is it mounted?");
    assert_int_equal(reopen(NULL), 0);
    away(VD_PROCESSED, "remove ");
    assert_false(exists("processed/.vidriera-root"));
    put("processed/.vidriera-root", "0123456789abcdef\n");
    away(VD_PROCESSED, "another one");
    put("processed/.vidriera-root", "\n");
    away(VD_PROCESSED, "is it mounted?");
    assert_int_equal(rename(at("kept"), at("processed/.vidriera-root")), 0);
    assert_int_equal(look(VD_PROCESSED, NULL), 0);
    assert_int_equal(vd_roots_ready(&roots, 0, NULL), 0);
}

/* What the words of marker_is_gone tell the user to do. */
static void replaced_on_purpose(void **state)
{
    (void)state;
    assert_int_equal(unlink(at("recordings/.vidriera-root")), 0);
    away(VD_RECORDINGS, ".vidriera/roots/recordings");
    assert_int_equal(unlink(at(".vidriera/roots/recordings")), 0);
    assert_int_equal(look(VD_RECORDINGS, NULL), 0);
    assert_true(exists("recordings/.vidriera-root"));
}

static void root_is_renamed(void **state)
{
    (void)state;
    assert_int_equal(rename(at("recordings"), at("kept")), 0);
    away(VD_RECORDINGS, "is it mounted?");
    assert_int_equal(reopen(NULL), 0);
    assert_false(exists("recordings"));
    away(VD_RECORDINGS, "is it mounted?");
    assert_int_equal(rename(at("kept"), at("recordings")), 0);
    assert_int_equal(look(VD_RECORDINGS, NULL), 0);
}

/* Another machine has the same share somewhere else. */
static void data_is_elsewhere(void **state)
{
    char elsewhere[64];
    (void)state;
    vd_roots_close(&roots);
    snprintf(elsewhere, sizeof elsewhere, "%s.moved", data);
    assert_int_equal(rename(data, elsewhere), 0);
    assert_int_equal(vd_roots_open(&roots, elsewhere, NULL, nowhere, NULL), 0);
    for (int i = 0; i < VD_ROOTS; i++)
        assert_int_equal(look((enum vd_root)i, NULL), 0);
    assert_int_equal(rename(elsewhere, data), 0);
}

static int use_foreign_root(void)
{
    const char *const moved[VD_ROOTS] = {[VD_RECORDINGS] = at("foreign")};
    struct vd_roots other;
    if (vd_roots_open(&other, at("own"), NULL, moved, NULL) < 0)
        return 1;
    int fd = vd_root_open(&other, VD_RECORDINGS, NULL);
    if (fd < 0 || exists("foreign/.vidriera-root"))
        return 2;
    close(fd);
    vd_roots_close(&other);
    return 0;
}

static int miss_foreign_root(void)
{
    const char *const moved[VD_ROOTS] = {[VD_RECORDINGS] = at("foreign")};
    struct vd_roots other;
    struct vd_err err = {0};
    if (vd_roots_open(&other, at("own"), NULL, moved, NULL) < 0)
        return 1;
    return vd_root_open(&other, VD_RECORDINGS, &err) < 0 && err.code == VD_IO && strstr(err.text, "inode") ? 0 : 2;
}

/* Jibri's folder may be closed to us: it is known by its inode then. */
static void root_of_another_user(void **state)
{
    (void)state;
    if (!as_root())
        skip();
    assert_int_equal(mkdir(at("foreign"), 0755), 0);
    assert_int_equal(mkdir(at("own"), 0755), 0);
    assert_int_equal(chown(at("own"), 65534, 65534), 0);
    assert_int_equal(as_nobody(use_foreign_root), 0);
    assert_int_equal(as_nobody(use_foreign_root), 0);
    assert_int_equal(rename(at("foreign"), at("unmounted")), 0);
    assert_int_equal(mkdir(at("foreign"), 0755), 0);
    assert_int_equal(as_nobody(miss_foreign_root), 0);
}

/* Many workers start at once on a new folder. */
static void starts_at_once(void **state)
{
    enum { WORKERS = 8, ROUNDS = 10 };
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], status;
        pid_t children[WORKERS];
        vd_roots_close(&roots);
        folder_drop(data);
        assert_int_equal(mkdir(data, 0777), 0);
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < WORKERS; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                char byte;
                close(go[1]);
                while (__real_read(go[0], &byte, 1) > 0) /* ends for all of them when it is closed */
                    ;
                _exit(vd_roots_open(&roots, data, NULL, nowhere, NULL) < 0 || vd_roots_ready(&roots, 0, NULL) < 0);
            }
        }
        close(go[0]);
        close(go[1]);
        for (int i = 0; i < WORKERS; i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(reopen(NULL), 0);
        assert_int_equal(vd_roots_ready(&roots, 0, NULL), 0);
        assert_int_equal(count("recordings"), 1);
    }
}

static void free_space(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_roots_ready(&roots, 1, &err), 0);
    assert_int_equal(vd_roots_ready(&roots, INT64_MAX, &err), -1);
    assert_int_equal(err.code, VD_IO);
    assert_says(&err, "free some space");
}

static int take(const char *path, struct vd_err *err)
{
    struct stat st;
    int fd = vd_root_input(&roots, VD_RECORDINGS, path, &st, err);
    if (fd >= 0)
        close(fd);
    return fd;
}

static void inputs(void **state)
{
    static const struct {
        const char *path;
        enum vd_code code;
        const char *word;
    } rows[] = {
        {"abc/nothing.mp4", VD_NO_INPUT, "no such file"},
        {"nobody/x.mp4", VD_NO_INPUT, "no such file"},
        {"abc/x.mp4/more", VD_NO_INPUT, "no such file"},
        {"abc", VD_INPUT, "is a folder"},
        {"abc/fifo", VD_INPUT, "not a regular file"},
        {"abc/device", VD_INPUT, "not a regular file"},
        {"abc/empty.mp4", VD_INPUT, "is empty"},
        {"abc/link.mp4", VD_INPUT, "symbolic link"},
        {"abc/out.mp4", VD_INPUT, "symbolic link"},
        {"outside/secret", VD_INPUT, "symbolic link"},
        {"../secret", VD_INPUT, "leads out of recordings"},
        {"abc/../../secret", VD_INPUT, "leads out of recordings"},
        {"/etc/hostname", VD_INPUT, "leads out of recordings"},
        {".vidriera-root", VD_INPUT, "vidriera's own"},
        {"abc/.vd-job-0123456789abcdef.part", VD_INPUT, "vidriera's own"},
    };
    (void)state;
    put("secret", "secret");
    put("recordings/abc/x.mp4", "12345");
    put("recordings/abc/empty.mp4", "");
    assert_int_equal(mkfifo(at("recordings/abc/fifo"), 0666), 0);
    assert_int_equal(symlink("x.mp4", at("recordings/abc/link.mp4")), 0);
    assert_int_equal(symlink("../../secret", at("recordings/abc/out.mp4")), 0);
    assert_int_equal(symlink(data, at("recordings/outside")), 0);
    bool device = mknod(at("recordings/abc/device"), S_IFCHR | 0666, makedev(1, 5)) == 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vd_err err = {0};
        if (!device && strstr(rows[i].path, "device"))
            continue;
        if (take(rows[i].path, &err) >= 0)
            fail_msg("%s was opened", rows[i].path);
        assert_says(&err, rows[i].word);
        assert_int_equal(err.code, rows[i].code);
        assert_says(&err, "recordings/");
        assert_says(&err, rows[i].path);
        assert_no_host_path(&err);
    }
    struct stat st;
    int fd = vd_root_input(&roots, VD_RECORDINGS, "abc/x.mp4", &st, NULL);
    assert_true(fd >= 0);
    assert_int_equal(st.st_size, 5);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void input_of_a_root_that_is_away(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(rename(at("recordings"), at("kept")), 0);
    assert_int_equal(mkdir(at("recordings"), 0777), 0);
    assert_int_equal(take("abc/x.mp4", &err), -1);
    assert_int_equal(err.code, VD_IO); /* and not: no such file */
}

static void renames_in_between(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", "12345");
    fault.again = 3;
    assert_true(take("abc/x.mp4", NULL) >= 0);
    assert_int_equal(fault.again, 0);
}

static int open_folder(const char *folder, bool create, struct vd_err *err)
{
    int fd = vd_folder_open(&roots, VD_PROCESSED, folder, create, err);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void folders(void **state)
{
    struct vd_err err = {0};
    char deep[300];
    (void)state;
    assert_int_equal(open_folder("", false, &err), 0);
    assert_int_equal(open_folder("a/b/c", false, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    assert_int_equal(open_folder("a/b/c", true, &err), 0);
    assert_int_equal(open_folder("a/b/c", true, &err), 0);
    assert_int_equal(open_folder("a/b/c", false, &err), 0);
    assert_true(exists("processed/a/b/c"));
    put("processed/a/file", "x");
    assert_int_equal(open_folder("a/file", true, &err), -1);
    assert_int_equal(err.code, VD_INPUT);
    assert_int_equal(open_folder("a/file/b", true, &err), -1);
    assert_int_equal(err.code, VD_INPUT);
    memset(deep, 'n', sizeof deep);
    deep[280] = '\0';
    assert_int_equal(open_folder(deep, true, &err), -1);
    assert_int_equal(err.code, VD_INPUT);
    static const char *const outside[] = {"..", "a/../../x", "/tmp", "link/x", "link"};
    assert_int_equal(symlink(data, at("processed/link")), 0);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        for (int create = 0; create < 2; create++) {
            assert_int_equal(open_folder(outside[i], create, &err), -1);
            assert_int_equal(err.code, VD_NO_INPUT);
            assert_says(&err, "leads out");
            assert_no_host_path(&err);
        }
    assert_false(exists("x"));
}

/* Whatever fails, nothing stays open, and the next time all is well. */
static void every_call_fails(void **state)
{
    static const int causes[] = {EIO, ENOSPC};
    (void)state;
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (int n = 1;; n++) {
            vd_roots_close(&roots);
            folder_drop(data);
            assert_int_equal(mkdir(data, 0777), 0);
            int before = open_descriptors();
            struct vd_err err = {0};
            fault_arm(n, causes[c]);
            int ret = vd_roots_open(&roots, data, NULL, nowhere, &err);
            int fd = ret < 0 ? -1 : vd_folder_open(&roots, VD_PROCESSED, "a/b", true, &err);
            bool met = fault_disarm();
            assert_true(fd >= 0 || err.code == VD_IO || err.code == VD_CONFIG);
            if (fd >= 0)
                close(fd);
            assert_int_equal(open_descriptors(), before + (ret == 0));
            assert_int_equal(reopen(NULL), 0);
            assert_int_equal(vd_roots_ready(&roots, 0, NULL), 0);
            if (!met)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_what_is_missing, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(configuration, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(state_of_another_user, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(data_of_another_user, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(marker_is_gone, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(replaced_on_purpose, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(root_is_renamed, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(data_is_elsewhere, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(root_of_another_user, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(starts_at_once, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(free_space, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(inputs, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(input_of_a_root_that_is_away, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(renames_in_between, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(folders, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(every_call_fails, tree_make, tree_drop),
    };
    return cmocka_run_group_tests_name("roots", tests, NULL, NULL);
}
