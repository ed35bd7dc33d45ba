/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answers.h"

#include "vidriera/err.h"
#include "vidriera/metrics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *value;
} always[] = {
    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                                "media-src 'self'; connect-src 'self'; "
                                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

enum MHD_Result vd_answer(struct vd_asked *asked, unsigned code, struct MHD_Response *response)
{
    const char *class[] = {"2xx", "3xx", "4xx", "5xx"};
    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        MHD_add_response_header(response, always[i].name, always[i].value);
    if (!MHD_get_response_header(response, "Cache-Control"))
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (code == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    vd_metric_add(VD_METRIC_HTTP_REQUESTS, 1, class[code / 100 - 2], NULL);
    enum MHD_Result ret = MHD_queue_response(asked->connection, code, response);
    MHD_destroy_response(response);
    return ret;
}

enum MHD_Result vd_answer_text(struct vd_asked *asked, unsigned code, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response)
        MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
    return vd_answer(asked, code, response);
}

enum MHD_Result vd_answer_made(struct vd_asked *asked, unsigned code, char *text, const char *type)
{
    if (!text)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(strlen(text), text, free);
    if (!response)
        free(text);
    else
        MHD_add_response_header(response, "Content-Type", type);
    return vd_answer(asked, code, response);
}

enum MHD_Result vd_answer_json(struct vd_asked *asked, unsigned code, json_t *document)
{
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return vd_answer_made(asked, code, text, "application/json");
}

enum MHD_Result vd_answer_error(struct vd_asked *asked, unsigned code, const char *fmt, ...)
{
    struct vd_err words;
    va_list args;
    va_start(args, fmt);
    vsnprintf(words.text, sizeof words.text, fmt, args);
    va_end(args);
    return vd_answer_json(asked, code, json_pack("{s:s}", "error", words.text));
}

struct MHD_Response *vd_response_static(const char *text, size_t size)
{
    return MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_PERSISTENT);
}
