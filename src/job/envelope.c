/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "envelope.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *at;
    size_t size;
};

/* The last of that name, as Kafka's own clients choose; empty when there is none. */
static struct text header(const struct vd_header *headers, int count, const char *name)
{
    for (int i = count - 1; i >= 0; i--)
        if (headers[i].value && !strcmp(headers[i].name, name))
            return (struct text){headers[i].value, headers[i].size};
    return (struct text){"", 0};
}

static bool is(struct text text, const char *word)
{
    return text.size == strlen(word) && !strncasecmp(text.at, word, text.size);
}

/* Without parameters and spaces around it. */
static struct text media_type(struct text content_type)
{
    struct text type = content_type;
    for (size_t i = 0; i < type.size; i++)
        if (type.at[i] == ';')
            type.size = i;
    for (; type.size && *type.at == ' '; type.size--)
        type.at++;
    while (type.size && type.at[type.size - 1] == ' ')
        type.size--;
    return type;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* W3C Trace Context, section 3.2: version-trace-parent-flags; neither trace nor parent is 0. */
static void take_traceparent(struct vd_envelope *envelope, struct text text)
{
    static const char shape[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    static const char zeros[] = "00000000000000000000000000000000";
    if (text.size != strlen(shape) || !memcmp(text.at, "ff", 2) || !memcmp(text.at + 3, zeros, 32) ||
        !memcmp(text.at + 36, zeros, 16))
        return;
    for (size_t i = 0; i < text.size; i++)
        if (shape[i] == '-' ? text.at[i] != '-' : !is_hex(text.at[i]))
            return;
    memcpy(envelope->traceparent, text.at, text.size);
    envelope->traceparent[text.size] = '\0';
}

/* Of objects and arrays; exact for what is JSON. */
static int depth_of(const char *text, size_t size)
{
    bool quoted = false;
    int depth = 0, deepest = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if (c == '{' || c == '[')
            deepest = ++depth > deepest ? depth : deepest;
        else if (c == '}' || c == ']')
            depth--;
    }
    return deepest;
}

static int parse(struct text value, int depth, json_t **object, struct vd_err *err)
{
    json_error_t why;
    if (!value.size)
        return vd_fail(err, VD_USAGE, "", "message: no data; send a job as JSON");
    if (value.size > VD_ORDER_BYTES)
        return vd_fail(err, VD_USAGE, "", "message: %zu bytes are too many; a job has %d at most", value.size,
                       VD_ORDER_BYTES);
    if (depth_of(value.at, value.size) > depth)
        return vd_fail(err, VD_USAGE, "", "message: nested too deep; a job has %d levels at most", VD_ORDER_DEPTH);
    errno = 0;
    *object = json_loadb(value.at, value.size, JSON_REJECT_DUPLICATES, &why);
    if (!*object && errno == ENOMEM)
        return vd_fail(err, VD_AGAIN, "", "message: no memory to read it; free some");
    if (!*object)
        return vd_fail(err, VD_USAGE, "", "message: line %d, column %d: %s; send one JSON object in UTF-8", why.line,
                       why.column, why.text);
    if (json_is_object(*object))
        return 0;
    json_decref(*object);
    *object = NULL;
    return vd_fail(err, VD_USAGE, "", "message: a list is no job; send one JSON object for each job");
}

static int check_version(struct text version, struct vd_err *err)
{
    if (is(version, "1.0"))
        return 0;
    return vd_fail(err, VD_USAGE, "", "message: CloudEvents specversion \"%.*s\" is not understood; send 1.0",
                   (int)(version.size < 20 ? version.size : 20), version.at);
}

static struct text attribute(const json_t *event, const char *name)
{
    const json_t *value = json_object_get(event, name);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)}
                                 : (struct text){"", 0};
}

/* Takes the event, leaves its data. */
static int unwrap(struct vd_envelope *envelope, json_t *event, struct vd_err *err)
{
    int ret = check_version(attribute(event, "specversion"), err);
    json_t *data = json_object_get(event, "data");
    if (!*envelope->traceparent)
        take_traceparent(envelope, attribute(event, "traceparent"));
    if (ret == 0 && json_object_get(event, "data_base64"))
        ret = vd_fail(err, VD_USAGE, "", "message: data_base64 is not JSON; send the job as \"data\"");
    else if (ret == 0 && !data)
        ret = vd_fail(err, VD_USAGE, "", "message: no data in the event; send the job as \"data\"");
    else if (ret == 0 && !json_is_object(data))
        ret = vd_fail(err, VD_USAGE, "", "message: the event's data is no JSON object; send the job as \"data\"");
    if (ret == 0)
        envelope->data = json_incref(data);
    json_decref(event);
    return ret;
}

int vd_envelope_open(struct vd_envelope *envelope, const void *value, size_t size, const struct vd_header *headers,
                     int count, struct vd_err *err)
{
    static const char events[] = "application/cloudevents";
    struct text type = media_type(header(headers, count, "content-type"));
    struct text version = header(headers, count, "ce_specversion");
    struct text text = {value, value ? size : 0};
    json_t *event = NULL;
    *envelope = (struct vd_envelope){0};
    take_traceparent(envelope, header(headers, count, "ce_traceparent"));
    take_traceparent(envelope, header(headers, count, "traceparent"));
    if (type.size < strlen(events) || strncasecmp(type.at, events, strlen(events)) != 0) {
        if (version.size && check_version(version, err) < 0)
            return -1;
        return parse(text, VD_ORDER_DEPTH, &envelope->data, err);
    }
    if (!is(type, "application/cloudevents") && !is(type, "application/cloudevents+json"))
        return vd_fail(err, VD_USAGE, "", "message: %.*s is not understood; send application/cloudevents+json",
                       (int)(type.size < 80 ? type.size : 80), type.at);
    if (parse(text, VD_ORDER_DEPTH + 1, &event, err) < 0)
        return -1;
    return unwrap(envelope, event, err);
}
