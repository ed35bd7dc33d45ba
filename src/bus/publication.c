/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publication.h"

#include "vidriera/log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM_FOR_HEADERS = 64 * 1024, DEFAULT_LIMIT = 1000000 };

static void *copy(const void *data, size_t size)
{
    char *to = malloc(size + 1);
    if (to) {
        if (size)
            memcpy(to, data, size);
        to[size] = '\0';
    }
    return to;
}

static bool set_key(struct vd_record *record, const void *key, size_t size)
{
    record->wanted = true;
    record->key_size = size;
    return !key || (record->key = copy(key, size));
}

static bool set_value(struct vd_record *record, const void *value, size_t size)
{
    record->value_size = record->original_size = size;
    return !value || (record->value = copy(value, size));
}

static bool keep_original(struct vd_record *record, const struct vd_message *message)
{
    record->headers = rd_kafka_headers_new((size_t)message->header_count + 16);
    for (int i = 0; i < message->header_count; i++) {
        const struct vd_header *header = &message->headers[i];
        rd_kafka_header_add(record->headers, header->name, -1, header->value, (ssize_t)header->size);
    }
    return set_key(record, message->key, message->key_size) && set_value(record, message->value, message->value_size);
}

/* RFC 3339, UTC. */
static void stamp(char *text, size_t size)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
}

static bool fill(struct vd_publication *publication, const struct vd_publication_setup *setup)
{
    struct vd_record *records = publication->records;
    stamp(publication->time, sizeof publication->time);
    publication->job = strdup(setup->job);
    publication->status = strdup(setup->status ? setup->status : "");
    publication->traceparent = strdup(setup->traceparent ? setup->traceparent : "");
    if (!publication->job || !publication->status || !publication->traceparent)
        return false;
    size_t key = strlen(setup->job);
    if (setup->result && (!set_key(&records[VD_RECORD_RESULT], setup->job, key) ||
                          !set_value(&records[VD_RECORD_RESULT], setup->result, strlen(setup->result))))
        return false;
    if (setup->clear_control && !set_key(&records[VD_RECORD_TOMBSTONE], setup->job, key))
        return false;
    if (!setup->dead_letter)
        return true;
    publication->reason = *setup->dead_letter;
    return keep_original(&records[VD_RECORD_DEAD_LETTER], setup->message);
}

struct vd_publication *vd_publication_create(const struct vd_publication_setup *setup)
{
    struct vd_publication *publication = calloc(1, sizeof *publication);
    if (!publication)
        return NULL;
    publication->partition = setup->message->partition;
    publication->offset = setup->message->offset;
    publication->epoch = setup->message->epoch;
    publication->attempt = setup->attempt;
    publication->opaque = setup->opaque;
    if (fill(publication, setup))
        return publication;
    vd_publication_free(publication);
    return NULL;
}

void *vd_publication_opaque(const struct vd_publication *publication)
{
    return publication->opaque;
}

void vd_publication_free(struct vd_publication *publication)
{
    if (!publication)
        return;
    for (int i = 0; i < VD_RECORDS; i++) {
        struct vd_record *record = &publication->records[i];
        free(record->key);
        free(record->value);
        if (record->headers)
            rd_kafka_headers_destroy(record->headers);
    }
    free(publication->job);
    free(publication->status);
    free(publication->traceparent);
    free(publication);
}

const char *vd_record_topic(enum vd_record_kind kind)
{
    static const enum vd_topic topics[VD_RECORDS] = {
        [VD_RECORD_RESULT] = VD_TOPIC_RESULTS,
        [VD_RECORD_DEAD_LETTER] = VD_TOPIC_DLQ,
        [VD_RECORD_TOMBSTONE] = VD_TOPIC_CONTROL,
    };
    return vd_topic_name(topics[kind]);
}

static void add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

static void add_event_headers(rd_kafka_headers_t *headers, const struct vd_publication *publication, const char *source)
{
    char text[512];
    add(headers, "content-type", "application/json");
    add(headers, "ce_specversion", "1.0");
    snprintf(text, sizeof text, "%s/%s", publication->job, publication->status);
    add(headers, "ce_id", text);
    add(headers, "ce_source", source);
    snprintf(text, sizeof text, "vidriera.job.%s.v1", publication->status);
    add(headers, "ce_type", text);
    add(headers, "ce_time", publication->time);
    add(headers, "ce_subject", publication->job);
    add(headers, "ce_dataschema", "vidriera.result.v1");
    if (*publication->traceparent)
        add(headers, "traceparent", publication->traceparent);
}

/* What the original has already stays. */
static void add_absent(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    const void *there;
    size_t size;
    if (*value && rd_kafka_header_get_last(headers, name, &there, &size) == RD_KAFKA_RESP_ERR__NOENT)
        add(headers, name, value);
}

static void add_number(rd_kafka_headers_t *headers, const char *name, long long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    add_absent(headers, name, text);
}

/* Where it stood and whose it is, for a retry: of this failure, whatever an earlier one has left there. */
static void add_origin(rd_kafka_headers_t *headers, const struct vd_publication *publication)
{
    char origin[64];
    snprintf(origin, sizeof origin, "%s-%" PRId32 "-%" PRId64, vd_topic_name(VD_TOPIC_JOBS), publication->partition,
             publication->offset);
    rd_kafka_header_remove(headers, "vidriera.job");
    rd_kafka_header_remove(headers, "vidriera.origin");
    add(headers, "vidriera.job", publication->job);
    add(headers, "vidriera.origin", origin);
}

static void add_reason_headers(rd_kafka_headers_t *headers, const struct vd_publication *publication,
                               const char *source)
{
    const struct vd_err *reason = &publication->reason;
    const struct vd_record *record = &publication->records[VD_RECORD_DEAD_LETTER];
    add_absent(headers, "vidriera.error.code", vd_code_name(reason->code));
    add_absent(headers, "vidriera.error.class", vd_code_fate(reason->code));
    add_absent(headers, "vidriera.error.message", reason->text);
    add_absent(headers, "vidriera.error.stage", reason->stage);
    add_number(headers, "vidriera.error.attempt", publication->attempt);
    add_absent(headers, "vidriera.error.worker", source);
    add_absent(headers, "__connect.errors.topic", vd_topic_name(VD_TOPIC_JOBS));
    add_number(headers, "__connect.errors.partition", publication->partition);
    add_number(headers, "__connect.errors.offset", publication->offset);
    add_absent(headers, "__connect.errors.exception.message", reason->text);
    add_origin(headers, publication);
    if (record->cut)
        add_number(headers, "vidriera.truncated", (long long)record->original_size);
}

rd_kafka_headers_t *vd_record_headers(const struct vd_publication *publication, enum vd_record_kind kind,
                                      const char *source)
{
    const struct vd_record *record = &publication->records[kind];
    rd_kafka_headers_t *headers = record->headers ? rd_kafka_headers_copy(record->headers) : rd_kafka_headers_new(16);
    if (kind == VD_RECORD_RESULT)
        add_event_headers(headers, publication, source);
    if (kind == VD_RECORD_DEAD_LETTER)
        add_reason_headers(headers, publication, source);
    return headers;
}

static bool shrink_dead_letter(struct vd_record *record)
{
    if (record->value_size) {
        size_t most = DEFAULT_LIMIT - ROOM_FOR_HEADERS;
        record->value_size = record->value_size > most ? most : record->value_size / 2;
        return record->cut = true;
    }
    if (!record->headers)
        return false;
    rd_kafka_headers_destroy(record->headers);
    record->headers = NULL;
    return record->cut = true;
}

static bool shrink_result(struct vd_publication *publication, struct vd_record *record)
{
    if (record->cut)
        return false;
    json_t *document = json_pack("{s:s, s:s, s:s, s:[s]}", "schema", "vidriera.result.v1", "job", publication->job,
                                 "status", publication->status, "warnings",
                                 "the broker did not take the whole document: it is too large");
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (!text)
        return false;
    free(record->value);
    record->value = text;
    record->value_size = strlen(text);
    return record->cut = true;
}

bool vd_record_shrink(struct vd_publication *publication, enum vd_record_kind kind)
{
    struct vd_record *record = &publication->records[kind];
    bool first = !record->cut;
    bool smaller = kind == VD_RECORD_RESULT        ? shrink_result(publication, record)
                   : kind == VD_RECORD_DEAD_LETTER ? shrink_dead_letter(record)
                                                   : false;
    if (!smaller)
        vd_log(VD_LOG_ERROR, "%s: job %s: the broker refuses it at any length; left out", vd_record_topic(kind),
               publication->job);
    else if (first)
        vd_log(VD_LOG_WARNING, "%s: job %s: the broker refuses %zu bytes; sent shorter", vd_record_topic(kind),
               publication->job, record->original_size);
    record->wanted = smaller;
    return smaller;
}
