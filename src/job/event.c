/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/result.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A broker takes a megabyte; there are headers, and the batch's own. */
enum { EVENT_BYTES = 512 * 1024, LIST_BYTES = 64 * 1024 };

/* The first items that fit into LIST_BYTES; *left: how many do not. New. */
static json_t *shorten(const json_t *list, size_t *left)
{
    json_t *kept = json_array(), *item;
    size_t i, used = 0;
    json_array_foreach (list, i, item) {
        used += json_dumpb(item, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) + 1;
        if (used > LIST_BYTES)
            break;
        json_array_append(kept, item);
    }
    *left = json_array_size(list) - i;
    return kept;
}

/* Adds to the warnings, of which the document may be one of several owners: as a copy. */
static void warn(json_t *event, json_t *warning)
{
    const json_t *warnings = json_object_get(event, "warnings");
    json_t *mine = warnings ? json_copy((json_t *)warnings) : json_array();
    json_array_append_new(mine, warning);
    json_object_set_new(event, "warnings", mine);
}

static void cut_lists(json_t *event)
{
    static const char *const names[] = {"warnings", "dropped"};
    size_t left[2] = {0};
    for (int i = 0; i < 2; i++)
        if (json_object_get(event, names[i]))
            json_object_set_new(event, names[i], shorten(json_object_get(event, names[i]), &left[i]));
    for (int i = 0; i < 2; i++)
        if (left[i] > 0)
            warn(event, json_sprintf("%s: the last %zu are left out, the event would be too large", names[i], left[i]));
}

/* The copy that is sent: without what only a replay needs, and without what makes it too large. NULL: no memory. */
static json_t *cut(const json_t *document, bool meta, bool lists)
{
    json_t *event = json_object();
    if (json_object_update(event, (json_t *)document) < 0) {
        json_decref(event);
        return NULL;
    }
    json_object_del(event, "replay");
    if (lists)
        cut_lists(event);
    if (meta && json_object_size(json_object_get(event, "meta")) > 0) {
        json_object_set_new(event, "meta", json_object());
        warn(event, json_string("meta is left out, the event would be too large"));
    }
    return event;
}

char *vd_result_event(const json_t *document)
{
    char *text = NULL;
    for (int cuts = 0; cuts <= 2; cuts++) {
        json_t *event = cut(document, cuts >= 1, cuts >= 2);
        free(text);
        text = json_dumps(event, JSON_COMPACT);
        json_decref(event);
        if (!text || strlen(text) <= EVENT_BYTES)
            break;
    }
    return text;
}
