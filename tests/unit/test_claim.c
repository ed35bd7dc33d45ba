/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One worker works on a job, and every attempt is remembered, however it ended. */
#include "tree.h"

#include "vidriera/claim.h"

#include <signal.h>

static struct vd_claim claim = {.fd = -1};

static int take(struct vd_claim *whose)
{
    struct vd_err err = {0};
    int ret = vd_claim_take(whose, &roots, "job-1", &err);
    if (ret < 0)
        fail_msg("%s", err.text);
    return ret;
}

static void taken_once(void **state)
{
    struct vd_claim second, other;
    (void)state;
    assert_int_equal(take(&claim), 0);
    assert_true(claim.fresh);
    assert_true(fcntl(claim.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(take(&second), 1);
    assert_int_equal(second.fd, -1);
    assert_int_equal(vd_claim_take(&other, &roots, "job-2", NULL), 0);
    vd_claim_release(&other);
    vd_claim_release(&claim);
    assert_true(exists(".vidriera/claims/job-1"));
    assert_int_equal(take(&second), 0);
    assert_false(second.fresh);
    vd_claim_remove(&second, &roots);
    assert_int_equal(count(".vidriera/claims"), 1);
    vd_claim_release(&second); /* of an empty one */
}

static void attempts_are_remembered(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(take(&claim), 0);
    assert_int_equal(claim.attempts + claim.deaths + claim.unended, 0);
    assert_int_equal(vd_claim_begin(&claim, "worker one", &err), 0);
    vd_claim_end(&claim, "retry", false);
    assert_int_equal(vd_claim_begin(&claim, "two\nbegin 1 two", &err), 0);
    vd_claim_end(&claim, "SIGSEGV", true);
    assert_int_equal(vd_claim_begin(&claim, "one", &err), 0); /* and its supervisor dies */
    for (int life = 0; life < 2; life++) {
        assert_int_equal(claim.attempts, 3);
        assert_int_equal(claim.deaths, 1);
        assert_int_equal(claim.unended, 1);
        assert_string_equal(claim.last_death, "SIGSEGV");
        vd_claim_release(&claim);
        assert_int_equal(take(&claim), 0);
    }
    assert_int_equal(vd_claim_begin(&claim, "one", &err), 0);
    vd_claim_end(&claim, "done", false);
    vd_claim_release(&claim);
    assert_int_equal(take(&claim), 0);
    assert_int_equal(claim.attempts, 4);
    assert_int_equal(claim.unended, 1);
    vd_claim_remove(&claim, &roots);
    assert_int_equal(take(&claim), 0);
    assert_int_equal(claim.attempts, 0);
    vd_claim_release(&claim);
}

static void attempts_are_forgotten(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(take(&claim), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vd_claim_begin(&claim, "one", &err), 0);
        vd_claim_end(&claim, "SIGSEGV", true);
    }
    fault_arm(1, EIO);
    assert_int_equal(vd_claim_reset(&claim, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.code, VD_IO);
    assert_int_equal(vd_claim_reset(&claim, &err), 0);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(claim.attempts + claim.deaths + claim.unended, 0);
        assert_string_equal(claim.last_death, "");
        vd_claim_release(&claim);
        assert_int_equal(take(&claim), 0);
    }
    assert_int_equal(vd_claim_begin(&claim, "one", &err), 0);
    vd_claim_release(&claim);
    assert_int_equal(take(&claim), 0);
    assert_int_equal(claim.attempts, 1);
    vd_claim_remove(&claim, &roots);
}

/* The power failed while a line was written. */
static void torn_lines(void **state)
{
    static const struct {
        const char *text;
        int attempts, unended, deaths;
    } rows[] = {{"begin 1 one\nbeg", 2, 2, 0},
                {"begin 1 one\nend 2 retry\nbegin 3", 2, 1, 0},
                {"begin 1 one\nen", 1, 1, 0},
                {"begin 1 one\ndeath 2 SIGSE", 1, 1, 0},
                {"begin 1 one\ndeath 2 stalled\n", 1, 0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(".vidriera/claims/job-1", rows[i].text);
        for (int life = 0; life < 2; life++) {
            assert_int_equal(take(&claim), 0);
            assert_int_equal(claim.attempts, rows[i].attempts + life);
            assert_int_equal(claim.unended, rows[i].unended);
            assert_int_equal(claim.deaths, rows[i].deaths + life);
            assert_int_equal(vd_claim_begin(&claim, "two", NULL), 0);
            vd_claim_end(&claim, "SIGKILL", true);
            vd_claim_release(&claim);
        }
    }
}

static void bad_ids(void **state)
{
    static const char *const ids[] = {"", ".", "..", "../x", "a/b", ".hidden", "a b"};
    struct vd_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_int_equal(vd_claim_take(&claim, &roots, ids[i], &err), -1);
    assert_int_equal(count(".vidriera/claims"), 0);
}

/* A slot holds it on when its supervisor lets go. */
static void held_by_a_child(void **state)
{
    int hold[2];
    (void)state;
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(take(&claim), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(__real_read(hold[0], &byte, 1) != 0);
    }
    close(hold[0]);
    vd_claim_release(&claim);
    assert_int_equal(take(&claim), 1);
    close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(take(&claim), 0);

    child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct vd_claim other;
    assert_int_equal(take(&other), 1); /* a child that ends takes nothing from us */
    vd_claim_release(&claim);
}

static void killed_holder(void **state)
{
    int ready[2];
    char byte;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (take(&claim) != 0 || vd_claim_begin(&claim, "child", NULL) < 0 || __real_write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(take(&claim), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(take(&claim), 0);
    assert_int_equal(claim.unended, 1);
    vd_claim_release(&claim);
    close(ready[0]);
    close(ready[1]);
}

static void remove_claim(void)
{
    assert_int_equal(unlink(at(".vidriera/claims/job-1")), 0);
}

/* Its owner is done with the job between our open and our lock: a lock on what has no name any more holds nothing. */
static void removed_meanwhile(void **state)
{
    struct vd_claim other;
    (void)state;
    put(".vidriera/claims/job-1", "begin 1 one\nend 2 done\n");
    fault.meanwhile = remove_claim;
    assert_int_equal(take(&claim), 0);
    assert_null(fault.meanwhile);
    assert_int_equal(claim.attempts, 0);
    assert_true(exists(".vidriera/claims/job-1"));
    assert_int_equal(take(&other), 1);
    vd_claim_release(&claim);
}

/* Each adds one to a number that only the holder may touch; files come and go underneath. */
static void contend(int rounds)
{
    for (int done = 0; done < rounds;) {
        struct vd_claim mine;
        char text[16] = "";
        if (vd_claim_take(&mine, &roots, "job-1", NULL) != 0)
            continue;
        int fd = open(at("number"), O_RDWR | O_CREAT, 0666);
        if (fd < 0 || __real_pread(fd, text, sizeof text - 1, 0) < 0)
            _exit(1);
        int size = snprintf(text, sizeof text, "%d", atoi(text) + 1);
        if (pwrite(fd, text, (size_t)size, 0) != size)
            _exit(1);
        close(fd);
        done++;
        if (done % 3)
            vd_claim_remove(&mine, &roots);
        else
            vd_claim_release(&mine);
    }
    _exit(0);
}

static void contention(void **state)
{
    enum { WORKERS = 4, ROUNDS = 200 };
    pid_t children[WORKERS];
    int status;
    char expected[16];
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            contend(ROUNDS);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    snprintf(expected, sizeof expected, "%d", WORKERS * ROUNDS);
    assert_text("number", expected);
}

static bool note(void *opaque, const char *job)
{
    strcat(opaque, job);
    return strlen(opaque) < 10;
}

static void lists(void **state)
{
    char jobs[64] = "";
    (void)state;
    put(".vidriera/claims/job-1", "");
    put(".vidriera/claims/.nfs0001", "");
    assert_int_equal(vd_claims_list(&roots, note, jobs, NULL), 0);
    assert_string_equal(jobs, "job-1");
    put(".vidriera/claims/job-2", "");
    put(".vidriera/claims/job-3", "");
    jobs[0] = '\0';
    assert_int_equal(vd_claims_list(&roots, note, jobs, NULL), 0);
    assert_int_equal(strlen(jobs), 10);
}

/* An attempt that could not be recorded was not begun. */
static void every_call_fails(void **state)
{
    static const int causes[] = {EIO, ENOSPC};
    (void)state;
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (int n = 1;; n++) {
            struct vd_err err = {0};
            int before = open_descriptors();
            fault_arm(n, causes[c]);
            int ret = vd_claim_take(&claim, &roots, "job-1", &err);
            int begun = ret == 0 ? vd_claim_begin(&claim, "one", &err) : -1;
            bool met = fault_disarm();
            if (begun < 0)
                assert_int_equal(err.code, VD_IO);
            assert_int_equal(ret < 0, claim.fd < 0);
            vd_claim_release(&claim);
            assert_int_equal(open_descriptors(), before);
            assert_int_equal(take(&claim), 0);
            assert_int_equal(claim.attempts, begun == 0);
            vd_claim_remove(&claim, &roots);
            if (!met)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(taken_once, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(attempts_are_remembered, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(attempts_are_forgotten, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(torn_lines, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(bad_ids, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(held_by_a_child, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(killed_holder, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(removed_meanwhile, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(contention, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(lists, tree_make, tree_drop),
        cmocka_unit_test_setup_teardown(every_call_fails, tree_make, tree_drop),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
