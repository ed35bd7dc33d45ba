/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server in this process, its board and its folders, and a client that writes what it likes. */
#ifndef TESTS_UNIT_WEB_FIXTURE_H
#define TESTS_UNIT_WEB_FIXTURE_H

#include "capture.h"

#include "vidriera/log.h"
#include "vidriera/now.h"
#include "vidriera/result.h"
#include "vidriera/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TOKEN "correct-horse-battery-staple"

static struct {
    char data[32], token_file[64];
    struct vd_roots roots;
    struct vd_board *board;
    struct vd_web_setup setup;
    struct vd_web *web;
    char cancelled[400];
    struct vd_err refusal; /* of cancel and retry; VD_OK: they work */
} site;

/* What came back. Texts of the last 8 are there. */
struct reply {
    int code; /* 0: nothing */
    char *head, *body;
    size_t size;
    bool ended; /* by the server */
};

static inline const char *at(const char *path)
{
    static char paths[4][600];
    static int turn;
    char *whole = paths[turn = (turn + 1) % 4];
    snprintf(whole, sizeof paths[0], "%s/%s", site.data, path);
    return whole;
}

/* A file beneath data, in a folder of one level that is there. */
static inline void put(const char *path, const void *bytes, size_t size)
{
    char folder[600];
    snprintf(folder, sizeof folder, "%s", at(path));
    *strrchr(folder, '/') = '\0';
    assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    FILE *file = fopen(at(path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline int do_change(const char *what, const char *job, struct vd_err *err)
{
    if (site.refusal.code != VD_OK) {
        *err = site.refusal;
        return -1;
    }
    snprintf(site.cancelled, sizeof site.cancelled, "%s %s", what, job);
    return 0;
}

static inline int do_cancel(void *opaque, const char *job, struct vd_err *err)
{
    assert_ptr_equal(opaque, &site);
    return do_change("cancel", job, err);
}

static inline int do_retry(void *opaque, const char *job, struct vd_err *err)
{
    assert_ptr_equal(opaque, &site);
    return do_change("retry", job, err);
}

static inline void post_result(const char *job, const char *input, size_t input_size, const char *output,
                               size_t output_size)
{
    char finished[32];
    vd_time_text(vd_wall(), finished);
    json_t *made = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:I}, s:{s:s, s:s, s:I}, s:{s:s}}", "schema",
                             "vidriera.result.v1", "job", job, "status", "completed", "finished", finished, "input",
                             "root", "recordings", "path", input, "bytes", (json_int_t)input_size, "output", "root",
                             "processed", "path", output, "bytes", (json_int_t)output_size, "meta", "meeting_url",
                             "https://meet.example.org/kneeling");
    assert_non_null(made);
    json_object_set_new(made, "session", json_string("kneeling"));
    vd_board_result(site.board, job, made);
    json_decref(made);
}

/* As it will be started; change site.setup before site_start(). */
static inline int site_make(void **state)
{
    static const char *const moved[VD_ROOTS] = {NULL};
    static const struct vd_board_setup board = {.kind = "worker", .worker = "w1", .slots = 1, .patience_s = 60};
    struct vd_err err = {0};
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_ERROR});
    memset(&site, 0, sizeof site);
    umask(022);
    folder_make(site.data);
    snprintf(site.token_file, sizeof site.token_file, "%s/token", site.data);
    put("token", TOKEN "\n", sizeof TOKEN);
    assert_int_equal(chmod(site.token_file, 0600), 0);
    if (vd_roots_open(&site.roots, site.data, NULL, moved, &err) < 0)
        fail_msg("%s", err.text);
    site.board = vd_board_create(&board);
    assert_non_null(site.board);
    site.setup = (struct vd_web_setup){.listen = "127.0.0.1:0",
                                       .board = site.board,
                                       .roots = &site.roots,
                                       .opaque = &site,
                                       .cancel = do_cancel,
                                       .retry = do_retry};
    return 0;
}

static inline void site_start(void)
{
    struct vd_err err = {0};
    if (vd_web_start(&site.web, &site.setup, &err) < 0)
        fail_msg("%s", err.text);
    assert_non_null(site.web);
}

static inline void site_stop(void)
{
    assert_true(vd_web_stop(site.web));
    site.web = NULL;
}

static inline int site_drop(void **state)
{
    (void)state;
    site_stop();
    vd_board_destroy(site.board);
    vd_roots_close(&site.roots);
    folder_drop(site.data);
    return 0;
}

static inline uint16_t site_port(void)
{
    return (uint16_t)atoi(strrchr(vd_web_address(site.web), ':') + 1);
}

static inline int site_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(site_port())};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline bool say(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Until the server ends, the text has `until` (NULL: never), or the time is over. The caller frees. */
static inline char *hear(int fd, const char *until, double seconds, size_t *size, bool *ended)
{
    double end = vd_monotonic() + seconds;
    size_t room = 1 << 16;
    char *text = malloc(room);
    *size = 0;
    *ended = false;
    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        text[*size] = '\0';
        if ((until && strstr(text, until)) || vd_monotonic() >= end)
            return text;
        if (poll(&one, 1, (int)((end - vd_monotonic()) * 1000) + 1) <= 0)
            continue;
        if (room - *size < 1 << 15)
            text = realloc(text, room *= 2);
        assert_non_null(text);
        ssize_t got = recv(fd, text + *size, room - *size - 1, 0);
        *ended = got <= 0;
        if (got <= 0)
            return text;
        *size += (size_t)got;
    }
}

/* Takes the text of an answer apart. */
static inline struct reply reply_of(char *text, size_t size, bool ended)
{
    static struct reply last[8];
    static int turn;
    struct reply *reply = &last[turn = (turn + 1) % 4];
    char *body = strstr(text, "\r\n\r\n");
    free(reply->head);
    *reply = (struct reply){.head = text, .ended = ended};
    if (!strncmp(text, "HTTP/1.", 7))
        reply->code = atoi(text + 9);
    if (body) {
        *body = '\0';
        reply->body = body + 4;
        reply->size = size - (size_t)(reply->body - text);
    } else {
        reply->body = text + size;
    }
    return *reply;
}

/* The whole request, as it is; the server is to end the connection. */
static inline struct reply ask_raw(const char *request, size_t length)
{
    size_t size;
    bool ended;
    int fd = site_connect();
    say(fd, request, length); /* it may be refused before it is whole */
    char *text = hear(fd, NULL, 20, &size, &ended);
    close(fd);
    return reply_of(text, size, ended);
}

/* headers: lines, each with its end. body NULL: none. */
static inline struct reply ask(const char *method, const char *path, const char *headers, const char *body)
{
    char *text;
    bool own = headers && !strncmp(headers, "Host:", 5);
    char host[40], length[40] = "";
    snprintf(host, sizeof host, "Host: 127.0.0.1:%u\r\n", site_port());
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    int size = asprintf(&text, "%s %s HTTP/1.1\r\n%s%s%sConnection: close\r\n\r\n%s", method, path, own ? "" : host,
                        headers ? headers : "", length, body ? body : "");
    assert_true(size > 0);
    struct reply reply = ask_raw(text, (size_t)size);
    free(text);
    return reply;
}

static inline struct reply get(const char *path)
{
    return ask("GET", path, NULL, NULL);
}

/* The value of a header, cut off its line; NULL: there is none. Valid until the next call. */
static inline const char *header(const struct reply *reply, const char *name)
{
    static char value[1024];
    char wanted[80];
    snprintf(wanted, sizeof wanted, "\n%s: ", name);
    const char *found = strcasestr(reply->head, wanted);
    if (!found)
        return NULL;
    found += strlen(wanted);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(found, "\r\n"), found);
    return value;
}

#define assert_header(reply, name, value)                                                                              \
    do {                                                                                                               \
        const char *is_ = header(&(reply), name);                                                                      \
        assert_non_null(is_);                                                                                          \
        assert_string_equal(is_, value);                                                                               \
    } while (0)

#endif
