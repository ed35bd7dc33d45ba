/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How answers leave: counted, and with the headers that every one has. All return what the handler returns. */
#ifndef VIDRIERA_WEB_ANSWERS_H
#define VIDRIERA_WEB_ANSWERS_H

#include "server.h"

#include <jansson.h>

/* Takes the response; NULL: no memory for it, the connection ends. */
enum MHD_Result vd_answer(struct vd_asked *asked, unsigned code, struct MHD_Response *response);

/* Copies. */
enum MHD_Result vd_answer_text(struct vd_asked *asked, unsigned code, const char *text);

/* Takes the text; NULL: no memory. */
enum MHD_Result vd_answer_made(struct vd_asked *asked, unsigned code, char *text, const char *type);

/* Takes the document; NULL: no memory. */
enum MHD_Result vd_answer_json(struct vd_asked *asked, unsigned code, json_t *document);

/* {"error": words} */
enum MHD_Result vd_answer_error(struct vd_asked *asked, unsigned code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The text is the caller's, and lives as long as the program. */
struct MHD_Response *vd_response_static(const char *text, size_t size);

#endif
