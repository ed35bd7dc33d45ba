/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include "vidriera/err.h"
#include "vidriera/text.h"

#include <sysexits.h>

static void fills(void **state)
{
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_fail(&err, VD_INPUT, "demux", "%s: a\nb\tc", "x"), -1);
    assert_int_equal(err.code, VD_INPUT);
    assert_string_equal(err.stage, "demux");
    assert_string_equal(err.text, "x: a?b?c");
    assert_int_equal(vd_fail(NULL, VD_INPUT, "demux", "nobody listens"), -1);
}

/* Too long is cut, and a character is never cut in half. */
static void cuts(void **state)
{
    struct vd_err err;
    char text[600];
    (void)state;
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    vd_fail(&err, VD_IO, "a stage whose name is too long", "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.stage), sizeof err.stage - 1);
    assert_string_equal(err.text + sizeof err.text - 4, "\xc3\xa9?");
}

static void codes(void **state)
{
    static const int statuses[] = {EX_OK,       EX_USAGE,     EX_DATAERR, EX_NOINPUT,  EX_UNAVAILABLE, EX_UNAVAILABLE,
                                   EX_SOFTWARE, EX_CANTCREAT, EX_IOERR,   EX_TEMPFAIL, EX_CONFIG};
    (void)state;
    for (int i = VD_OK; i <= VD_CONFIG; i++) {
        enum vd_code back;
        assert_int_equal(vd_code_exit((enum vd_code)i), statuses[i]);
        assert_int_equal(vd_code_parse(vd_code_name((enum vd_code)i), &back), 0);
        assert_int_equal(back, i);
    }
    assert_int_equal(vd_code_parse("nonsense", &(enum vd_code){0}), -1);
}

static void cleans(void **state)
{
    static const struct {
        const char *dirty, *clean;
    } rows[] = {
        {"", ""},
        {"plain, 100 %", "plain, 100 %"},
        {"\x1b[31mred\x7f\r\n", "?[31mred???"},
        {"\xc2\x9b"
         "31m",
         "??31m"}, /* CSI as one character */
        {"\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xa5", "\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xa5"},
        {"caf\xe9 bar", "caf? bar"},                               /* Latin-1 */
        {"\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "?? ??? ????"}, /* longer than need be */
        {"\xed\xa0\x80 \xf4\x90\x80\x80 \xff", "??? ???? ?"},      /* surrogate, beyond Unicode */
        {"\xe2\x82", "??"},
        {"\xf0\x9f\x8e", "???"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        strcpy(text, rows[i].dirty);
        vd_text_clean(text);
        assert_string_equal(text, rows[i].clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fills), cmocka_unit_test(cuts), cmocka_unit_test(codes),
                                       cmocka_unit_test(cleans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
