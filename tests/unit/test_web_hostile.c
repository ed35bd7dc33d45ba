/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who means no good: the server stays, answers others, and keeps its bounds. */
#include "web_fixture.h"

#include "lines.h"

#include <sys/resource.h>

static int make(void **state)
{
    site_make(state);
    site.setup.token_file = site.token_file;
    site_start();
    return 0;
}

/* Others wait for none of those who mean no good: each of them would hold a place for longer, or many in turn. */
static const double patient_s = 30;

static void assert_well(void)
{
    char *body = NULL;
    struct vd_err err = {0};
    double began = vd_monotonic();
    vd_board_beat(site.board);
    int code = vd_web_get(vd_web_address(site.web), "/healthz", NULL, (int)(patient_s * 1000), &body, &err);
    free(body);
    if (code != 200)
        fail_msg("%d after %.1f s: %s", code, vd_monotonic() - began, err.text);
}

/* A request of that many bytes. */
static struct reply ask_long(const char *before, size_t size, const char *after)
{
    char *text = malloc(strlen(before) + size + strlen(after) + 1);
    assert_non_null(text);
    strcpy(text, before);
    memset(text + strlen(before), 'a', size);
    strcpy(text + strlen(before) + size, after);
    struct reply reply = ask_raw(text, strlen(text));
    free(text);
    return reply;
}

#define HOST "Host: localhost\r\nConnection: close\r\n"

static void test_too_long(void **state)
{
    (void)state;
    assert_int_equal(ask_long("GET /version HTTP/1.1\r\n" HOST "X: ", 4000, "\r\n\r\n").code, 200);
    assert_int_equal(ask_long("GET /version HTTP/1.1\r\n" HOST "X: ", 20000, "\r\n\r\n").code, 431);
    assert_int_equal(ask_long("GET /version HTTP/1.1\r\n" HOST "X: ", 2000000, "\r\n\r\n").code, 431);
    assert_int_equal(ask_long("GET /", 20000, " HTTP/1.1\r\n" HOST "\r\n").code, 414);
    assert_well();
}

static void test_many_headers(void **state)
{
    char *text = malloc(100000);
    size_t size = 0;
    (void)state;
    assert_non_null(text);
    size += (size_t)sprintf(text, "GET /version HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 5000; i++)
        size += (size_t)sprintf(text + size, "X%d: 1\r\n", i);
    size += (size_t)sprintf(text + size, "\r\n");
    assert_int_equal(ask_raw(text, size).code, 431);
    free(text);
    assert_well();
}

static void test_bodies(void **state)
{
    static const struct {
        const char *before;
        size_t size;
        const char *after;
        int code;
    } rows[] = {
        {"POST /api/jobs/a/cancel HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN "\r\nContent-Length: 4096\r\n\r\n",
         4096, "", 202},
        {"POST /api/jobs/a/cancel HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN "\r\nContent-Length: 4097\r\n\r\n",
         4097, "", 413},
        {"POST /login HTTP/1.1\r\n" HOST "Content-Length: 5000000\r\n\r\n", 5000000, "", 413},
        {"POST /login HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", 0, "", 413},
        {"POST /login HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 0, "", 400},
        {"POST /login HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 0, "0\r\n\r\n", 411},
        {"POST /login HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 0, "0\r\n\r\n",
         411},
        {"GET /version HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 0, "", 413},
        {"POST /login HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9000\r\n\r\n", 0, "", 413},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = ask_long(rows[i].before, rows[i].size, rows[i].after);
        if (reply.code != rows[i].code)
            fail_msg("%zu: %d", i, reply.code);
    }
    assert_well();
}

static void test_nonsense(void **state)
{
    static const char *const said[] = {
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n" HOST "\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET / HTTP/1.1\nHost: localhost\n\n",
        "GET /%zz%00%ff HTTP/1.1\r\n" HOST "\r\n",
        "GET /api/jobs?since=%00&since HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "Cookie: ;;==;\"\xff\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Range: bytes=\xff\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ": nothing\r\n \r\n\t\r\n\r\n",
        "POST /login HTTP/1.1\r\n" HOST "Content-Type: multipart/form-data\r\nContent-Length: 5\r\n\r\n--\r\n-",
        "POST /login HTTP/1.1\r\n" HOST
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\ntoken=%zz%0%00",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        size_t size;
        bool ended;
        int fd = site_connect();
        assert_true(say(fd, said[i], strlen(said[i])));
        shutdown(fd, SHUT_WR);
        char *text = hear(fd, NULL, patient_s, &size, &ended);
        assert_true(ended);
        assert_null(strstr(text, "200 OK\r\n\r\n"));
        assert_null(strstr(text, site.data));
        free(text);
        close(fd);
    }
    assert_well();
}

/* --- who takes his time */

/* One who sends a piece every 200 ms, for as long as it is heard. */
struct slow {
    const char *first, *piece;
    int fd;
    double began, ended;
};

static void drip(struct slow *all, size_t count, double until)
{
    for (size_t left = count; left > 0 && vd_monotonic() < until;) {
        poll(NULL, 0, 200);
        left = 0;
        for (size_t i = 0; i < count; i++) {
            char byte[4096];
            if (all[i].ended > 0)
                continue;
            if (*all[i].piece)
                say(all[i].fd, all[i].piece, strlen(all[i].piece));
            ssize_t got;
            while ((got = recv(all[i].fd, byte, sizeof byte, MSG_DONTWAIT)) > 0)
                continue;
            if (got == 0 || (got < 0 && errno != EAGAIN))
                all[i].ended = vd_monotonic();
            else
                left++;
        }
    }
}

/* A byte now and then keeps no connection: a request is whole within ten seconds. */
static void test_slowloris(void **state)
{
    struct slow all[] = {
        {.first = "", .piece = ""},
        {.first = "G", .piece = "E"},
        {.first = "GET / HTTP/1.1\r\n", .piece = "X"},
        {.first = "GET / HTTP/1.1\r\nHost: localhost\r\n", .piece = "X: 1\r\n"},
        {.first = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n", .piece = "x"},
        {.first = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", .piece = ""},
        {.first = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", .piece = "\r\n"},
    };
    size_t count = sizeof all / sizeof *all;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        all[i].began = vd_monotonic();
        all[i].fd = site_connect();
        assert_true(say(all[i].fd, all[i].first, strlen(all[i].first)));
    }
    drip(all, count, vd_monotonic() + vd_request_s + patient_s);
    for (size_t i = 0; i < count; i++) {
        double lasted = all[i].ended - all[i].began;
        if (lasted < vd_request_s || lasted > vd_request_s + patient_s)
            fail_msg("%zu: %.1f s", i, lasted);
        close(all[i].fd);
    }
    assert_well();
}

/* --- many */

static int threads(void)
{
    return folder_count("/proc/self/task");
}

enum { MANY = 1000 };

static int open_many(int *fds, const char *said)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(site_port())};
    int count = 0;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < MANY; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
        if (connect(fds[i], (struct sockaddr *)&to, sizeof to) == 0 && say(fds[i], said, strlen(said)))
            count++;
    }
    return count;
}

/* Everybody is taken in, those who say nothing go first, and the health is told all the while. */
static void test_thousand(void **state)
{
    static int fds[MANY];
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < MANY + 200) {
        limit.rlim_cur = MANY + 200;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            skip();
    }
    int before = threads();
    static const char *const said[] = {"GET / HTTP/1.1\r\nX: ", "", "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    for (size_t round = 0; round < sizeof said / sizeof *said; round++) {
        open_many(fds, said[round]);
        assert_true(threads() <= before + VD_LINES);
        for (int i = 0; i < 10; i++)
            assert_well();
        int open = 0;
        for (int i = 0; i < MANY; i++) {
            char text[4096];
            ssize_t got;
            while ((got = recv(fds[i], text, sizeof text, MSG_DONTWAIT)) > 0)
                continue;
            open += got < 0 && errno == EAGAIN;
            close(fds[i]);
        }
        assert_true(open <= VD_LINES);
    }
    assert_well();
}

/* Who never reads what he asked for holds his own connections alone. */
static void test_deaf(void **state)
{
    enum { DEAF = 100 };
    int fds[DEAF], size = 4096;
    static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    (void)state;
    for (int i = 0; i < 500; i++) {
        char job[32];
        snprintf(job, sizeof job, "job-%d", i);
        post_result(job, "kneeling/x.mp4", 10, "kneeling/x.mp4", 10);
    }
    for (int i = 0; i < DEAF; i++) {
        fds[i] = site_connect();
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        say(fds[i], request, sizeof request - 1);
    }
    for (int i = 0; i < 10; i++)
        assert_well();
    for (int i = 0; i < DEAF; i++)
        close(fds[i]);
    double began = vd_monotonic();
    site_stop();
    assert_true(vd_monotonic() - began < patient_s); /* a piece of an answer has a minute */
}

#define test(name) cmocka_unit_test_setup_teardown(name, make, site_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_too_long),  test(test_many_headers), test(test_bodies), test(test_nonsense),
        test(test_slowloris), test(test_thousand),     test(test_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
