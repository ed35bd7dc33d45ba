/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server answers: every route, who may, and what else there is not. */
#include "web_fixture.h"

#include "guard.h"

#include <sys/wait.h>

static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";

static void well(void)
{
    vd_board_beat(site.board);
    for (int need = 0; need < VD_NEEDS; need++)
        vd_board_need(site.board, (enum vd_need)need, NULL);
}

static void test_machines(void **state)
{
    (void)state;
    site_start();
    struct reply ready = get("/readyz");
    assert_int_equal(ready.code, 503);
    assert_non_null(strstr(ready.body, "kafka"));
    well();
    assert_int_equal(get("/readyz").code, 200);
    struct reply health = get("/healthz");
    assert_int_equal(health.code, 200);
    assert_string_equal(health.body, "ok\n");
    assert_string_equal(get("/version").body, "vidriera " VD_VERSION "\n");
    struct reply metrics = get("/metrics");
    assert_int_equal(metrics.code, 200);
    assert_header(metrics, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(metrics.body, "http_requests_total{code=\"2xx\"}"));
}

/* A probe of HTTP/1.0 knows no Host; what people look at wants one. */
static void test_probe_without_host(void **state)
{
    static const char probe[] = "GET /healthz HTTP/1.0\r\n\r\n", look[] = "GET /api/jobs HTTP/1.0\r\n\r\n";
    static const char modern[] = "GET /healthz HTTP/1.1\r\n\r\n";
    (void)state;
    site_start();
    assert_int_equal(ask_raw(probe, sizeof probe - 1).code, 200);
    assert_int_equal(ask_raw(look, sizeof look - 1).code, 421);
    assert_int_equal(ask_raw(modern, sizeof modern - 1).code, 400);
}

static void test_page(void **state)
{
    char known[1100];
    (void)state;
    site_start();
    struct reply page = get("/");
    assert_int_equal(page.code, 200);
    assert_header(page, "Content-Type", "text/html; charset=utf-8");
    assert_header(page, "Cache-Control", "no-cache");
    assert_header(page, "Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
                  "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    assert_header(page, "X-Content-Type-Options", "nosniff");
    assert_header(page, "Referrer-Policy", "no-referrer");
    assert_non_null(strstr(page.body, "<title>"));
    struct reply style = get("/page.css"), script = get("/page.js");
    assert_header(style, "Content-Type", "text/css; charset=utf-8");
    assert_header(script, "Content-Type", "text/javascript; charset=utf-8");
    snprintf(known, sizeof known, "If-None-Match: %s\r\n", header(&page, "ETag"));
    struct reply again = ask("GET", "/", known, NULL);
    assert_int_equal(again.code, 304);
    assert_int_equal(again.size, 0);
}

static void test_jobs(void **state)
{
    char path[80];
    (void)state;
    site_start();
    post_result("job-1", "kneeling/x.mp4", 10, "kneeling/x.mp4", 10);
    struct reply reply = get("/api/jobs");
    assert_int_equal(reply.code, 200);
    assert_header(reply, "Content-Type", "application/json");
    assert_header(reply, "Cache-Control", "no-store");
    json_t *look = json_loads(reply.body, 0, NULL);
    json_t *page = json_object_get(look, "page");
    assert_int_equal(json_array_size(json_object_get(look, "jobs")), 1);
    assert_true(json_is_false(json_object_get(page, "media")) && json_is_false(json_object_get(page, "token")) &&
                json_is_false(json_object_get(page, "change")));
    snprintf(path, sizeof path, "/api/jobs?since=%lld",
             (long long)json_integer_value(json_object_get(look, "version")));
    json_decref(look);
    look = json_loads(get(path).body, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(look, "jobs")), 0);
    assert_true(json_is_false(json_object_get(look, "complete")));
    json_decref(look);
    assert_int_equal(get("/api/jobs?since=-1").code, 400);
    assert_int_equal(get("/api/jobs?since=99999999999999999999999").code, 400);
    assert_int_equal(get("/api/jobs?since=").code, 400);
}

/* Without media no name of a person or a meeting leaves. */
static void test_names(void **state)
{
    static const char *const paths[] = {"/api/jobs", "/healthz", "/readyz", "/metrics", "/version", "/"};
    (void)state;
    site_start();
    post_result("job-1", "kneeling/x.mp4", 10, "kneeling/x.mp4", 10);
    vd_board_need(site.board, VD_NEED_FOLDERS,
                  "processed cannot be written; run as root: chown 1 '/srv/data/processed'");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply reply = get(paths[i]);
        assert_null(strstr(reply.body, "kneeling"));
        assert_null(strstr(reply.body, "/srv"));
        assert_null(strstr(reply.body, site.data));
    }
    site_stop();
    site.setup.media = true;
    site_start();
    assert_non_null(strstr(get("/api/jobs").body, "kneeling/x.mp4"));
}

static void test_no_such_thing(void **state)
{
    static const char *const paths[] = {"/x",
                                        "/healthz/",
                                        "//healthz",
                                        "/api/jobs/",
                                        "/api/jobs/a/cancel/x",
                                        "/api/jobs//cancel",
                                        "/media/a",
                                        "/media/../etc/passwd/original",
                                        "/media/%2e%2e%2f%2e%2e%2fetc%2fpasswd/original",
                                        "/media/..%2f../original",
                                        "/page.css/../../etc/passwd",
                                        "/../etc/passwd",
                                        "/index.html",
                                        "/page.h",
                                        "http://evil.example/",
                                        "/media/.hidden/original",
                                        "/api/jobs/a%00b/cancelx"};
    (void)state;
    site.setup.media = true;
    site_start();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply reply = get(paths[i]);
        if (reply.code != 404)
            fail_msg("%s: %d", paths[i], reply.code);
        assert_non_null(strstr(reply.body, "\"error\""));
        assert_null(strstr(reply.body, "passwd"));
    }
}

static void test_methods(void **state)
{
    (void)state;
    site_start();
    static const char *const wrong[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct reply reply = ask(wrong[i], "/api/jobs", NULL, NULL);
        assert_int_equal(reply.code, 405);
        assert_header(reply, "Allow", "GET, HEAD");
    }
    struct reply reply = get("/login");
    assert_int_equal(reply.code, 405);
    assert_header(reply, "Allow", "POST");
    assert_int_equal(get("/api/jobs/job-1/cancel").code, 405);
}

static void test_head(void **state)
{
    static const char *const paths[] = {"/", "/healthz", "/metrics", "/api/jobs", "/events"};
    (void)state;
    site_start();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply reply = ask("HEAD", paths[i], NULL, NULL);
        assert_int_equal(reply.code, 200);
        assert_int_equal(reply.size, 0);
    }
}

/* DNS rebinding: the page of another site calls us by its own name. */
static void test_host(void **state)
{
    static const struct {
        const char *host;
        int code;
    } rows[] = {{"127.0.0.1", 200},
                {"localhost:8870", 200},
                {"LOCALHOST", 200},
                {"[::1]:8870", 200},
                {"192.168.1.7:80", 200},
                {"vidriera.example.org", 200},
                {"video:8870", 200},
                {"evil.example", 421},
                {"vidriera.example.org.evil.example", 421},
                {"evil-video:8870", 421},
                {"localhost.evil", 421},
                {"127.0.0.1.evil.example", 421},
                {"", 421},
                {"127.0.0.1:port", 421},
                {"a b", 421},
                {"[::1", 421},
                {"[evil]:80", 421},
                {"127.0.0.1:123456", 421},
                {"video@evil.example", 421},
                {"video,localhost", 421}};
    static const char *const paths[] = {"/api/jobs", "/", "/healthz", "/nothing"};
    (void)state;
    site.setup.allowed_hosts = "vidriera.example.org, video";
    site.setup.token_file = site.token_file;
    site_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
            char line[200];
            int code = rows[i].code == 200 && k == 3 ? 404 : rows[i].code;
            snprintf(line, sizeof line, "Host: %s\r\nAuthorization: Bearer " TOKEN "\r\n", rows[i].host);
            struct reply reply = ask("GET", paths[k], line, NULL);
            if (reply.code != code)
                fail_msg("%s, %s: %d", rows[i].host, paths[k], reply.code);
        }
}

static void test_token(void **state)
{
    static const char *const open[] = {"/healthz", "/readyz", "/metrics", "/", "/page.js"};
    static const char *const closed[] = {"/version", "/api/jobs", "/events", "/media/a/original", "/media/a/result"};
    static const char *const wrong[] = {NULL,
                                        "Authorization: Bearer wrong\r\n",
                                        "Authorization: Bearer \r\n",
                                        "Authorization: Basic " TOKEN "\r\n",
                                        "Authorization: " TOKEN "\r\n",
                                        "Authorization: Bearer " TOKEN "x\r\n",
                                        "Cookie: vidriera=" TOKEN "\r\n"};
    (void)state;
    site.setup.listen = "0.0.0.0:0";
    site.setup.token_file = site.token_file;
    site.setup.media = true;
    site_start();
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_true(get(open[i]).code != 401);
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            struct reply reply = ask("GET", closed[i], wrong[k], NULL);
            assert_int_equal(reply.code, 401);
            assert_header(reply, "WWW-Authenticate", "Bearer");
        }
    char query[80];
    snprintf(query, sizeof query, "/api/jobs?token=%s", TOKEN);
    assert_int_equal(get(query).code, 401);
    assert_int_equal(ask("GET", "/api/jobs", "Authorization: Bearer " TOKEN "\r\n", NULL).code, 200);
    assert_int_equal(ask("GET", "/api/jobs", "Authorization: bearer " TOKEN "\r\n", NULL).code, 200);
    site_stop();
    site.setup.metrics_auth = true;
    site.setup.listen = "127.0.0.1:0";
    site_start();
    assert_int_equal(get("/metrics").code, 401);
    assert_int_equal(get("/healthz").code, 200);
    assert_int_equal(get("/api/jobs").code, 200);
    assert_int_equal(ask("GET", "/metrics", "Authorization: Bearer " TOKEN "\r\n", NULL).code, 200);
}

/* A proxy on this machine comes from loopback, whoever asked it. */
static void test_proxy(void **state)
{
    static const char *const passed[] = {"X-Forwarded-For: 192.0.2.7\r\n", "Forwarded: for=192.0.2.7\r\n",
                                         "X-Real-IP: 192.0.2.7\r\n", "Via: 1.1 gate\r\n"};
    (void)state;
    site_start();
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        assert_int_equal(ask("GET", "/api/jobs", passed[i], NULL).code, 401);
        assert_int_equal(ask("GET", "/healthz", passed[i], NULL).code, 200);
    }
    assert_int_equal(get("/api/jobs").code, 200);
    site_stop();
    site.setup.allowed_hosts = "vidriera.example.org";
    site.setup.token_file = site.token_file;
    site_start();
    assert_int_equal(ask("GET", "/api/jobs", "Host: vidriera.example.org\r\n", NULL).code, 401);
    assert_int_equal(get("/api/jobs").code, 401);
    assert_int_equal(get("/events").code, 401);
    assert_int_equal(ask("GET", "/api/jobs", "Authorization: Bearer " TOKEN "\r\n", NULL).code, 200);
}

static void test_changes(void **state)
{
    static const char bearer[] = "Authorization: Bearer " TOKEN "\r\n";
    (void)state;
    site_start();
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", NULL, "").code, 403);
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", bearer, "").code, 403);
    assert_int_equal(ask("POST", "/login", NULL, "token=" TOKEN).code, 403);
    site_stop();
    site.setup.token_file = site.token_file;
    site_start();
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", NULL, "").code, 403);
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", "Authorization: Bearer no\r\n", "").code, 401);
    assert_string_equal(site.cancelled, "");
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", bearer, "").code, 202);
    assert_string_equal(site.cancelled, "cancel job-1");
    assert_int_equal(ask("POST", "/api/jobs/vidriera.jobs-3-17/retry", bearer, NULL).code, 202);
    assert_string_equal(site.cancelled, "retry vidriera.jobs-3-17");
    vd_fail(&site.refusal, VD_NO_INPUT, "", "there is no such job");
    struct reply reply = ask("POST", "/api/jobs/job-2/retry", bearer, "");
    assert_int_equal(reply.code, 404);
    assert_string_equal(reply.body, "{\"error\":\"there is no such job\"}");
    vd_fail(&site.refusal, VD_UNAVAILABLE, "", "no broker answers");
    assert_int_equal(ask("POST", "/api/jobs/job-2/retry", bearer, "").code, 503);
    vd_fail(&site.refusal, VD_CONFIG, "kafka", "ssl.ca.location: /etc/kafka/our ca.pem: No such file; check it");
    reply = ask("POST", "/api/jobs/job-2/retry", bearer, "");
    assert_int_equal(reply.code, 409);
    assert_null(strstr(reply.body, "ca.pem"));
    vd_fail(&site.refusal, VD_AGAIN, "", "no memory");
    assert_int_equal(ask("POST", "/api/jobs/job-2/retry", bearer, "").code, 503);
    vd_fail(&site.refusal, VD_INPUT, "", "the document of it is damaged");
    assert_int_equal(ask("POST", "/api/jobs/job-2/retry", bearer, "").code, 409);
    vd_fail(&site.refusal, VD_CONFIG, "", "the group may not write vidriera.jobs");
    assert_int_equal(ask("POST", "/api/jobs/job-2/retry", bearer, "").code, 409);
    site_stop();
    site.setup.cancel = NULL;
    site_start();
    assert_int_equal(ask("POST", "/api/jobs/job-2/cancel", bearer, "").code, 404);
}

/* A cross-site form, a script of another origin, a sandboxed frame. */
static void test_origin(void **state)
{
    static const struct {
        const char *origin;
        bool good;
    } rows[] = {{"Origin: http://127.0.0.1:%u\r\n", true},
                {"Origin: https://127.0.0.1:%u\r\n", true},
                {"Origin: http://127.0.0.1:%u\r\nSec-Fetch-Site: same-origin\r\n", true},
                {"X-Port: %u\r\n", true}, /* no page: a program */
                {"Origin: http://127.0.0.1:1%u\r\n", false},
                {"Origin: http://evil.example:%u\r\n", false},
                {"Origin: null\r\nX-Port: %u\r\n", false},
                {"Origin: file://127.0.0.1:%u\r\n", false},
                {"Origin: http://127.0.0.1:%u/x\r\n", false},
                {"Origin: \r\nX-Port: %u\r\n", false},
                {"Sec-Fetch-Site: cross-site\r\nX-Port: %u\r\n", false},
                {"Sec-Fetch-Site: same-site\r\nX-Port: %u\r\n", false},
                {"Sec-Fetch-Site: none\r\nX-Port: %u\r\n", true}}; /* typed in */
    static const char *const paths[] = {"/api/jobs", "/events", "/media/a/original", "/media/a/result"};
    (void)state;
    site.setup.token_file = site.token_file;
    site_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char lines[300];
        int size = snprintf(lines, sizeof lines, rows[i].origin, site_port());
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++)
            if ((ask("HEAD", paths[k], lines, NULL).code == 403) == rows[i].good)
                fail_msg("%s: %s", rows[i].origin, paths[k]);
        assert_int_equal(ask("GET", "/", lines, NULL).code, 200); /* a link to the page is no harm */
        int logout = ask("POST", "/logout", lines, "").code;
        snprintf(lines + size, sizeof lines - (size_t)size, "%s", form);
        int login = ask("POST", "/login", lines, "token=" TOKEN).code;
        snprintf(lines + size, sizeof lines - (size_t)size, "Authorization: Bearer " TOKEN "\r\n");
        int change = ask("POST", "/api/jobs/job-1/cancel", lines, "").code;
        if (login != (rows[i].good ? 204 : 403) || logout != (rows[i].good ? 204 : 403) ||
            change != (rows[i].good ? 202 : 403))
            fail_msg("%s: %d %d %d", rows[i].origin, login, logout, change);
    }
}

static void test_cookie(void **state)
{
    char cookie[200], lines[400], name[40];
    (void)state;
    site.setup.listen = "0.0.0.0:0";
    site.setup.token_file = site.token_file;
    site_start();
    assert_int_equal(ask("POST", "/login", form, "token=wrong").code, 401);
    assert_int_equal(ask("POST", "/login", form, "token=").code, 400);
    assert_int_equal(ask("POST", "/login", form, "other=" TOKEN).code, 400);
    assert_int_equal(ask("POST", "/login", "Content-Type: application/json\r\n", "{\"token\":\"" TOKEN "\"}").code,
                     400);
    struct reply reply = ask("POST", "/login", form, "token=correct%2dhorse-battery-staple");
    assert_int_equal(reply.code, 204);
    const char *set = header(&reply, "Set-Cookie");
    assert_non_null(set);
    snprintf(name, sizeof name, "vidriera_%u=", site_port());
    assert_ptr_equal(strstr(set, name), set);
    assert_non_null(strstr(set, "; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
    assert_null(strstr(set, TOKEN));
    snprintf(cookie, sizeof cookie, "Cookie: a=b; %.*s; c=d\r\n", (int)strcspn(set, ";"), set);
    struct reply jobs = ask("GET", "/api/jobs", cookie, NULL);
    assert_int_equal(jobs.code, 200);
    assert_non_null(strstr(jobs.body, "\"change\":true"));
    /* a proxy asks for a name of its own, which browsers repeat with each request */
    snprintf(lines, sizeof lines, "Authorization: Basic dXNlcjpwYXNz\r\n%s", cookie);
    assert_int_equal(ask("GET", "/api/jobs", lines, NULL).code, 200);
    snprintf(lines, sizeof lines, "Authorization: Bearer wrong\r\n%s", cookie);
    assert_int_equal(ask("GET", "/api/jobs", lines, NULL).code, 401);
    /* no browser leaves the Origin out of a POST */
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", cookie, "").code, 403);
    snprintf(lines, sizeof lines, "Origin: http://127.0.0.1:%u\r\n%s", site_port(), cookie);
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", lines, "").code, 202);
    assert_int_equal(ask("POST", "/logout", lines, "").code, 204);
    assert_int_equal(ask("GET", "/api/jobs", cookie, NULL).code, 401);
    assert_int_equal(ask("POST", "/api/jobs/job-1/cancel", lines, "").code, 401);
}

/* TLS ends at a proxy, and the page's origin tells of it. */
static void test_cookie_through_tls(void **state)
{
    static const struct {
        const char *scheme;
        bool secure;
    } rows[] = {{"http", false}, {"https", true}};
    (void)state;
    site.setup.token_file = site.token_file;
    site_start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char lines[200];
        snprintf(lines, sizeof lines, "Origin: %s://127.0.0.1:%u\r\n%s", rows[i].scheme, site_port(), form);
        struct reply reply = ask("POST", "/login", lines, "token=" TOKEN);
        assert_int_equal(reply.code, 204);
        const char *set = header(&reply, "Set-Cookie");
        assert_non_null(set);
        assert_int_equal(strstr(set, "; Secure") != NULL, rows[i].secure);
    }
}

static void test_sessions(void **state)
{
    char keys[VD_SESSIONS + 1][VD_SESSION_TEXT];
    struct vd_guard guard;
    (void)state;
    assert_int_equal(vd_guard_init(&guard, TOKEN, NULL), 0);
    assert_int_equal(vd_guard_login(&guard, TOKEN "x", 1, keys[0]), -1);
    assert_int_equal(vd_guard_login(&guard, "", 1, keys[0]), -1);
    for (int i = 0; i <= VD_SESSIONS; i++) {
        assert_int_equal(vd_guard_login(&guard, TOKEN, 1 + i, keys[i]), 0);
        assert_int_equal(strlen(keys[i]), 64);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
    assert_int_equal(vd_guard_who(&guard, NULL, keys[0], 100), VD_STRANGER); /* the oldest made room */
    for (int i = 1; i <= VD_SESSIONS; i++)
        assert_int_equal(vd_guard_who(&guard, NULL, keys[i], 100), VD_VISITOR);
    assert_int_equal(vd_guard_who(&guard, NULL, keys[1], 2 + vd_session_s - 0.1), VD_VISITOR);
    assert_int_equal(vd_guard_who(&guard, NULL, keys[1], 2 + vd_session_s), VD_STRANGER);
    assert_int_equal(vd_guard_who(&guard, NULL, "", 100), VD_STRANGER);
    assert_int_equal(vd_guard_who(&guard, NULL, NULL, 100), VD_NOBODY);
    vd_guard_logout(&guard, keys[2]);
    vd_guard_logout(&guard, "");
    assert_int_equal(vd_guard_who(&guard, NULL, keys[2], 100), VD_STRANGER);
    vd_guard_finish(&guard);
    vd_guard_finish(&guard); /* what failed to begin is finished too */
}

/* --- starting */

static void assert_refused(const char *words)
{
    struct vd_err err = {0};
    assert_int_equal(vd_web_start(&site.web, &site.setup, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_null(site.web);
    if (!strstr(err.text, words))
        fail_msg("%s", err.text);
}

static void test_refused_settings(void **state)
{
    static const char *const none[] = {
        "",       "8870",  ":8870",   "127.0.0.1",      "127.0.0.1:",    "127.0.0.1:65536",
        "::1:80", "[::1]", "host:80", "[127.0.0.1]:80", "127.0.0.1:80x", "300.0.0.1:80"};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        site.setup.listen = none[i];
        assert_refused("is no address");
    }
    site.setup.listen = "0.0.0.0:0";
    assert_refused("there is no token");
    site.setup.listen = "[::]:0";
    assert_refused("there is no token");
    site.setup.listen = "127.0.0.1:0";
    site.setup.allowed_hosts = "vidriera.example.org";
    assert_refused("http.allowed_hosts");
    site.setup.allowed_hosts = NULL;
    site.setup.listen = "192.0.2.1:0";
    site.setup.token_file = site.token_file;
    assert_refused("no address of this machine");
    site.setup.listen = "127.0.0.1:0";
    site.setup.token_file = NULL;
    site.setup.metrics_auth = true;
    assert_refused("metrics_auth");
    site.setup.token_file = site.token_file;
    assert_int_equal(chmod(site.token_file, 0644), 0);
    assert_refused("chmod 600");
    assert_int_equal(chmod(site.token_file, 0600), 0);
    put("token", "short\n", 6);
    assert_refused("one line");
    put("token", "two lines of it\nand the second\n", 31);
    assert_refused("one line");
    site.setup.token_file = at("nothing");
    assert_refused("No such file");
    site.setup.token_file = site.data;
    assert_refused("no file");
}

static void test_taken(void **state)
{
    char said[600], address[64];
    struct vd_web *other = (struct vd_web *)&site;
    struct capture capture;
    struct vd_err err = {0};
    (void)state;
    site_start();
    snprintf(address, sizeof address, "%s", vd_web_address(site.web));
    struct vd_web_setup setup = site.setup;
    setup.listen = address;
    assert_int_equal(vd_web_start(&other, &setup, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_non_null(strstr(err.text, "is taken"));
    setup.by_default = true;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_WARNING});
    capture_begin(&capture, STDERR_FILENO);
    int ret = vd_web_start(&other, &setup, &err);
    capture_end(&capture, said, sizeof said);
    assert_int_equal(ret, 0);
    assert_null(other);
    assert_non_null(strstr(said, "is taken"));
    assert_int_equal(get("/healthz").code, 200);
}

static void test_six(void **state)
{
    char *body;
    struct vd_err err = {0};
    (void)state;
    site.setup.listen = "[::1]:0";
    if (vd_web_start(&site.web, &site.setup, &err) < 0)
        skip(); /* a machine without IPv6 */
    assert_int_equal(vd_web_get(vd_web_address(site.web), "/version", NULL, 5000, &body, &err), 200);
    free(body);
}

static void test_client(void **state)
{
    char *body, nobody[64];
    struct vd_err err = {0};
    (void)state;
    site.setup.listen = "0.0.0.0:0";
    site.setup.token_file = site.token_file;
    site_start();
    post_result("job-1", "kneeling/x.mp4", 10, "kneeling/x.mp4", 10);
    snprintf(nobody, sizeof nobody, "%s", vd_web_address(site.web));
    assert_int_equal(vd_web_get(nobody, "/readyz", NULL, 5000, &body, &err), 503);
    free(body);
    assert_int_equal(vd_web_get(nobody, "/api/jobs", NULL, 5000, &body, &err), 401);
    free(body);
    char *token = vd_web_token(site.token_file, &err);
    assert_string_equal(token, TOKEN);
    assert_int_equal(vd_web_get(nobody, "/api/jobs", token, 5000, &body, &err), 200);
    json_t *look = json_loads(body, 0, NULL);
    assert_non_null(look);
    json_decref(look);
    free(body);
    free(token);
    site_stop();
    assert_int_equal(vd_web_get(nobody, "/healthz", NULL, 5000, &body, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_null(body);
    assert_int_equal(vd_web_get("nonsense", "/healthz", NULL, 5000, &body, &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
}

/* Somebody who takes the call and says nothing, or something else. */
static void test_client_of_others(void **state)
{
    static const char *const said[] = {"", "SSH-2.0-x\r\n", "HTTP/1.1 999 x\r\n\r\n", "HTTP/1.0 200 OK\r\n",
                                       "HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nfew"};
    char address[64], *body;
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t size = sizeof own;
    struct vd_err err = {0};
    (void)state;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own) | listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(own.sin_port));
    double began = vd_monotonic();
    assert_int_equal(vd_web_get(address, "/healthz", NULL, 300, &body, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_true(vd_monotonic() - began >= 0.3 && vd_monotonic() - began < 5);
    close(accept(fd, NULL, NULL));
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        pid_t child = fork();
        if (child == 0) {
            int peer = accept(fd, NULL, NULL);
            char request[1000];
            if (recv(peer, request, sizeof request, 0) > 0)
                send(peer, said[i], strlen(said[i]), MSG_NOSIGNAL);
            _exit(0);
        }
        assert_int_equal(vd_web_get(address, "/healthz", NULL, 10000, &body, &err), -1);
        assert_int_equal(err.code, VD_UNAVAILABLE);
        assert_null(body);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    close(fd);
}

#define test(name) cmocka_unit_test_setup_teardown(name, site_make, site_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_machines),
        test(test_probe_without_host),
        test(test_page),
        test(test_jobs),
        test(test_names),
        test(test_no_such_thing),
        test(test_methods),
        test(test_head),
        test(test_host),
        test(test_token),
        test(test_proxy),
        test(test_changes),
        test(test_origin),
        test(test_cookie),
        test(test_cookie_through_tls),
        cmocka_unit_test(test_sessions),
        test(test_refused_settings),
        test(test_taken),
        test(test_six),
        test(test_client),
        test(test_client_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
