/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An order: a job as somebody asked for it in a Kafka message, read and checked. Messages
 * come from outside and are hostile: bounded in size and depth, no unknown fields, no duplicates, no bad UTF-8, paths
 * that cannot leave their root. Plain value, one owner; any thread.
 */
#ifndef VIDRIERA_ORDER_H
#define VIDRIERA_ORDER_H

#include "vidriera/job.h"

#include <jansson.h>
#include <stddef.h>

enum {
    VD_ORDER_BYTES = 64 * 1024, /* of a message's value */
    VD_ORDER_DEPTH = 16,
    VD_JOB_ID = 65,       /* 1 to 64 of [A-Za-z0-9._-], the first a letter or digit: it names files */
    VD_ORDER_PATH = 4096, /* bytes, the 0 included */
    VD_SESSION = 256,
    VD_TRACE = 64, /* traceparent is 55 characters */
};

/* One header of a message. value need not end with a 0. */
struct vd_header {
    const char *name;
    const void *value;
    size_t size;
};

struct vd_order {
    char id[VD_JOB_ID];       /* empty: none was given; see vd_job_id() */
    char root[16];            /* recordings unless the order names another: recordings, processed, archived, failed */
    char path[VD_ORDER_PATH]; /* beneath the root, as vd_order_path_check() wants it */
    char session[VD_SESSION]; /* given, else the path's first folder; may be empty */
    struct vd_recipe recipe;
    char device[64];            /* empty: none was named */
    json_t *meta;               /* an object, never NULL after a successful parse; carried through */
    char traceparent[VD_TRACE]; /* W3C trace context; empty: none, or one that is not well formed */
};

/*
 * Reads a message: CloudEvents 1.0 in binary or structured mode, or bare JSON. `recipe`: what holds where the order is
 * silent. VD_USAGE, with words that name the field: it is no order. VD_AGAIN: no memory. Whatever the result, order->id,
 * order->root/path, session and traceparent are filled as far as they could be read and are valid, and are empty
 * otherwise (they name the job in its rejection); after a failure there is nothing to free.
 */
int vd_order_parse(struct vd_order *order, const void *value, size_t size, const struct vd_header *headers, int count,
                   const struct vd_recipe *recipe, struct vd_err *err);

/* Frees what it holds, and makes it empty. Accepts a zeroed struct. */
void vd_order_finish(struct vd_order *order);

/* The JSON that vd_order_parse() reads back, with what differs from `recipe` alone; a new object. NULL: no memory. */
json_t *vd_order_to_json(const struct vd_order *order, const struct vd_recipe *recipe);

/*
 * 0 when the path is fit for an order: relative, UTF-8, no empty, "." or ".." component, not too long, and none of our
 * own names (.vidriera…, .vd-…): a refused recording is moved, and those must not be. VD_USAGE else.
 */
int vd_order_path_check(const char *path, struct vd_err *err);

/* An id that a producer may give. */
bool vd_job_id_valid(const char *id);

/* The id of an order that has none: 32 hex digits of XXH3-128 over root, path, content digest and recipe. */
void vd_job_id(const struct vd_order *order, const char *digest, char id[VD_JOB_ID]);

#endif
