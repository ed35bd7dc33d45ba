/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include "vidriera/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 16, NAME_MAX_BYTES = 32, SHOWN = 64 };

static void show(const json_t *value, char text[SHOWN])
{
    char *dump = NULL;
    if (!json_is_object(value) && !json_is_array(value))
        dump = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    snprintf(text, SHOWN, "%s",
             json_is_object(value)  ? "an object"
             : json_is_array(value) ? "a list"
             : dump                 ? dump
                                    : "?");
    free(dump);
}

static int refuse(const char *name, const json_t *value, const char *wanted, struct vd_err *err)
{
    char shown[SHOWN];
    show(value, shown);
    return vd_fail(err, VD_USAGE, "", "%s: %s does not fit; give %s", name, shown, wanted);
}

/* "a, b or c" */
static void list(const char *const *names, int count, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", !i ? "" : i < count - 1 ? ", " : " or ", names[i]);
}

static int refuse_unknown(const char *where, const char *name, const struct vd_field *fields, struct vd_err *err)
{
    const char *names[FIELDS_MAX], *near = NULL;
    char known[VD_WANTED];
    int count = 0;
    for (; fields[count].name && count < FIELDS_MAX; count++)
        names[count] = fields[count].name;
    if (strlen(name) < NAME_MAX_BYTES)
        near = vd_nearest(name, names, count);
    list(names, count, known, sizeof known);
    if (near)
        return vd_fail(err, VD_USAGE, "", "%s: unknown field \"%s\"; did you mean \"%s\"?", *where ? where : "job",
                       name, near);
    return vd_fail(err, VD_USAGE, "", "%s: unknown field \"%.60s\"; take %s, or a name that begins with x-",
                   *where ? where : "job", name, known);
}

static int take(const struct vd_field *field, const char *name, const json_t *value, void *to, struct vd_err *err)
{
    char wanted[VD_WANTED] = "";
    if (field->take)
        return field->take(value, to, wanted) < 0 ? refuse(name, value, wanted, err) : 0;
    if (!json_is_object(value))
        return refuse(name, value, field->missing ? field->missing : "an object", err);
    return vd_fields_take(value, name, field->fields, to, err);
}

static void full_name(const char *where, const char *name, char text[2 * NAME_MAX_BYTES])
{
    snprintf(text, 2 * (size_t)NAME_MAX_BYTES, "%s%s%s", where, *where ? "." : "", name);
}

int vd_fields_take(const json_t *object, const char *where, const struct vd_field *fields, void *to, struct vd_err *err)
{
    const char *key;
    json_t *value;
    char name[2 * NAME_MAX_BYTES];
    int ret = 0;
    json_object_foreach ((json_t *)object, key, value) {
        const struct vd_field *field = fields;
        while (field->name && strcmp(field->name, key) != 0)
            field++;
        full_name(where, field->name ? field->name : "", name);
        if (field->name)
            ret = take(field, name, value, to, ret ? NULL : err) < 0 ? -1 : ret;
        else if (strncmp(key, "x-", 2) != 0)
            ret = refuse_unknown(where, key, fields, ret ? NULL : err);
    }
    for (const struct vd_field *field = fields; field->name; field++)
        if (field->missing && !json_object_get(object, field->name)) {
            full_name(where, field->name, name);
            ret = vd_fail(ret ? NULL : err, VD_USAGE, "", "%s: missing; give %s", name, field->missing);
        }
    return ret;
}
