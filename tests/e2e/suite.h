/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmocka with what it wants included before it, and the two things every test here needs to know. */
#ifndef E2E_SUITE_H
#define E2E_SUITE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The program under test: $VIDRIERA, else the one built beside the tests. */
char *suite_vidriera(void);

/* Where the real clips are: $VD_CLIPS, else what the build says. */
const char *suite_clips(void);

#endif
