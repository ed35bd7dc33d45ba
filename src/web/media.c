/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two recordings of a job, whole or in part, with an opening of their own for each answer. */
#include "vidriera/original.h"

#include "answers.h"
#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, TAG = 48 };

struct reading {
    struct vd_asked *asked;
    int fd;
    uint64_t from;
};

static ssize_t read_media(void *opaque, uint64_t position, char *buffer, size_t most)
{
    struct reading *reading = opaque;
    vd_line_phase(&reading->asked->web->lines, reading->asked->line, VD_GOES_ON);
    ssize_t got;
    do
        got = pread(reading->fd, buffer, most, (off_t)(reading->from + position));
    while (got < 0 && errno == EINTR);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR; /* it got shorter meanwhile */
}

static void drop(void *opaque)
{
    struct reading *reading = opaque;
    close(reading->fd);
    free(reading);
}

/* Takes fd. */
static struct MHD_Response *respond(struct vd_asked *asked, int fd, const struct vd_span *span)
{
    struct reading *reading = malloc(sizeof *reading);
    if (!reading) {
        close(fd);
        return NULL;
    }
    *reading = (struct reading){asked, fd, span->from};
    struct MHD_Response *response = MHD_create_response_from_callback(span->size, BLOCK, read_media, reading, drop);
    if (!response)
        drop(reading);
    return response;
}

/* A range holds for the file that the reader knows, and for GET alone (RFC 9110, 14.2). */
static const char *wanted_range(const struct vd_asked *asked, const char *tag)
{
    const char *known = vd_asked_header(asked, "If-Range");
    return asked->head || (known && strcmp(known, tag)) ? NULL : vd_asked_header(asked, "Range");
}

static enum MHD_Result answer_outside(struct vd_asked *asked, int fd, uint64_t size)
{
    char range[64];
    close(fd);
    snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)size);
    struct MHD_Response *response = vd_response_static("", 0);
    if (response)
        MHD_add_response_header(response, "Content-Range", range);
    return vd_answer(asked, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
}

/* Takes fd. */
static enum MHD_Result answer_file(struct vd_asked *asked, int fd, const struct stat *st, const char *type)
{
    char tag[TAG], range[96];
    struct vd_span span;
    uint64_t size = (uint64_t)st->st_size;
    snprintf(tag, sizeof tag, "\"%llx-%llx\"", (unsigned long long)size,
             (unsigned long long)st->st_mtim.tv_sec * 1000000000 + (unsigned long long)st->st_mtim.tv_nsec);
    enum vd_range part = vd_range_parse(wanted_range(asked, tag), size, &span);
    if (part == VD_RANGE_OUTSIDE)
        return answer_outside(asked, fd, size);
    struct MHD_Response *response = respond(asked, fd, &span);
    if (!response)
        return MHD_NO;
    snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)span.from,
             (unsigned long long)(span.from + span.size - 1), (unsigned long long)size);
    if (part == VD_RANGE_PART)
        MHD_add_response_header(response, "Content-Range", range);
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Accept-Ranges", "bytes");
    MHD_add_response_header(response, "ETag", tag);
    return vd_answer(asked, part == VD_RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}

static const char *word(const json_t *document, const char *object, const char *member)
{
    const char *text = json_string_value(json_object_get(json_object_get(document, object), member));
    return text ? text : "";
}

static int open_result(const struct vd_roots *roots, const json_t *document, struct stat *st, struct vd_err *err)
{
    const json_t *bytes = json_object_get(json_object_get(document, "output"), "bytes");
    const char *path = word(document, "output", "path");
    if (strcmp(word(document, "output", "root"), vd_root_name(VD_PROCESSED)) || !*path)
        return vd_fail(err, VD_NO_INPUT, "open", "this job has no result");
    int fd = vd_root_input(roots, VD_PROCESSED, path, st, err);
    if (fd < 0 || (json_is_integer(bytes) && json_integer_value(bytes) == st->st_size))
        return fd;
    close(fd);
    return vd_fail(err, VD_NO_INPUT, "open", "another file has taken the result's name");
}

static enum MHD_Result answer_media(struct vd_asked *asked, bool original)
{
    const struct vd_web_setup *setup = &asked->web->setup;
    struct vd_err err = {0};
    struct stat st;
    int fd = -1;
    if (!setup->media || !setup->roots)
        return vd_answer_error(asked, MHD_HTTP_NOT_FOUND,
                               "recordings are not shown here; http.media = yes lets them be");
    json_t *document = vd_board_find(setup->board, asked->job);
    const char *type = vd_media_type(word(document, original ? "input" : "output", "path"));
    if (type && vd_lines_enter(&asked->web->lines, VD_MEDIA))
        asked->entered = VD_MEDIA;
    else if (type) {
        json_decref(document);
        return vd_answer_error(asked, MHD_HTTP_SERVICE_UNAVAILABLE, "too many recordings are open; close some");
    }
    if (type)
        fd = (original ? vd_original_open : open_result)(setup->roots, document, &st, &err);
    json_decref(document);
    if (fd >= 0)
        return answer_file(asked, fd, &st, type);
    if (err.code == VD_IO)
        return vd_answer_error(asked, MHD_HTTP_SERVICE_UNAVAILABLE, "the folder of this recording cannot be read now");
    return vd_answer_error(asked, MHD_HTTP_NOT_FOUND, "this recording is not there any more, or never was");
}

enum MHD_Result vd_answer_original(struct vd_asked *asked)
{
    return answer_media(asked, true);
}

enum MHD_Result vd_answer_result(struct vd_asked *asked)
{
    return answer_media(asked, false);
}
