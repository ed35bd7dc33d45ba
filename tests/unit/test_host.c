/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the host is ill: who may run, and when. */
#include "capture.h"
#include "host.h"

static struct vd_err fault(const char *words)
{
    struct vd_err err;
    vd_fail(&err, VD_IO, "commit", "%s", words);
    return err;
}

static void a_well_host_lets_all_run(void **state)
{
    struct vd_host host = {0};
    (void)state;
    assert_int_equal(vd_host_allows(&host, 100, 4), 4);
}

static void an_ill_host_lets_one_try_after_a_pause(void **state)
{
    struct vd_host host = {0};
    struct vd_err err = fault("the disk is full");
    (void)state;
    vd_host_fault(&host, &err, 100);
    assert_int_equal(vd_host_allows(&host, 100, 4), 0);
    assert_true(host.retry_at > 100);
    assert_int_equal(vd_host_allows(&host, host.retry_at, 4), 1);
    vd_host_well(&host);
    assert_int_equal(vd_host_allows(&host, 100, 4), 4);
}

static void pauses_grow_and_stay_below_a_minute(void **state)
{
    struct vd_host host = {0};
    struct vd_err err = fault("the disk is full");
    double pause = 0, now = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        vd_host_fault(&host, &err, now);
        assert_true(host.retry_at - now >= pause);
        pause = host.retry_at - now;
        now = host.retry_at;
    }
    assert_true(pause < 60);
    vd_host_well(&host);
    vd_host_fault(&host, &err, now);
    assert_true(host.retry_at - now < pause);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_well_host_lets_all_run),
        cmocka_unit_test(an_ill_host_lets_one_try_after_a_pause),
        cmocka_unit_test(pauses_grow_and_stay_below_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
