/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every instruction set that this processor runs, against the definition; and which one is chosen. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setenv, MAP_ANONYMOUS */
#endif

#include "tests/dsp/compare.h"

#include <setjmp.h>
#include <sys/wait.h>

#include <cmocka.h>

static void every_set(const char *(*check)(const struct vd_dsp *set))
{
    const struct vd_dsp *set;
    for (int i = 0; (set = vd_dsp_at(i)); i++) {
        const char *wrong = check(set);
        if (wrong)
            fail_msg("%s", wrong);
    }
}

static void codes8(void **state)
{
    (void)state;
    every_set(check_codes8);
}

static void codes16(void **state)
{
    (void)state;
    every_set(check_codes16);
}

static void shapes(void **state)
{
    (void)state;
    every_set(check_shapes);
}

/* In a process of its own, as the choice is made once. */
static void assert_chosen(const char *vd_cpu, const char *name)
{
    pid_t child = fork();
    if (child == 0) {
        if (vd_cpu)
            setenv("VD_CPU", vd_cpu, 1);
        else
            unsetenv("VD_CPU");
        _exit(strcmp(vd_dsp()->name, name) != 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void choice(void **state)
{
    (void)state;
    assert_string_equal(vd_dsp_at(0)->name, "c");
    assert_null(vd_dsp_at(-1));

    int n = 0;
    while (vd_dsp_at(n)) {
        assert_chosen(vd_dsp_at(n)->name, vd_dsp_at(n)->name);
        n++;
    }
    const char *best = vd_dsp_at(n - 1)->name;
    assert_chosen(NULL, best);
    assert_chosen("", best);
    assert_chosen("avx512", best); /* known to people, but never built: it did not win */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes8),
        cmocka_unit_test(codes16),
        cmocka_unit_test(shapes),
        cmocka_unit_test(choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
