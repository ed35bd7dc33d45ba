/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The definition against (1 - s) * x + s * c in real numbers. */
#include "kernels/tint.h"
#include "vidriera/dsp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BOUND (0.5L + 1 / 128.0L)

/* All codes of a depth through the C set, rows of 2^depth samples. */
static void tint_all(uint16_t *out, double s, double c, int depth)
{
    int codes = 1 << depth, n[3] = {codes, 0, 0};
    struct vd_tint tint = {.a = vd_tint_a(s, depth), .depth = depth};
    tint.b[0][0] = tint.b[0][1] = vd_tint_b(s, c, depth);

    if (depth > 8) {
        for (int x = 0; x < codes; x++)
            out[x] = (uint16_t)x;
        vd_dsp_at(0)->tint16((uint8_t *)out, 0, (uint8_t *)out, 0, n, 1, &tint);
        return;
    }
    uint8_t bytes[256];
    for (int x = 0; x < codes; x++)
        bytes[x] = (uint8_t)x;
    vd_dsp_at(0)->tint8(bytes, 0, bytes, 0, n, 1, &tint);
    for (int x = 0; x < codes; x++)
        out[x] = bytes[x];
}

/* Tints lie on codes and between them, both ends included. */
static long double worst(int depth, int strengths, int tints)
{
    static uint16_t out[4096];
    long double most = 0;
    int max = (1 << depth) - 1;

    for (int i = 0; i <= strengths; i++) {
        for (int k = 0; k <= tints; k++) {
            double s = (double)i / strengths, c = (double)k / tints * max;
            tint_all(out, s, c, depth);
            for (int x = 0; x <= max; x++) {
                long double real = (1 - (long double)s) * x + (long double)s * c;
                most = fmaxl(most, fabsl(out[x] - real));
            }
        }
    }
    return most;
}

static void within_bound(void **state)
{
    (void)state;
    for (int depth = 8; depth <= 12; depth++) {
        long double most = depth == 8 ? worst(8, 1000, 83) : worst(depth, 60, 29);
        print_message("%d bits: at most %.6Lf codes from the real value\n", depth, most);
        assert_true(most <= BOUND);
    }
}

static void strength_0_is_the_identity(void **state)
{
    (void)state;
    static uint16_t out[4096];
    for (int depth = 8; depth <= 12; depth++) {
        tint_all(out, 0, 200, depth);
        for (int x = 0; x < 1 << depth; x++)
            assert_int_equal(out[x], x);
    }
}

static void strength_1_is_the_tint(void **state)
{
    (void)state;
    static uint16_t out[4096];
    for (int depth = 8; depth <= 12; depth++) {
        tint_all(out, 1, 201, depth);
        for (int x = 0; x < 1 << depth; x++)
            assert_int_equal(out[x], 201);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_bound),
        cmocka_unit_test(strength_0_is_the_identity),
        cmocka_unit_test(strength_1_is_the_tint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
