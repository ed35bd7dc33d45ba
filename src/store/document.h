/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Result documents as files: sidecars, and what the state folder remembers. Read back with doubt. */
#ifndef VIDRIERA_STORE_DOCUMENT_H
#define VIDRIERA_STORE_DOCUMENT_H

#include "vidriera/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* As it is written: indented, with a line's end; the caller frees. NULL: no memory. */
char *vd_document_text(const json_t *document, size_t *size);

/*
 * 1: *document is new. 0: there is none, or what there is cannot be one (too large, no JSON object …), which is warned
 * of when where (how the words call the folder) is not NULL. -1: VD_IO.
 */
int vd_document_read(int dir, const char *name, const char *where, json_t **document, struct vd_err *err);

/* A text of the document or of an object in it (NULL: of itself); "" when there is none. */
const char *vd_document_word(const json_t *document, const char *object, const char *member);

#endif
