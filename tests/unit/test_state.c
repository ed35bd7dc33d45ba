/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered beside the recordings: ends of jobs, orders that wait, the embedded broker. */
#include "tree.h"

#include "vidriera/state.h"

static json_t *document(const char *job, const char *path, const char *status)
{
    json_t *made = json_pack("{s:s, s:s, s:{s:s, s:s}}", "job", job, "status", status, "input", "root", "recordings",
                             "path", path);
    assert_non_null(made);
    return made;
}

static void record(const char *job, const char *path, const char *status)
{
    struct vd_err err = {0};
    json_t *made = document(job, path, status);
    if (vd_done_write(&roots, made, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(made);
}

static void assert_job(int ret, json_t *found, const char *job, const char *status)
{
    assert_int_equal(ret, 1);
    assert_string_equal(json_string_value(json_object_get(found, "job")), job);
    assert_string_equal(json_string_value(json_object_get(found, "status")), status);
    json_decref(found);
}

static void finds_what_was_written(void **state)
{
    json_t *found;
    int ret;
    (void)state;
    assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 0);
    assert_null(found);
    assert_int_equal(vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL), 0);
    record("job-1", "a/x.mp4", "failed");
    record("job-2", "a/y.mp4", "completed");
    ret = vd_done_find(&roots, "job-1", &found, NULL);
    assert_job(ret, found, "job-1", "failed");
    ret = vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL);
    assert_job(ret, found, "job-1", "failed");
    record("job-1", "a/x.mp4", "completed"); /* the same once more */
    ret = vd_done_find(&roots, "job-1", &found, NULL);
    assert_job(ret, found, "job-1", "completed");
    record("job-3", "a/x.mp4", "cancelled"); /* the file's latest job */
    ret = vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL);
    assert_job(ret, found, "job-3", "cancelled");
    assert_int_equal(vd_done_find_path(&roots, "archived", "a/x.mp4", &found, NULL), 0);
    assert_int_equal(vd_done_find(&roots, "../broker", &found, NULL), 0);
    assert_int_equal(count(".vidriera/done"), 3);
    assert_int_equal(count(".vidriera/paths"), 2);
}

/* A rejected message may name no input, or no job. */
static void nameless(void **state)
{
    json_t *made = json_pack("{s:s, s:{s:n, s:n}}", "job", "job-1", "input", "root", "path"), *found;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_done_write(&roots, made, &err), 0);
    assert_int_equal(count(".vidriera/paths"), 0);
    assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 1);
    json_decref(found);
    json_object_set_new(made, "job", json_string("../x"));
    assert_int_equal(vd_done_write(&roots, made, &err), -1);
    json_decref(made);
    assert_int_equal(count(".vidriera/done"), 1);
}

static void damaged_ones_count_as_none(void **state)
{
    static char large[(1 << 20) + 100];
    static const char *const texts[] = {"",   "{", "[]", "{\"job\":\"job-1\",\"job\":\"job-1\"}", "{\"job\":\"job-2\"}",
                                        large};
    json_t *found;
    char said[4096];
    struct capture capture;
    (void)state;
    memset(large, ' ', sizeof large - 1);
    memcpy(large, "{}", 2);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vd_err err = {0};
        put(".vidriera/done/job-1", texts[i]);
        vd_log_init(&(struct vd_log_setup){.level = VD_LOG_WARNING});
        capture_begin(&capture, STDERR_FILENO);
        int ret = vd_done_find(&roots, "job-1", &found, &err);
        capture_end(&capture, said, sizeof said);
        assert_int_equal(ret, 0);
        assert_null(found);
        if (i != 4) /* that one is whole, but another job's */
            assert_non_null(strstr(said, ".vidriera/done/job-1"));
    }
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_ERROR});
    assert_int_equal(unlink(at(".vidriera/done/job-1")), 0);
    assert_int_equal(symlink("/dev/zero", at(".vidriera/done/job-1")), 0);
    assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 0);
    assert_int_equal(unlink(at(".vidriera/done/job-1")), 0);
    assert_int_equal(mkfifo(at(".vidriera/done/job-1"), 0666), 0);
    assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 0);
}

static void same_file(void **state)
{
    struct stat st = {
        .st_dev = 5, .st_ino = 17, .st_size = 1000, .st_mtim = {.tv_sec = 1700000000, .tv_nsec = 123456789}};
    struct vd_replay replay = {.inode = 17, .dev = 9, .bytes = 1000, .mtime_ns = 1700000000123456789};
    json_t *made = document("job-1", "x.mp4", "completed");
    (void)state;
    assert_false(vd_done_same_file(made, &st));
    assert_false(vd_done_same_recording(made, &st));
    assert_int_equal(vd_replay_put(made, &replay), 0);
    assert_true(vd_done_same_file(made, &st)); /* mounted anew, devices have other numbers */
    st.st_mtim.tv_nsec++;
    assert_false(vd_done_same_file(made, &st));
    assert_false(vd_done_same_recording(made, &st));
    st.st_mtim.tv_nsec--;
    st.st_size++;
    assert_false(vd_done_same_file(made, &st));
    assert_false(vd_done_same_recording(made, &st));
    st.st_size--;
    st.st_ino++;
    assert_false(vd_done_same_file(made, &st));
    assert_true(vd_done_same_recording(made, &st)); /* a copy that kept its time */
    json_decref(made);
}

static bool gather(void *opaque, const char *name, const char *text, size_t size)
{
    char *all = opaque;
    assert_int_equal(strlen(text), size);
    strcat(all, text);
    vd_spool_remove(&roots, name);
    return !strstr(text, "last");
}

static void spools(void **state)
{
    static char large[70000];
    char all[64] = "";
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_spool_each(&roots, gather, all, &err), 0);
    assert_int_equal(vd_spool_put(&roots, "z", "first ", &err), 0);
    assert_int_equal(vd_spool_put(&roots, "a", "second ", &err), 0);
    assert_int_equal(vd_spool_put(&roots, "a", "third ", &err), 0);
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(vd_spool_put(&roots, "large", large, &err), -1);
    assert_int_equal(err.code, VD_USAGE);
    put(".vidriera/spool/0-large.job", large);
    put(".vidriera/spool/.half.job", "hidden");
    put(".vidriera/spool/notes", "other");
    assert_int_equal(mkfifo(at(".vidriera/spool/0-fifo.job"), 0666), 0);
    assert_int_equal(symlink("/etc/passwd", at(".vidriera/spool/0-link.job")), 0);
    assert_int_equal(mkdir(at(".vidriera/spool/0-folder.job"), 0777), 0);
    assert_int_equal(vd_spool_each(&roots, gather, all, &err), 3);
    assert_string_equal(all, "first second third ");
    assert_int_equal(count(".vidriera/spool"), 6);
    all[0] = '\0';
    assert_int_equal(vd_spool_put(&roots, "a", "last ", &err), 0);
    assert_int_equal(vd_spool_put(&roots, "a", "kept ", &err), 0);
    assert_int_equal(vd_spool_each(&roots, gather, all, &err), 1);
    assert_string_equal(all, "last ");
    assert_int_equal(count(".vidriera/spool"), 7);
}

static void broker(void **state)
{
    char address[64], narrow[8];
    (void)state;
    assert_false(vd_broker_read(&roots, address, sizeof address));
    assert_int_equal(vd_broker_write(&roots, NULL, NULL), 0);
    assert_int_equal(vd_broker_write(&roots, "127.0.0.1:4711", NULL), 0);
    assert_int_equal(vd_broker_write(&roots, "127.0.0.1:4712", NULL), 0);
    assert_true(vd_broker_read(&roots, address, sizeof address));
    assert_string_equal(address, "127.0.0.1:4712");
    assert_false(vd_broker_read(&roots, narrow, sizeof narrow));
    assert_int_equal(vd_broker_write(&roots, NULL, NULL), 0);
    assert_false(vd_broker_read(&roots, address, sizeof address));
}

static void write_second(void)
{
    json_t *made = document("job-1", "a/x.mp4", "completed");
    (void)vd_done_write(&roots, made, NULL);
    json_decref(made);
}

/* The old end or the new one, never half of one; by path not older than what a crash allows. */
static void killed_anywhere(void **state)
{
    json_t *found;
    (void)state;
    record("job-1", "a/x.mp4", "failed");
    for (int n = 1; fault_kills(n, write_second); n++) {
        assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 1);
        json_decref(found);
        assert_int_equal(vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL), 1);
        json_decref(found);
        write_second();
        int ret = vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL);
        assert_job(ret, found, "job-1", "completed");
        record("job-1", "a/x.mp4", "failed");
    }
}

/* A failure is told, leaves nothing open and nothing beside. */
static void every_call_fails(void **state)
{
    static const int causes[] = {EIO, ENOSPC, EPERM};
    json_t *made = document("job-1", "a/x.mp4", "completed"), *found;
    bool old = fault.old;
    (void)state;
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (int n = 1;; n++) {
            struct vd_err err = {0};
            record("job-1", "a/x.mp4", "failed");
            int before = open_descriptors();
            fault_arm(n, causes[c]);
            int ret = vd_done_write(&roots, made, &err);
            if (ret == 0)
                ret = vd_spool_put(&roots, "a", "order", &err);
            bool met = fault_disarm();
            assert_int_equal(open_descriptors(), before);
            if (ret < 0)
                assert_int_equal(err.code, VD_IO);
            assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 1);
            json_decref(found);
            assert_int_equal(vd_spool_each(&roots, gather, (char[64]){""}, NULL), ret == 0);
            assert_true(old || count(".vidriera/done") + count(".vidriera/spool") <= 2);
            if (!met)
                break;
        }
    json_decref(made);
}

/* A retry: the job is as new, its file is known. */
static void forgets(void **state)
{
    struct vd_err err = {0};
    json_t *found;
    (void)state;
    record("job-1", "a/x.mp4", "failed");
    record("job-2", "a/y.mp4", "failed");
    for (int again = 0; again < 2; again++)
        assert_int_equal(vd_done_forget(&roots, "job-1", &err), 0);
    assert_int_equal(vd_done_find(&roots, "job-1", &found, NULL), 0);
    int ret = vd_done_find_path(&roots, "recordings", "a/x.mp4", &found, NULL);
    assert_job(ret, found, "job-1", "failed");
    ret = vd_done_find(&roots, "job-2", &found, NULL);
    assert_job(ret, found, "job-2", "failed");
    for (int n = 1;; n++) {
        fault_arm(n, EIO);
        ret = vd_done_forget(&roots, "job-2", &err);
        if (!fault_disarm())
            break;
        assert_int_equal(ret, -1);
        assert_int_equal(err.code, VD_IO);
        assert_no_host_path(&err);
    }
    assert_int_equal(ret, 0);
    assert_false(exists(".vidriera/done/job-2"));
}

static void gather_end(void *opaque, const json_t *found)
{
    strcat(opaque, json_string_value(json_object_get(found, "job")));
    strcat(opaque, " ");
}

/* By the time of the end, not by name or the order in the folder. */
static void the_newest(void **state)
{
    static const char *const jobs[] = {"c", "a", "e", "b", "d"};
    char got[64] = "";
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_done_newest(&roots, 3, gather_end, got, &err), 0);
    for (int i = 0; i < 5; i++) {
        char name[64];
        record(jobs[i], "a/x.mp4", "failed");
        snprintf(name, sizeof name, ".vidriera/done/%s", jobs[i]);
        const struct timespec times[] = {{1000 + i, 0}, {1000 + i, 0}};
        assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
    }
    put(".vidriera/done/.hidden", "{}");
    put(".vidriera/done/damaged", "{");
    const struct timespec old[] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, at(".vidriera/done/damaged"), old, 0), 0);
    assert_int_equal(vd_done_newest(&roots, 3, gather_end, got, &err), 3);
    assert_string_equal(got, "e b d ");
    *got = 0;
    int descriptors = open_descriptors();
    assert_int_equal(vd_done_newest(&roots, 100, gather_end, got, &err), 5);
    assert_int_equal(open_descriptors(), descriptors);
    assert_string_equal(got, "c a e b d ");
    fault_arm(1, EIO);
    assert_int_equal(vd_done_newest(&roots, 3, gather_end, got, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.code, VD_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_was_written, tree_make, tree_drop),
        {"finds_what_was_written, old file system", finds_what_was_written, tree_make_old, tree_drop, NULL},
        cmocka_unit_test_setup_teardown(nameless, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(damaged_ones_count_as_none, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(same_file, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(spools, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(broker, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(forgets, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(the_newest, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(killed_anywhere, tree_make, tree_drop),
        {"killed_anywhere, old file system", killed_anywhere, tree_make_old, tree_drop, NULL},
        cmocka_unit_test_setup_teardown(every_call_fails, tree_make, tree_drop),
        {"every_call_fails, old file system", every_call_fails, tree_make_old, tree_drop, NULL},
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
