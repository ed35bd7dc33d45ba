/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/now.h"

#include "answers.h"
#include "listen.h"
#include "routes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY = 16 * 1024, STACK = 512 * 1024, STOP_MS = 8000 /* a change may wait five seconds for the broker */ };

const char *vd_asked_header(const struct vd_asked *asked, const char *name)
{
    return MHD_lookup_connection_value(asked->connection, MHD_HEADER_KIND, name);
}

const char *vd_asked_argument(const struct vd_asked *asked, const char *name)
{
    return MHD_lookup_connection_value(asked->connection, MHD_GET_ARGUMENT_KIND, name);
}

enum vd_who vd_asked_who(const struct vd_asked *asked)
{
    struct vd_guard *guard = &asked->web->guard;
    const char *cookie = MHD_lookup_connection_value(asked->connection, MHD_COOKIE_KIND, guard->cookie);
    return vd_guard_who(guard, vd_asked_header(asked, "Authorization"), cookie, vd_monotonic());
}

/* A proxy on this machine has taken it from somebody, and says so. */
static bool is_passed_on(const struct vd_asked *asked)
{
    return vd_asked_header(asked, "X-Forwarded-For") || vd_asked_header(asked, "Forwarded") ||
           vd_asked_header(asked, "X-Real-IP") || vd_asked_header(asked, "Via");
}

bool vd_asked_hidden(const struct vd_asked *asked)
{
    enum vd_who who = asked->web->beyond || is_passed_on(asked) ? vd_asked_who(asked) : VD_BEARER;
    return who != VD_BEARER && who != VD_VISITOR;
}

/* --- a request */

/* Has it a body that is not waited for? 0, or the answer. */
static unsigned check_body(const struct vd_asked *asked)
{
    const char *length = vd_asked_header(asked, "Content-Length");
    uint64_t size = 0;
    if (vd_asked_header(asked, "Transfer-Encoding"))
        return MHD_HTTP_LENGTH_REQUIRED;
    if (length && (!vd_number_parse(length, &size) || size > VD_BODY))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static bool is_ours(const struct vd_asked *asked)
{
    const char *host = vd_asked_header(asked, "Host");
    bool machine = asked->route && (asked->route->right == VD_MACHINES || asked->route->right == VD_SCRAPERS);
    return host || !machine ? vd_guard_host(&asked->web->guard, host) : true; /* probes of HTTP/1.0 send none */
}

static enum MHD_Result answer_wrong_method(struct vd_asked *asked)
{
    struct MHD_Response *response = vd_response_static("", 0);
    if (response)
        MHD_add_response_header(response, "Allow", asked->route->post ? "POST" : "GET, HEAD");
    return vd_answer(asked, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

static enum MHD_Result answer(struct vd_asked *asked)
{
    unsigned wrong = vd_route_find(asked);
    if (!is_ours(asked))
        return vd_answer_error(asked, MHD_HTTP_MISDIRECTED_REQUEST,
                               "this server is not known by that name; if it is right, add it to http.allowed_hosts");
    if (wrong == MHD_HTTP_NOT_FOUND)
        return vd_answer_error(asked, wrong, "there is no such thing here");
    if (wrong)
        return answer_wrong_method(asked);
    return vd_route_answer(asked);
}

static struct vd_asked *begin(struct vd_web *web, struct MHD_Connection *connection, const char *path,
                              const char *method)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct vd_asked *asked = calloc(1, sizeof *asked);
    if (!asked || !info || !info->socket_context) {
        free(asked);
        return NULL;
    }
    asked->web = web;
    asked->line = info->socket_context;
    asked->connection = connection;
    asked->path = path;
    asked->head = !strcmp(method, MHD_HTTP_METHOD_HEAD);
    asked->post = !asked->head && strcmp(method, MHD_HTTP_METHOD_GET) != 0;
    asked->entered = -1;
    asked->who = vd_asked_who(asked);
    return asked;
}

static enum MHD_Result handle(void *opaque, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **request)
{
    struct vd_asked *asked = *request;
    (void)version;
    if (!asked) {
        asked = *request = begin(opaque, connection, path, method);
        if (!asked)
            return MHD_NO;
        unsigned wrong = check_body(asked);
        return wrong ? vd_answer_error(asked, wrong, "a body has %d bytes at most here, and tells its length", VD_BODY)
                     : MHD_YES;
    }
    if (*size > VD_BODY - asked->size)
        return MHD_NO;
    if (*size) {
        memcpy(asked->body + asked->size, data, *size);
        asked->size += *size;
        *size = 0;
        return MHD_YES;
    }
    vd_line_phase(&asked->web->lines, asked->line, VD_ANSWERED);
    return answer(asked);
}

static void end_request(void *opaque, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how)
{
    struct vd_web *web = opaque;
    struct vd_asked *asked = *request;
    (void)connection, (void)how;
    if (!asked)
        return;
    if (asked->entered >= 0)
        vd_lines_leave(&web->lines, (enum vd_long)asked->entered);
    vd_line_phase(&web->lines, asked->line, VD_ASKS);
    free(asked);
    *request = NULL;
}

static void notice(void *opaque, struct MHD_Connection *connection, void **line,
                   enum MHD_ConnectionNotificationCode what)
{
    struct vd_web *web = opaque;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*line)
            vd_lines_remove(&web->lines, *line);
        *line = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *line = info ? vd_lines_add(&web->lines, info->connect_fd) : NULL;
}

static void say(void *opaque, const char *fmt, va_list args)
{
    char text[400];
    (void)opaque;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    vd_log(VD_LOG_DEBUG, "http: %s", text);
}

/* --- the server */

static int check_setup(const struct vd_web *web, struct vd_err *err)
{
    if (web->guard.token)
        return 0;
    if (web->beyond && web->setup.allowed_hosts && *web->setup.allowed_hosts)
        return vd_fail(err, VD_CONFIG, "http",
                       "http.allowed_hosts: who has a name for this server comes from other machines, and there is no "
                       "token; set http.token_file, or leave the names out");
    if (web->beyond)
        return vd_fail(err, VD_CONFIG, "http",
                       "http.listen: %s can be reached from other machines, and there is no token; set "
                       "http.token_file, or listen on 127.0.0.1",
                       web->setup.listen);
    if (web->setup.metrics_auth)
        return vd_fail(err, VD_CONFIG, "http",
                       "http.metrics_auth wants a token, and there is none; set http.token_file");
    return 0;
}

static int set_up(struct vd_web *web, struct sockaddr_storage *address, socklen_t *size, struct vd_err *err)
{
    const struct vd_web_setup *setup = &web->setup;
    char *token = NULL;
    *size = vd_listen_parse(setup->listen, address);
    if (!*size)
        return vd_fail(err, VD_CONFIG, "http",
                       "http.listen: %s is no address; write it as 127.0.0.1:8870 or [::1]:8870", setup->listen);
    if (setup->token_file && !(token = vd_web_token(setup->token_file, err)))
        return -1;
    bool named = setup->allowed_hosts && *setup->allowed_hosts; /* something before it passes others' requests on */
    web->beyond = named || !vd_is_loopback(address);
    vd_guard_finish(&web->guard);
    int ret = vd_guard_init(&web->guard, token, setup->allowed_hosts);
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
    return ret < 0 ? vd_fail(err, VD_AGAIN, "http", "no memory for the server") : check_setup(web, err);
}

static bool take_in(void *opaque, int fd)
{
    struct vd_web *web = opaque;
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    if (getpeername(fd, (struct sockaddr *)&from, &size) == 0)
        return MHD_add_connection(web->daemon, fd, (const struct sockaddr *)&from, size) == MHD_YES;
    close(fd); /* gone already */
    return false;
}

static int start_threads(struct vd_web *web)
{
    /* the library must never come to its own limit: 0.9.75 forgets to unlock there, and stands still */
    web->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
                                       MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
                                   0, NULL, NULL, handle, web, MHD_OPTION_EXTERNAL_LOGGER, say, NULL,
                                   MHD_OPTION_CONNECTION_LIMIT, 2U * VD_LINES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                   (size_t)MEMORY, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK,
                                   MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, end_request, web,
                                   MHD_OPTION_NOTIFY_CONNECTION, notice, web, MHD_OPTION_END);
    if (!web->daemon)
        return -1;
    if (vd_lines_start(&web->lines, take_in, web) == 0)
        return 0;
    MHD_stop_daemon(web->daemon);
    return -1;
}

/* Takes the listening descriptor. */
static int start_serving(struct vd_web *web, int fd, struct vd_err *err)
{
    sigset_t all, before;
    if (vd_lines_init(&web->lines, fd) < 0)
        return vd_fail(err, VD_AGAIN, "http", "the HTTP server does not start: %s; try again", strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int ret = start_threads(web), cause = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ret == 0)
        return 0;
    vd_lines_finish(&web->lines);
    return vd_fail(err, VD_AGAIN, "http", "the HTTP server does not start: %s; are there too many threads?",
                   strerror(cause));
}

static int start(struct vd_web *web, struct vd_err *err)
{
    struct sockaddr_storage address;
    socklen_t size;
    uint16_t port;
    if (set_up(web, &address, &size, err) < 0)
        return -1;
    int fd = vd_listen(web, &address, size, &port, err);
    if (fd < 0 && errno == EADDRINUSE && web->setup.by_default) {
        vd_log(VD_LOG_WARNING,
               "http: %s is taken by another program: there is no page and no health here; set http.listen to another "
               "port",
               web->address);
        return 1;
    }
    if (fd < 0)
        return -1;
    snprintf(web->guard.cookie, sizeof web->guard.cookie, "vidriera_%u", port);
    return start_serving(web, fd, err);
}

int vd_web_start(struct vd_web **out, const struct vd_web_setup *setup, struct vd_err *err)
{
    struct vd_web *web = calloc(1, sizeof *web);
    *out = NULL;
    if (!web || vd_guard_init(&web->guard, NULL, NULL) < 0) {
        free(web);
        return vd_fail(err, VD_AGAIN, "http", "no memory for the server");
    }
    web->setup = *setup;
    int ret = start(web, err);
    web->setup.listen = web->setup.token_file = web->setup.allowed_hosts = NULL;
    if (ret == 0) {
        *out = web;
        return 0;
    }
    vd_guard_finish(&web->guard);
    free(web);
    return ret < 0 ? -1 : 0;
}

const char *vd_web_address(const struct vd_web *web)
{
    return web->address;
}

/* Joins the threads of all connections. */
static void *stop_daemon(void *daemon)
{
    MHD_stop_daemon(daemon);
    return NULL;
}

bool vd_web_stop(struct vd_web *web)
{
    pthread_t thread;
    if (!web)
        return true;
    vd_lines_stop(&web->lines);
    vd_board_wake(web->setup.board);
    if (pthread_create(&thread, NULL, stop_daemon, web->daemon) != 0) {
        stop_daemon(web->daemon);
    } else if (!vd_join_for(thread, STOP_MS)) {
        pthread_detach(thread);
        vd_log(VD_LOG_WARNING, "http: a folder does not answer while a recording is read; the reader is left alone");
        return false;
    }
    vd_lines_finish(&web->lines);
    vd_guard_finish(&web->guard);
    free(web);
    return true;
}
