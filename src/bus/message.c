/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message, copied: it may be kept for hours, and in librdkafka it would keep a whole fetch response, and the client.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* Everything in one block. */
struct block {
    struct vd_message message;
    char bytes[];
};

static size_t measure(const rd_kafka_headers_t *headers, size_t *count)
{
    const char *name;
    const void *value;
    size_t size, total = 0;
    for (*count = 0; headers && rd_kafka_header_get_all(headers, *count, &name, &value, &size) == 0; ++*count)
        total += strlen(name) + 1 + size;
    return total + *count * sizeof(struct vd_header);
}

static const void *put(char **at, const void *data, size_t size)
{
    char *to = *at;
    if (!data)
        return NULL;
    memcpy(to, data, size);
    *at = to + size;
    return to;
}

static void put_headers(struct vd_header *to, const rd_kafka_headers_t *from, size_t count, char **at)
{
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t size;
        rd_kafka_header_get_all(from, i, &name, &value, &size);
        to[i].name = put(at, name, strlen(name) + 1);
        to[i].value = put(at, value, size);
        to[i].size = value ? size : 0;
    }
}

struct vd_message *vd_message_copy(const rd_kafka_message_t *from, unsigned epoch)
{
    rd_kafka_headers_t *headers = NULL;
    size_t count;
    if (rd_kafka_message_headers(from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = NULL;
    size_t size = measure(headers, &count) + from->key_len + from->len;
    struct block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    struct vd_header *table = (struct vd_header *)block->bytes;
    char *at = (char *)(table + count);
    put_headers(table, headers, count, &at);
    block->message = (struct vd_message){
        .partition = from->partition,
        .offset = from->offset,
        .timestamp_ms = rd_kafka_message_timestamp(from, NULL),
        .epoch = epoch,
        .key = put(&at, from->key, from->key_len),
        .value = put(&at, from->payload, from->len),
        .key_size = from->key ? from->key_len : 0,
        .value_size = from->payload ? from->len : 0,
        .headers = table,
        .header_count = (int)count,
        .inner = block,
    };
    return &block->message;
}

void vd_message_free(struct vd_message *message)
{
    if (message)
        free(message->inner);
}
