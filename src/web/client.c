/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Just enough of a client to ask a vidriera how it is: HTTP/1.0, so that an answer ends where the connection does. */
#include "vidriera/now.h"
#include "vidriera/web.h"

#include "parse.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY = 16 << 20, HEAD = 32 * 1024, STEP = 64 * 1024 };

struct client {
    const char *address;
    double until;
    int fd;
    char *text; /* the answer, a 0 behind it */
    size_t size, room;
    struct vd_err *err;
};

static int fail(const struct client *client, const char *why)
{
    return vd_fail(client->err, VD_UNAVAILABLE, "http", "%s: %s; is vidriera running, and is this its http.listen?",
                   client->address, why);
}

static int await(const struct client *client, short events)
{
    struct pollfd one = {.fd = client->fd, .events = events};
    for (;;) {
        double left = client->until - vd_monotonic();
        int ready = left > 0 ? poll(&one, 1, (int)(left * 1000) + 1) : 0;
        if (ready > 0)
            return 0;
        if (ready == 0)
            return fail(client, "no answer within the time");
        if (errno != EINTR)
            return fail(client, strerror(errno));
    }
}

/* What is bound to all addresses is asked on this machine. */
static const char *where(const struct vd_host *host, bool six)
{
    if (!strcmp(host->name, "0.0.0.0"))
        return "127.0.0.1";
    return six && !strcmp(host->name, "::") ? "::1" : host->name;
}

static int try_connect(struct client *client, const struct addrinfo *to)
{
    int cause = 0;
    socklen_t size = sizeof cause;
    client->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        return fail(client, strerror(errno));
    if (connect(client->fd, to->ai_addr, to->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return fail(client, strerror(errno));
    if (await(client, POLLOUT) < 0)
        return -1;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &cause, &size) == 0 && !cause)
        return 0;
    return fail(client, strerror(cause ? cause : errno));
}

static int go_there(struct client *client)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct vd_host host;
    if (!vd_host_parse(client->address, &host) || !host.port[0])
        return vd_fail(client->err, VD_CONFIG, "http", "%s is no address; write it as 127.0.0.1:8870", client->address);
    int wrong = getaddrinfo(where(&host, client->address[0] == '['), host.port, &hints, &list);
    if (wrong)
        return fail(client, gai_strerror(wrong));
    int ret = -1;
    for (const struct addrinfo *to = list; to && ret < 0; to = to->ai_next) {
        if (client->fd >= 0)
            close(client->fd);
        ret = try_connect(client, to);
    }
    freeaddrinfo(list);
    return ret;
}

static int send_all(struct client *client, const char *text, size_t size)
{
    while (size) {
        ssize_t sent = send(client->fd, text, size, MSG_NOSIGNAL);
        if (sent >= 0) {
            text += sent;
            size -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (await(client, POLLOUT) < 0)
                return -1;
        } else if (errno != EINTR) {
            return fail(client, strerror(errno));
        }
    }
    return 0;
}

static int ask(struct client *client, const char *path, const char *token)
{
    char *text;
    int size = asprintf(&text, "GET %s HTTP/1.0\r\nHost: %s\r\n%s%s%s\r\n", path, client->address,
                        token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    if (size < 0)
        return vd_fail(client->err, VD_AGAIN, "http", "no memory for a request");
    int ret = send_all(client, text, (size_t)size);
    explicit_bzero(text, (size_t)size);
    free(text);
    return ret;
}

static int grow(struct client *client)
{
    char *text = realloc(client->text, client->room + STEP);
    if (!text)
        return vd_fail(client->err, VD_AGAIN, "http", "no memory for an answer");
    client->room += STEP;
    client->text = text;
    return 0;
}

static int read_all(struct client *client)
{
    while (client->size + 1 < client->room || grow(client) == 0) {
        ssize_t got = recv(client->fd, client->text + client->size, client->room - client->size - 1, 0);
        client->size += got > 0 ? (size_t)got : 0;
        client->text[client->size] = '\0';
        if (got == 0)
            return 0;
        if (client->size > BODY + HEAD)
            return fail(client, "the answer is too long");
        if (got < 0 && errno == EAGAIN && await(client, POLLIN) < 0)
            return -1;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return fail(client, strerror(errno));
    }
    return -1;
}

/* Leaves the body alone in the text. Returns the code. */
static int take_apart(struct client *client)
{
    uint64_t length;
    char *body = strstr(client->text, "\r\n\r\n");
    int code = 0;
    if (!body || strncmp(client->text, "HTTP/1.", 7) || strlen(client->text) < 12)
        return fail(client, "what answers is no vidriera");
    for (int i = 9; i < 12; i++)
        code = code * 10 + (client->text[i] - '0');
    if (code < 100 || code > 599)
        return fail(client, "what answers is no vidriera");
    body += 4;
    size_t size = client->size - (size_t)(body - client->text);
    char *field = strcasestr(client->text, "\r\nContent-Length:");
    if (field && field < body) {
        field += 17;
        field += strspn(field, " ");
        field[strspn(field, "0123456789")] = '\0';
        if (!vd_number_parse(field, &length) || length != size)
            return fail(client, "the answer was cut off");
    }
    memmove(client->text, body, size + 1);
    return code;
}

int vd_web_get(const char *address, const char *path, const char *token, int timeout_ms, char **body,
               struct vd_err *err)
{
    struct client client = {.address = address,
                            .until = vd_monotonic() + timeout_ms / 1000.0,
                            .fd = -1,
                            .text = malloc(STEP),
                            .room = STEP,
                            .err = err};
    int code = -1;
    *body = NULL;
    if (!client.text)
        return vd_fail(err, VD_AGAIN, "http", "no memory for an answer");
    if (go_there(&client) == 0 && ask(&client, path, token) == 0 && read_all(&client) == 0)
        code = take_apart(&client);
    if (client.fd >= 0)
        close(client.fd);
    if (code < 0)
        free(client.text);
    else
        *body = client.text;
    return code;
}
