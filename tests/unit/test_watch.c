/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings as Jibri and people leave them: which are handed in, when, and with what words. */
#include "watched.h"

static void finalized(void **state)
{
    (void)state;
    setup.quiet_s = 3600;
    folder("recordings/s1");
    put_clip("recordings/s1/a.mp4");
    put_text("recordings/s1/metadata.json", "{\"meeting_url\":\"https://meet/x\",\"participants\":[{\"name\":\"Ä\"}]}");
    put_text("recordings/s1/.vidriera-final", "");
    start();
    WAIT_FOR(atomic_load(&watch.sent) == 1);
    assert_false(atomic_load(&watch.idle));
    struct vd_order *read = order(0);
    assert_string_equal(read->path, "s1/a.mp4");
    assert_string_equal(read->session, "s1");
    assert_string_equal(json_string_value(json_object_get(read->meta, "meeting_url")), "https://meet/x");
    assert_int_equal(json_array_size(json_object_get(read->meta, "participants")), 1);
    vd_order_finish(read);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(atomic_load(&watch.orphans), 0);
    assert_int_equal(sent_count(), 1);
    stop();
    assert_said("warning", 0);
}

/* The watch is there first, then the session, its file, and at last the mark: inotify alone has told. */
static void session_while_watching(void **state)
{
    (void)state;
    setup.quiet_s = 3600;
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    folder("recordings/s1");
    put_clip("recordings/s1/a.mp4");
    WAIT_FOR(!atomic_load(&watch.idle));
    put_text("recordings/s1/metadata.json", "{}");
    WAIT_FOR(sent_count() == 1);
    stop();
}

static void orphans(void **state)
{
    (void)state;
    folder("recordings/s1");
    folder("recordings/s2");
    put_clip("recordings/s1/a.mp4");
    put_clip("recordings/s1/b.mp4");
    put_clip("recordings/s2/c.mkv"); /* by its bytes */
    put_clip("recordings/alone.mp4");
    start();
    WAIT_FOR(sent_count() == 4);
    assert_int_equal(atomic_load(&watch.orphans), 2);
    assert_int_equal(sent_of("alone.mp4"), 1);
    stop();
    assert_said("warning", 2);
    assert_said("s1: an orphan", 1);
    assert_said("s2: an orphan", 1);
}

static void never_finalized_without_index(void **state)
{
    (void)state;
    folder("recordings/s1");
    put("recordings/s1/a.mp4", "\0\0\0\0mdat, and ffmpeg was killed", 30);
    put_text("recordings/empty.mp4", "");
    put_clip("recordings/other.mp4");
    start();
    WAIT_FOR(sent_count() == 1);
    assert_int_equal(sent_of("other.mp4"), 1);
    assert_int_equal(atomic_load(&watch.orphans), 0);
    atomic_fetch_add(&ahead_s, 61);
    put_clip("recordings/another.mp4"); /* so that it looks */
    WAIT_FOR(sent_of("s1/a.mp4") == 1 && sent_of("empty.mp4") == 1);
    assert_int_equal(atomic_load(&watch.orphans), 2);
    stop();
    assert_said("a.mp4: an orphan: it was never finalized and has no index", 1);
}

/* Readable at any length, in small steps, and longer than three quiet times. */
static void growing(void **state)
{
    int fd;
    struct vd_digest_watch digesting_it = {0};
    struct vd_order read = {.root = "recordings", .path = "s1/a.ts"};
    struct vd_err err = {0};
    char digest[VD_DIGEST_TEXT], id[VD_JOB_ID];
    (void)state;
    folder("recordings/s1");
    put_text("recordings/s1/metadata.json", "{}"); /* of the recording before */
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    fd = open(in_data("recordings/s1/a.ts"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    for (double until = seconds() + 3.5; seconds() < until;) {
        assert_int_equal(write(fd, "0123456789", 10), 10);
        for (int i = 0; i < 30; i++)
            breathe();
        assert_int_equal(sent_count(), 0);
        wake();
    }
    WAIT_FOR(sent_count() == 1);
    assert_int_equal(vd_digest_fd(fd, &digesting_it, digest, &err), 0);
    read.recipe = job.recipe;
    vd_job_id(&read, digest, id);
    assert_string_equal(broker.jobs[0], id);
    close(fd);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(sent_count(), 1);
    stop();
}

static void ignored(void **state)
{
    static const char *const names[] = {
        "recordings/.a.mp4",        "recordings/.vd-1-2.part",     "recordings/b.mp4.part",      "recordings/notes.txt",
        "recordings/.hidden/c.mp4", "recordings/lost+found/d.mp4", "recordings/processed/e.mp4", "elsewhere/f.mp4"};
    struct vd_err err = {0};
    (void)state;
    folder("recordings/.hidden");
    folder("recordings/lost+found");
    folder("recordings/processed");
    folder("elsewhere");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_clip(names[i]);
    assert_int_equal(symlink("../elsewhere", in_data("recordings/link")), 0);
    assert_int_equal(symlink("../elsewhere/f.mp4", in_data("recordings/g.mp4")), 0);
    assert_int_equal(mkfifo(in_data("recordings/h.mp4"), 0666), 0);
    const char *moved[VD_ROOTS] = {[VD_PROCESSED] = in_data("recordings/processed")};
    vd_roots_close(&roots);
    assert_int_equal(vd_roots_open(&roots, data, NULL, moved, &err), 0);
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    atomic_fetch_add(&ahead_s, 100);
    put_clip("recordings/yes.mp4");
    WAIT_FOR(sent_count() > 0);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(sent_count(), 1);
    assert_int_equal(sent_of("yes.mp4"), 1);
    stop();
    assert_said("g.mp4: is a link", 1);
    assert_said("h.mp4: is not a regular file", 1);
    assert_said("warning", 2);
}

static void strange_names(void **state)
{
    static const char *const names[] = {"s \"1\"/it's\n$(a) \xc3\xa9.mp4", "s \"1\"/ .mp4", "s \"1\"/-rf.mp4",
                                        "\xf0\x9f\x8e\xa5.mp4"};
    char full[300];
    (void)state;
    folder("recordings/s \"1\"");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(full, sizeof full, "recordings/%s", names[i]);
        put_clip(full);
    }
    start();
    WAIT_FOR(atomic_load(&watch.sent) == 4);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(sent_of(names[i]), 1);
    stop();
    assert_said("it's?$(a) \xc3\xa9.mp4", 1);
}

static void name_that_cannot_be_a_job(void **state)
{
    (void)state;
    folder("recordings/s\xff");
    put_clip("recordings/s\xff/a.mp4");
    put_clip("recordings/b\xfe.mp4");
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    put_clip("recordings/c.mp4");
    WAIT_FOR(sent_count() == 1);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(sent_count(), 1);
    stop();
    assert_said("warning", 2);
    assert_said("rename it", 2);
}

static void done_before(void **state)
{
    (void)state;
    put_clip("recordings/a.mp4");
    finish_job("theirs", "a.mp4");
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    assert_false(atomic_load(&digesting));
    assert_int_equal(sent_count(), 0);
    put("recordings/a.mp4", "\0\0\0\12mdatyy\0\0\0\10moov", 18); /* another file now */
    WAIT_FOR(sent_count() == 1);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(utimensat(AT_FDCWD, in_data("recordings/a.mp4"), NULL, 0), 0); /* touched: the same bytes */
    put_clip("recordings/b.mp4");
    WAIT_FOR(sent_count() == 2);
    finish_all(1);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(sent_of("a.mp4"), 1);
    stop();
    assert_said("already", 1);
}

/* From failed/ on another file system: another inode, its end is forgotten, and whoever tries it again has its order. */
static void comes_back_to_be_tried_again(void **state)
{
    struct stat st;
    struct vd_err err = {0};
    char copy[5000];
    (void)state;
    put_clip("recordings/a.mp4");
    finish_job("theirs", "a.mp4");
    assert_int_equal(stat(in_data("recordings/a.mp4"), &st), 0);
    put_clip("recordings/.copy");
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, in_data("recordings/.copy"), times, 0), 0);
    snprintf(copy, sizeof copy, "%s", in_data("recordings/.copy"));
    assert_int_equal(rename(copy, in_data("recordings/a.mp4")), 0);
    assert_int_equal(vd_done_forget(&roots, "theirs", &err), 0);
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    stop();
    assert_int_equal(sent_count(), 0);
}

static void changed_after_it_was_sent(void **state)
{
    (void)state;
    put_clip("recordings/a.mp4");
    start();
    WAIT_FOR(atomic_load(&watch.sent) == 1);
    put("recordings/a.mp4", "\0\0\0\12mdatyy\0\0\0\10moov", 18);
    WAIT_FOR(sent_count() == 2);
    assert_string_not_equal(broker.jobs[0], broker.jobs[1]);
    stop();
}

static void bad_metadata(void **state)
{
    static char large[40000];
    (void)state;
    memset(large, ' ', sizeof large - 3);
    large[0] = '{', large[sizeof large - 3] = '}';
    const char *const texts[] = {"{", "[]", "{\"a\":1,\"a\":2}", "{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
                                 large};
    char name[64];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "recordings/%d", i);
        folder(name);
        snprintf(name, sizeof name, "recordings/%d/a.mp4", i);
        put_clip(name);
        snprintf(name, sizeof name, "recordings/%d/metadata.json", i);
        put_text(name, texts[i]);
    }
    start();
    WAIT_FOR(sent_count() == 5);
    for (int i = 0; i < 5; i++) {
        struct vd_order *read = order(i);
        assert_int_equal(json_object_size(read->meta), 0);
        vd_order_finish(read);
    }
    stop();
    assert_said("not carried through", 5);
    assert_said("warning", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finalized, make, drop),
        cmocka_unit_test_setup_teardown(session_while_watching, make, drop),
        cmocka_unit_test_setup_teardown(orphans, make, drop),
        cmocka_unit_test_setup_teardown(never_finalized_without_index, make, drop),
        cmocka_unit_test_setup_teardown(growing, make, drop),
        cmocka_unit_test_setup_teardown(ignored, make, drop),
        cmocka_unit_test_setup_teardown(strange_names, make, drop),
        cmocka_unit_test_setup_teardown(name_that_cannot_be_a_job, make, drop),
        cmocka_unit_test_setup_teardown(done_before, make, drop),
        cmocka_unit_test_setup_teardown(comes_back_to_be_tried_again, make, drop),
        cmocka_unit_test_setup_teardown(changed_after_it_was_sent, make, drop),
        cmocka_unit_test_setup_teardown(bad_metadata, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
