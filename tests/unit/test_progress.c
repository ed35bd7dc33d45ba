/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bar, on a terminal of our own, and lines for a log. */
#include "capture.h"

#include "progress.h"

#include <sys/ioctl.h>
#include <termios.h>

static void go(enum vd_progress_mode mode, double length)
{
    struct vd_progress progress;
    struct vd_progress_state now = {0};
    vd_progress_init(&progress, mode);
    for (int i = 1; i <= 1200; i++) { /* twelve seconds, a hundred times each */
        now = (struct vd_progress_state){length > 0 ? i * 0.01 / length : -1, i, i * 0.01, i * 0.02};
        vd_progress_update(&progress, &now);
    }
    vd_progress_end(&progress, &now);
}

static int count(const char *text, const char *part)
{
    int found = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        found++;
    return found;
}

static void plain(void **state)
{
    struct capture capture;
    char said[2000];
    (void)state;
    capture_begin(&capture, STDERR_FILENO);
    go(VD_PROGRESS_PLAIN, 20);
    capture_end(&capture, said, sizeof said);
    assert_int_equal(count(said, "\n"), 4); /* at once, at 5 s, at 10 s, at the end */
    assert_int_equal(count(said, "\r"), 0);
    assert_int_equal(strncmp(said, "vidriera: ", 10), 0);
    assert_non_null(strstr(said, " 50."));
    assert_non_null(strstr(said, "frame 1200"));
    assert_non_null(strstr(said, "100 fps"));
    assert_non_null(strstr(said, "2.0x"));
    assert_non_null(strstr(said, "0:08 left"));
}

static void unknown_length(void **state)
{
    struct capture capture;
    char said[2000];
    (void)state;
    capture_begin(&capture, STDERR_FILENO);
    go(VD_PROGRESS_PLAIN, 0);
    capture_end(&capture, said, sizeof said);
    assert_int_equal(count(said, "%"), 0);
    assert_int_equal(count(said, "left"), 0);
    assert_non_null(strstr(said, "frame 1200"));
}

static void silent(void **state)
{
    struct capture capture;
    char said[200];
    (void)state;
    capture_begin(&capture, STDERR_FILENO);
    go(VD_PROGRESS_NONE, 20);
    go(VD_PROGRESS_AUTO, 20); /* a file is no terminal */
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_ERROR});
    go(VD_PROGRESS_PLAIN, 20);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    capture_end(&capture, said, sizeof said);
    assert_string_equal(said, "");
}

/* What twelve seconds look like on a terminal so wide. The caller frees it. */
static char *on_terminal(unsigned short columns)
{
    enum { ROOM = 1 << 20 };
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    char *said = calloc(1, ROOM);
    size_t used = 0;
    int main_end = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(said && main_end >= 0 && grantpt(main_end) == 0 && unlockpt(main_end) == 0);
    int terminal = open(ptsname(main_end), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(terminal, STDERR_FILENO);
        go(VD_PROGRESS_AUTO, 20);
        vd_log(VD_LOG_INFO, "after");
        _exit(0);
    }
    close(terminal);
    ssize_t got;
    while ((got = read(main_end, said + used, ROOM - 1 - used)) > 0)
        used += (size_t)got;
    close(main_end);
    return said;
}

/* Characters, escapes not counted. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        if (!strncmp(text, "\033[K", 3))
            text += 2;
        else
            width += (*text & 0xc0) != 0x80;
    return width;
}

static void bar(void **state)
{
    (void)state;
    for (unsigned short columns = 20; columns <= 120; columns = (unsigned short)(columns + 20)) {
        char *said = on_terminal(columns);
        int drawn = count(said, "\r\033[K");
        if (drawn < 50 || drawn > 122)
            fail_msg("drawn %d times in 12 s", drawn);
        /* the last one is wiped, then the log's line stands alone */
        assert_non_null(strstr(said, "\r\033[Kvidriera: after\r\n"));
        for (char *line = strtok(said, "\r\n"); line; line = strtok(NULL, "\r\n"))
            if (width_of(line) >= columns)
                fail_msg("%d columns on a terminal of %d: %s", width_of(line), columns, line);
        free(said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(unknown_length),
                                       cmocka_unit_test(silent), cmocka_unit_test(bar)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
