/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "document.h"

#include "vidriera/log.h"

#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_BYTES = 1 << 20 };

char *vd_document_text(const json_t *document, size_t *size)
{
    char *text = json_dumps(document, JSON_INDENT(2)), *whole = NULL;
    if (text) {
        *size = strlen(text) + 1;
        whole = realloc(text, *size + 1);
    }
    if (!whole) {
        free(text);
        return NULL;
    }
    memcpy(whole + *size - 1, "\n", 2);
    return whole;
}

int vd_document_read(int dir, const char *name, const char *where, json_t **document, struct vd_err *err)
{
    json_error_t why;
    size_t size;
    char *text = vd_file_read(dir, name, DOCUMENT_BYTES, &size);
    *document = NULL;
    if (!text && !vd_file_unusable(errno))
        return vd_fail(err, VD_IO, "open", "%s/%s: cannot be read: %s; check the disk", where ? where : ".", name,
                       strerror(errno));
    if (!text) {
        if (where && errno != ENOENT)
            vd_log(VD_LOG_WARNING, "%s/%s is no result: %s; taken as not there", where, name, strerror(errno));
        return 0;
    }
    *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (json_is_object(*document))
        return 1;
    if (where)
        vd_log(VD_LOG_WARNING, "%s/%s is no result: %s; taken as not there", where, name,
               *document ? "not an object" : why.text);
    json_decref(*document);
    *document = NULL;
    return 0;
}

const char *vd_document_word(const json_t *document, const char *object, const char *member)
{
    const char *word = json_string_value(
        json_object_get(object ? json_object_get(document, object) : document, member));
    return word ? word : "";
}
