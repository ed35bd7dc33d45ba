/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_tint.c for machines without cmocka: built for aarch64 and run by qemu-aarch64. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif

#include "tests/dsp/compare.h"

int main(void)
{
    int wrong = 0;
    bool neon = false;
    const struct vd_dsp *set;

    for (int i = 0; (set = vd_dsp_at(i)); i++) {
        neon |= strcmp(set->name, "neon") == 0;
        for (size_t k = 0; k < N_CHECKS; k++) {
            const char *what = checks[k].check(set);
            printf("%s: %s: %s\n", set->name, checks[k].name, what ? what : "ok");
            wrong += what != NULL;
        }
    }
#ifdef __aarch64__
    if (!neon) {
        puts("neon: not offered");
        wrong++;
    }
#endif
    return wrong || (neon && strcmp(vd_dsp()->name, "neon") != 0);
}
