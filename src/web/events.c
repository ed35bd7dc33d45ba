/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Server-sent events: a stream for every page that is open, in its connection's thread. It ends with the page, with the
 * server, and with the right to look. A sign of life is sent now and then: what lies between does not take the silence for
 * the end, and the page takes a longer one for it.
 */
#include "vidriera/now.h"

#include "answers.h"
#include "routes.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double between_s = 1, silence_s = 15;

static const char sign[] = "event: alive\ndata:\n\n";

struct stream {
    struct vd_asked *asked;
    uint64_t since;
    bool looked;       /* at the board, once at least */
    double told, next; /* when something was sent last, and when news may be again */
    char *text;        /* on its way; NULL: nothing */
    size_t size, sent;
};

static bool is_over(const struct stream *stream)
{
    struct pollfd peer = {.fd = stream->asked->line->fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0 || vd_asked_hidden(stream->asked);
}

static int tell_board(struct stream *stream)
{
    json_t *look = vd_jobs_look(stream->asked, stream->since);
    char *text = look ? json_dumps(look, JSON_COMPACT) : NULL;
    stream->since = (uint64_t)json_integer_value(json_object_get(look, "version"));
    stream->looked = true;
    stream->next = vd_monotonic() + between_s;
    int size = text ? asprintf(&stream->text, "id: %llu\ndata: %s\n\n", (unsigned long long)stream->since, text) : -1;
    json_decref(look);
    free(text);
    if (size < 0) {
        stream->text = NULL;
        return -1;
    }
    stream->size = (size_t)size;
    return 0;
}

/* Waits for something to say. -1: it is over. */
static int fill(struct stream *stream)
{
    struct vd_web *web = stream->asked->web;
    stream->sent = 0;
    if (vd_lines_wait(&web->lines, stream->next))
        return -1;
    for (;;) {
        double began = vd_monotonic();
        if (is_over(stream))
            return -1;
        if (vd_board_await(web->setup.board, stream->since, stream->looked ? 1000 : 0) != stream->since ||
            !stream->looked)
            return tell_board(stream);
        if (vd_lines_wait(&web->lines, began + between_s))
            return -1;
        if (vd_monotonic() - stream->told >= silence_s) {
            stream->text = strdup(sign);
            stream->size = sizeof sign - 1;
            return stream->text ? 0 : -1;
        }
    }
}

static ssize_t read_stream(void *opaque, uint64_t position, char *buffer, size_t most)
{
    struct stream *stream = opaque;
    (void)position;
    vd_line_phase(&stream->asked->web->lines, stream->asked->line, VD_GOES_ON);
    if (!stream->text && fill(stream) < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t size = stream->size - stream->sent < most ? stream->size - stream->sent : most;
    memcpy(buffer, stream->text + stream->sent, size);
    stream->sent += size;
    if (stream->sent == stream->size) {
        free(stream->text);
        stream->text = NULL;
        stream->told = vd_monotonic();
    }
    return (ssize_t)size;
}

static void drop(void *opaque)
{
    struct stream *stream = opaque;
    free(stream->text);
    free(stream);
}

/* Where a page that lost us goes on. */
static bool read_since(const struct vd_asked *asked, uint64_t *since)
{
    const char *last = vd_asked_header(asked, "Last-Event-ID");
    return last && *last ? vd_number_parse(last, since) : vd_jobs_since(asked, since);
}

static struct MHD_Response *respond(struct vd_asked *asked, uint64_t since)
{
    static const char hello[] = "retry: 2000\n\n";
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct stream){.asked = asked, .since = since, .looked = since > 0, .text = strdup(hello)};
    stream->size = sizeof hello - 1;
    struct MHD_Response *response = stream->text ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 8192,
                                                                                     read_stream, stream, drop)
                                                 : NULL;
    if (!response)
        drop(stream);
    return response;
}

enum MHD_Result vd_answer_events(struct vd_asked *asked)
{
    uint64_t since;
    if (!read_since(asked, &since))
        return vd_answer_error(asked, MHD_HTTP_BAD_REQUEST, "since is no version; take the one of an earlier event");
    if (!asked->head && !vd_lines_enter(&asked->web->lines, VD_EVENTS))
        return vd_answer_error(asked, MHD_HTTP_SERVICE_UNAVAILABLE, "too many pages are open; close one");
    if (!asked->head)
        asked->entered = VD_EVENTS;
    struct MHD_Response *response = asked->head ? vd_response_static("", 0) : respond(asked, since);
    if (response)
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    return vd_answer(asked, MHD_HTTP_OK, response);
}
