/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a recording is finished, with looks and a clock of our own. quiet 5 s: settle 1 s, abandoned after 60 s. */
#include "capture.h"

#include "watch_ready.h"

static struct vd_ready ready;
static struct vd_ready_rule rule;
static struct stat file;
static struct vd_mark mark;

static int make(void **state)
{
    (void)state;
    ready = (struct vd_ready){0};
    file = (struct stat){.st_dev = 1, .st_ino = 2, .st_size = 1000, .st_mtim = {.tv_sec = 100}};
    mark = (struct vd_mark){0};
    vd_ready_rule_init(&rule, 5);
    return 0;
}

static void set_mark(int64_t seconds)
{
    mark = (struct vd_mark){.there = true, .mtime_ns = seconds * 1000000000, .bytes = 20};
}

/* A look at that time brings this. */
static void assert_look(int64_t at_ms, enum vd_verdict verdict)
{
    vd_ready_look(&ready, &file, &mark, at_ms);
    assert_int_equal(vd_ready_judge(&ready, &rule), verdict);
}

static void quiet(void **state)
{
    (void)state;
    assert_look(0, VD_READY_WAIT);
    assert_int_equal(vd_ready_due(&ready, &rule), 5000);
    assert_look(4999, VD_READY_WAIT);
    assert_look(5000, VD_READY_INDEX);
    ready.index = VD_INDEX_READABLE;
    assert_look(5001, VD_READY_FINISHED);
}

/* However late the clock is when we begin, one look is not two. */
static void one_look_is_not_enough(void **state)
{
    (void)state;
    vd_ready_rule_init(&rule, 0);
    assert_look(1000000, VD_READY_WAIT);
    assert_look(1000001, VD_READY_INDEX);
}

static void growing(void **state)
{
    (void)state;
    ready.index = VD_INDEX_READABLE;
    for (int64_t at = 0; at < 100000; at += 4000) {
        file.st_size += 10;
        assert_look(at, VD_READY_WAIT);
    }
    assert_look(96000 + 4999, VD_READY_WAIT);
    assert_look(96000 + 5000, VD_READY_INDEX);
}

/* Written in place: the size stays. And put in its place: all but the inode may stay. */
static void changed(void **state)
{
    (void)state;
    assert_look(0, VD_READY_WAIT);
    assert_look(5000, VD_READY_INDEX);
    ready.index = VD_INDEX_READABLE;
    file.st_mtim.tv_nsec = 1;
    assert_look(6000, VD_READY_WAIT);
    assert_look(11000, VD_READY_INDEX);
    ready.index = VD_INDEX_READABLE;
    file.st_ino = 3;
    assert_look(12000, VD_READY_WAIT);
    assert_int_equal(ready.index, VD_INDEX_UNKNOWN);
    assert_look(17000, VD_READY_INDEX);
}

static void session_over(void **state)
{
    (void)state;
    set_mark(100); /* a coarse clock gives both the same time */
    assert_look(0, VD_READY_WAIT);
    assert_int_equal(vd_ready_due(&ready, &rule), 1000);
    assert_look(999, VD_READY_WAIT);
    assert_look(1000, VD_READY_INDEX);
    ready.index = VD_INDEX_READABLE;
    assert_look(1000, VD_READY_FINISHED);
}

/* metadata.json appears, and is then still written to. */
static void mark_comes_later(void **state)
{
    (void)state;
    assert_look(0, VD_READY_WAIT);
    set_mark(103);
    assert_look(3000, VD_READY_WAIT);
    assert_int_equal(vd_ready_due(&ready, &rule), 4000);
    mark.bytes = 40;
    assert_look(3900, VD_READY_WAIT);
    assert_look(4899, VD_READY_WAIT);
    assert_look(4900, VD_READY_INDEX);
}

/* The quiet time is over just when metadata.json is half written. */
static void mark_is_waited_for(void **state)
{
    (void)state;
    assert_look(0, VD_READY_WAIT);
    set_mark(105);
    assert_look(5000, VD_READY_WAIT);
    assert_look(6000, VD_READY_INDEX);
}

/* A mark from before the file's last byte says nothing about it. */
static void old_mark(void **state)
{
    (void)state;
    set_mark(99);
    assert_look(0, VD_READY_WAIT);
    assert_look(1000, VD_READY_WAIT);
    assert_look(4999, VD_READY_WAIT);
    assert_look(5000, VD_READY_INDEX);
}

static void without_index(void **state)
{
    (void)state;
    assert_look(0, VD_READY_WAIT);
    assert_look(5000, VD_READY_INDEX);
    ready.index = VD_INDEX_MISSING;
    assert_look(5000, VD_READY_WAIT);
    assert_int_equal(vd_ready_due(&ready, &rule), 60000);
    assert_look(59999, VD_READY_WAIT);
    assert_look(60000, VD_READY_ABANDONED);
    file.st_size++; /* it was alive after all */
    assert_look(60001, VD_READY_WAIT);
    assert_look(65001, VD_READY_INDEX);
}

static void rules(void **state)
{
    (void)state;
    vd_ready_rule_init(&rule, 30);
    assert_int_equal(rule.quiet_ms, 30000);
    assert_int_equal(rule.settle_ms, 1000);
    assert_int_equal(rule.abandoned_ms, 360000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(quiet, make),
        cmocka_unit_test_setup(one_look_is_not_enough, make),
        cmocka_unit_test_setup(growing, make),
        cmocka_unit_test_setup(changed, make),
        cmocka_unit_test_setup(session_over, make),
        cmocka_unit_test_setup(mark_comes_later, make),
        cmocka_unit_test_setup(mark_is_waited_for, make),
        cmocka_unit_test_setup(old_mark, make),
        cmocka_unit_test_setup(without_index, make),
        cmocka_unit_test_setup(rules, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
