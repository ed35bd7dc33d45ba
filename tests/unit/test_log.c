/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include "vidriera/log.h"

#include <jansson.h>
#include <pthread.h>

static void text_lines(void **state)
{
    struct capture capture;
    char said[1000];
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    capture_begin(&capture, STDERR_FILENO);
    vd_log(VD_LOG_ERROR, "%s: broken", "a\nb");
    vd_log(VD_LOG_WARNING, "odd");
    vd_log(VD_LOG_INFO, "100 %%");
    vd_log(VD_LOG_DEBUG, "unheard");
    capture_end(&capture, said, sizeof said);
    assert_string_equal(said, "vidriera: a?b: broken\nvidriera: warning: odd\nvidriera: 100 %\n");
}

static void wiped_lines(void **state)
{
    struct capture capture;
    char said[100];
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO, .wipe = true});
    capture_begin(&capture, STDERR_FILENO);
    vd_log(VD_LOG_INFO, "x");
    capture_end(&capture, said, sizeof said);
    assert_string_equal(said, "\r\033[Kvidriera: x\n");
}

/* Whatever the text, each line is one JSON object. */
static void json_lines(void **state)
{
    struct capture capture;
    char said[9000], quotes[1500];
    (void)state;
    memset(quotes, '"', sizeof quotes - 1);
    quotes[sizeof quotes - 1] = '\0';
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_TRACE, .json = true});
    capture_begin(&capture, STDERR_FILENO);
    vd_log(VD_LOG_ERROR, "caf\xe9 \xc3\xa9 \"q\" \\ \x1b");
    vd_log(VD_LOG_TRACE, "%s", quotes);
    capture_end(&capture, said, sizeof said);
    json_t *first = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *second = json_loads(strchr(said, '\n'), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "msg")), "caf? \xc3\xa9 \"q\" \\ ?");
    assert_string_equal(json_string_value(json_object_get(first, "level")), "error");
    assert_int_equal(strlen(json_string_value(json_object_get(first, "ts"))), strlen("2026-01-01T00:00:00.000Z"));
    assert_string_equal(json_string_value(json_object_get(second, "level")), "trace");
    assert_true(json_string_length(json_object_get(second, "msg")) > 1000);
    json_decref(first);
    json_decref(second);
}

/* Which job a line is about is a matter of its thread. */
static void *talk_of_nothing(void *unused)
{
    vd_log(VD_LOG_INFO, "elsewhere");
    return unused;
}

static void about_in_text(void **state)
{
    struct capture capture;
    char said[1000];
    pthread_t thread;
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    capture_begin(&capture, STDERR_FILENO);
    vd_log_about("j\n1", "trace");
    vd_log(VD_LOG_INFO, "begins");
    vd_log(VD_LOG_WARNING, "odd");
    assert_int_equal(pthread_create(&thread, NULL, talk_of_nothing, NULL), 0);
    pthread_join(thread, NULL);
    vd_log_about(NULL, NULL);
    vd_log(VD_LOG_INFO, "waits");
    capture_end(&capture, said, sizeof said);
    assert_string_equal(said, "vidriera: [j?1] begins\nvidriera: warning: [j?1] odd\nvidriera: elsewhere\n"
                              "vidriera: waits\n");
}

static void about_in_json(void **state)
{
    static const char id[] = "0af7651916cd43dd8448eb211c80319c";
    struct capture capture;
    char said[1000], long_job[200];
    (void)state;
    memset(long_job, '"', sizeof long_job - 1);
    long_job[sizeof long_job - 1] = '\0';
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO, .json = true});
    capture_begin(&capture, STDERR_FILENO);
    vd_log_about("j1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    vd_log(VD_LOG_INFO, "x");
    vd_log_about(long_job, id);
    vd_log(VD_LOG_INFO, "y");
    vd_log_about("", "");
    vd_log(VD_LOG_INFO, "z");
    capture_end(&capture, said, sizeof said);
    char *next = strchr(said, '\n') + 1, *last = strchr(next, '\n') + 1;
    json_t *lines[] = {json_loads(said, JSON_DISABLE_EOF_CHECK, NULL), json_loads(next, JSON_DISABLE_EOF_CHECK, NULL),
                       json_loads(last, 0, NULL)};
    assert_string_equal(json_string_value(json_object_get(lines[0], "job")), "j1");
    assert_string_equal(json_string_value(json_object_get(lines[0], "trace")), id);
    assert_string_equal(json_string_value(json_object_get(lines[1], "trace")), id);
    assert_string_equal(json_string_value(json_object_get(lines[1], "msg")), "y");
    assert_non_null(lines[2]);
    assert_null(json_object_get(lines[2], "job"));
    assert_null(json_object_get(lines[2], "trace"));
    for (int i = 0; i < 3; i++)
        json_decref(lines[i]);
}

static void *talk(void *letter)
{
    for (int i = 0; i < 200; i++)
        vd_log(VD_LOG_INFO, "%.*s", 40, (const char *)letter);
    return NULL;
}

/* Lines of several threads do not mix. */
static void whole_lines(void **state)
{
    static const char *const letters[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                                          "cccccccccccccccccccccccccccccccccccccccc"};
    static char said[64000];
    struct capture capture;
    pthread_t threads[3];
    int lines = 0;
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    capture_begin(&capture, STDERR_FILENO);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, (void *)letters[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    capture_end(&capture, said, sizeof said);
    for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        assert_int_equal(strlen(line), strlen("vidriera: ") + 40);
        assert_int_equal(strspn(line + 10, (char[]){line[10], '\0'}), 40);
    }
    assert_int_equal(lines, 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_lines),    cmocka_unit_test(wiped_lines),
                                       cmocka_unit_test(json_lines),    cmocka_unit_test(about_in_text),
                                       cmocka_unit_test(about_in_json), cmocka_unit_test(whole_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
