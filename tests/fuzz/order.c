/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For libFuzzer: a message is read as an order, or refused with words; an order survives being written and read again.
 * The input is headers, "name: value" each on a line, an empty line, and the value; without an empty line it is all
 * value.
 */
#include "vidriera/order.h"
#include "vidriera/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS = 8, NAME = 32 };

/* What must hold whatever comes. Aborts also where assertions are compiled out. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct message {
    char names[HEADERS][NAME];
    struct vd_header headers[HEADERS];
    int count;
    const char *value;
    size_t size;
};

static void take_header(struct message *message, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    size_t name = colon ? (size_t)(colon - line) : size;
    if (message->count == HEADERS || name >= NAME)
        return;
    size_t skip = size - name < 2 ? size : name + 2;
    memcpy(message->names[message->count], line, name);
    message->headers[message->count] = (struct vd_header){message->names[message->count], colon ? line + skip : NULL,
                                                          colon ? size - skip : 0};
    message->count++;
}

static void split(struct message *message, const char *input, size_t size)
{
    const char *blank = memmem(input, size, "\n\n", 2), *end;
    *message = (struct message){.value = input, .size = size};
    if (!blank)
        return;
    for (const char *line = input; line <= blank; line = end + 1) {
        end = memchr(line, '\n', (size_t)(blank + 1 - line));
        take_header(message, line, (size_t)(end - line));
    }
    message->value = blank + 2;
    message->size = size - (size_t)(message->value - input);
}

static void check_refusal(const struct vd_order *order, const struct vd_err *err)
{
    char clean[sizeof err->text];
    snprintf(clean, sizeof clean, "%s", err->text);
    vd_text_clean(clean);
    MUST(err->code == VD_USAGE && *err->text && !strcmp(clean, err->text));
    MUST(!*order->id || vd_job_id_valid(order->id));
    MUST(!*order->path || vd_order_path_check(order->path, NULL) == 0);
    MUST(!order->meta);
}

static void check_order(struct vd_order *order, const struct vd_recipe *recipe)
{
    char id[VD_JOB_ID], other[VD_JOB_ID];
    struct vd_order again;
    struct vd_err err = {0};
    json_t *object = vd_order_to_json(order, recipe);
    char *text = json_dumps(object, JSON_COMPACT);
    MUST(object && text && vd_order_path_check(order->path, NULL) == 0);
    /* Numbers in meta may take more room than they did. */
    if (strlen(text) <= VD_ORDER_BYTES) {
        MUST(vd_order_parse(&again, text, strlen(text), NULL, 0, recipe, &err) == 0);
        vd_job_id(order, "", id);
        vd_job_id(&again, "", other);
        MUST(!strcmp(id, other) && !strcmp(order->id, again.id) && !strcmp(order->session, again.session) &&
             !strcmp(order->device, again.device) && json_equal(order->meta, again.meta));
        vd_order_finish(&again);
    }
    free(text);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct message message;
    struct vd_job job;
    struct vd_order order;
    struct vd_err err = {0};
    split(&message, (const char *)input, size);
    vd_job_defaults(&job);
    if (vd_order_parse(&order, message.value, message.size, message.headers, message.count, &job.recipe, &err) == 0)
        check_order(&order, &job.recipe);
    else
        check_refusal(&order, &err);
    vd_order_finish(&order);
    return 0;
}
