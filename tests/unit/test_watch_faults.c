/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The watch when broker, folders or inotify fail, or when it is to stop. */
#include "watched.h"

static void broker_away(void **state)
{
    char name[64];
    (void)state;
    set_broker(false, true, false);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "recordings/%d.mp4", i);
        put_clip(name);
    }
    start();
    WAIT_FOR(sent_count() >= 22); /* all at once, then one at a time */
    assert_int_equal(atomic_load(&watch.sent), 0);
    int before = sent_count();
    set_broker(false, false, false);
    WAIT_FOR(atomic_load(&watch.sent) == 20);
    assert_true(sent_count() <= before + 22);
    finish_all(0);
    WAIT_FOR(atomic_load(&watch.idle));
    stop();
    assert_said("orders are not taken", 1);
    assert_said("is back", 1);
}

/* A topic is missing, say: no fault of the recording or of what lies in the spool. */
static void order_not_even_accepted(void **state)
{
    struct vd_err err = {0};
    (void)state;
    set_broker(false, false, true);
    put_clip("recordings/a.mp4");
    put_clip("recordings/b.mp4");
    assert_int_equal(vd_spool_put(&roots, "c", "{\"id\":\"c\",\"input\":{\"path\":\"c.mp4\"}}", &err), 0);
    start();
    WAIT_FOR(says("there is no topic"));
    set_broker(false, false, false);
    WAIT_FOR(atomic_load(&watch.sent) == 3);
    stop();
    assert_said("warning", 1);
    assert_said("is back", 1);
}

static void outstanding(void **state)
{
    char name[64];
    (void)state;
    setup.outstanding = 2;
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "recordings/%d.mp4", i);
        put_clip(name);
        assert_int_equal(
            utimensat(AT_FDCWD, in_data(name), (struct timespec[]){{.tv_sec = 100}, {.tv_sec = 100 - i}}, 0), 0);
    }
    start();
    for (int sent = 2; sent <= 5; sent++) {
        WAIT_FOR(atomic_load(&watch.sent) == sent);
        wake();
        assert_int_equal(sent_count(), sent);
        struct vd_order *read = order(sent - 2);
        snprintf(name, sizeof name, "%d.mp4", 4 - (sent - 2)); /* the oldest first */
        assert_string_equal(read->path, name);
        finish_job(read->id, name);
        vd_order_finish(read);
        wake();
    }
    assert_false(atomic_load(&watch.idle));
    finish_all(4);
    WAIT_FOR(atomic_load(&watch.idle));
    stop();
}

static void spool(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_spool_put(&roots, "before", "{\"id\":\"before\",\"input\":{\"path\":\"x.mp4\"}}", &err), 0);
    assert_int_equal(vd_spool_put(&roots, "bad", "{\"id\":\"bad\",\"input\":{\"path\":\"../x.mp4\"}}", &err), 0);
    set_broker(true, false, false);
    start();
    WAIT_FOR(sent_count() == 1);
    assert_string_equal(broker.jobs[0], "before");
    assert_int_equal(folder_count(in_data(".vidriera/spool")), 2); /* until it is acknowledged */
    assert_false(atomic_load(&watch.idle));
    set_broker(false, false, false);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(vd_spool_put(&roots, "after", "{\"id\":\"after\",\"input\":{\"path\":\"x.mp4\"}}", &err), 0);
    WAIT_FOR(atomic_load(&watch.sent) == 2);
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(folder_count(in_data(".vidriera/spool")), 1);
    assert_int_equal(sent_count(), 2);
    stop();
    assert_said("is set aside", 1);
}

static void root_away(void **state)
{
    (void)state;
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    assert_int_equal(rename(in_data("recordings"), in_data("unmounted")), 0);
    put_clip("unmounted/a.mp4"); /* still watched: it looks, and finds the root gone */
    WAIT_FOR(says("waiting for it"));
    assert_false(atomic_load(&watch.idle));
    folder("recordings");
    put_clip("recordings/wrong.mp4");
    atomic_fetch_add(&ahead_s, 6);
    wake();
    assert_int_equal(rename(in_data("recordings"), in_data("other")), 0);
    assert_int_equal(rename(in_data("unmounted"), in_data("recordings")), 0);
    WAIT_FOR(sent_count() == 1);
    assert_int_equal(sent_of("a.mp4"), 1);
    stop();
    assert_said("waiting for it", 1);
    assert_said("there again", 1);
}

static void once(void **state)
{
    (void)state;
    setup.once = true;
    start();
    join();
    assert_int_equal(ret, 0);
    folder("recordings/s1");
    put_clip("recordings/s1/a.mp4");
    put_clip("recordings/b.mp4");
    put_text("recordings/s1/metadata.json", "{}");
    start();
    join();
    assert_int_equal(ret, 0);
    assert_int_equal(sent_count(), 2);
    set_broker(false, true, false);
    start();
    join();
    assert_int_equal(ret, -1);
    assert_int_equal(ended.code, VD_UNAVAILABLE);
}

static void without_inotify(void **state)
{
    (void)state;
    setup.rescan_s = 1;
    no_inotify = true;
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    put_clip("recordings/a.mp4");
    WAIT_FOR(sent_count() == 1);
    stop();
    assert_said("no inotify", 1);
}

static void without_watches(void **state)
{
    (void)state;
    setup.rescan_s = 1;
    no_watches = true;
    folder("recordings/s1");
    folder("recordings/s2");
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    put_clip("recordings/s1/a.mp4");
    WAIT_FOR(sent_count() == 1);
    stop();
    assert_said("not every folder can be watched", 1);
}

/* Of a recording that takes for ever to read. */
static void stops_at_once(void **state)
{
    (void)state;
    put_text("recordings/a.ts", "G, and then nothing");
    assert_int_equal(truncate(in_data("recordings/a.ts"), (off_t)1 << 40), 0);
    start();
    WAIT_FOR(atomic_load(&digesting));
    double from = seconds();
    stop();
    assert_true(seconds() - from < 10);
    assert_int_equal(sent_count(), 0);
}

/* Root may read everything: then it is somebody else who watches. */
static void not_for_us(void **state)
{
    char command[128];
    (void)state;
    put_clip("recordings/a.mp4");
    folder("recordings/s1");
    put_clip("recordings/s1/b.mp4");
    snprintf(command, sizeof command, "chmod 0 '%s/recordings/a.mp4' '%s/recordings/s1'", data, data);
    assert_int_equal(system(command), 0);
    uid_t user = geteuid();
    if (user == 0) {
        snprintf(command, sizeof command, "chown -R 65534 '%s'", data);
        assert_int_equal(system(command), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    start();
    WAIT_FOR(atomic_load(&watch.idle));
    put_clip("recordings/c.mp4");
    WAIT_FOR(atomic_load(&watch.sent) == 1);
    stop();
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(in_data("recordings/s1"), 0777), 0);
    assert_said("recordings/", 0);
    assert_said("a.mp4: cannot be opened: Permission denied; make it readable for this user", 1);
    assert_said("s1: Permission denied; make it readable for this user", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(broker_away, make, drop),
        cmocka_unit_test_setup_teardown(order_not_even_accepted, make, drop),
        cmocka_unit_test_setup_teardown(outstanding, make, drop),
        cmocka_unit_test_setup_teardown(spool, make, drop),
        cmocka_unit_test_setup_teardown(root_away, make, drop),
        cmocka_unit_test_setup_teardown(once, make, drop),
        cmocka_unit_test_setup_teardown(without_inotify, make, drop),
        cmocka_unit_test_setup_teardown(without_watches, make, drop),
        cmocka_unit_test_setup_teardown(stops_at_once, make, drop),
        cmocka_unit_test_setup_teardown(not_for_us, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
