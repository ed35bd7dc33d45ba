/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/order.h"

#include "envelope.h"
#include "order_fields.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const char usual_root[] = "recordings";

/* What the session is when nobody says: the path's first folder. */
static void first_folder(const char *path, char session[VD_SESSION])
{
    const char *slash = strchr(path, '/');
    snprintf(session, VD_SESSION, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static int take_order(struct vd_order *order, const json_t *data, struct vd_err *err)
{
    if (json_is_object(json_object_get(data, "input")))
        strcpy(order->root, usual_root);
    int ret = vd_fields_take(data, "", vd_order_fields, order, err);
    if (!*order->session)
        first_folder(order->path, order->session);
    if (ret == 0 && !order->meta)
        order->meta = json_object();
    if (ret == 0 && !order->meta)
        ret = vd_fail(err, VD_AGAIN, "", "message: no memory to read it; free some");
    return ret;
}

int vd_order_parse(struct vd_order *order, const void *value, size_t size, const struct vd_header *headers, int count,
                   const struct vd_recipe *recipe, struct vd_err *err)
{
    struct vd_envelope envelope;
    *order = (struct vd_order){.recipe = *recipe};
    int ret = vd_envelope_open(&envelope, value, size, headers, count, err);
    memcpy(order->traceparent, envelope.traceparent, sizeof order->traceparent);
    if (ret == 0)
        ret = take_order(order, envelope.data, err);
    json_decref(envelope.data);
    if (ret < 0) {
        json_decref(order->meta);
        order->meta = NULL;
    }
    return ret;
}

void vd_order_finish(struct vd_order *order)
{
    json_decref(order->meta);
    *order = (struct vd_order){0};
}

/* The functions that put something in return nonzero when there was no memory, and may be given NULL for lack of it. */

static int put_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text));
}

static int put_colour(json_t *object, const char *name, struct vd_rgb colour)
{
    char text[8];
    snprintf(text, sizeof text, "#%02x%02x%02x", colour.r, colour.g, colour.b);
    return put_text(object, name, text);
}

static bool same_colour(struct vd_rgb a, struct vd_rgb b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b;
}

/* Takes part. */
static int put_unless_empty(json_t *object, const char *name, json_t *part, int failed)
{
    if (part && !failed && json_object_size(part) > 0)
        return json_object_set_new(object, name, part);
    json_decref(part);
    return failed || !part;
}

static int put_input(json_t *object, const struct vd_order *order)
{
    json_t *input = json_object();
    int failed = 0;
    if (strcmp(order->root, usual_root) != 0)
        failed |= put_text(input, "root", order->root);
    failed |= put_text(input, "path", order->path);
    return put_unless_empty(object, "input", input, failed);
}

static int put_effect(json_t *object, const struct vd_effect_params *effect, const struct vd_effect_params *usual)
{
    json_t *part = json_object();
    int failed = 0;
    if (strcmp(effect->name, usual->name) != 0)
        failed |= put_text(part, "name", effect->name);
    if (!same_colour(effect->left, usual->left))
        failed |= put_colour(part, "left", effect->left);
    if (!same_colour(effect->right, usual->right))
        failed |= put_colour(part, "right", effect->right);
    if (effect->strength != usual->strength)
        failed |= json_object_set_new(part, "strength", json_real(effect->strength));
    if (effect->split != usual->split)
        failed |= json_object_set_new(part, "split", json_real(effect->split / 10000.0));
    return put_unless_empty(object, "effect", part, failed);
}

static int put_output(json_t *object, const struct vd_recipe *recipe, const struct vd_recipe *usual)
{
    json_t *part = json_object();
    int failed = 0;
    if (recipe->codec != usual->codec)
        failed |= put_text(part, "codec", vd_codec_name(recipe->codec));
    if (strcmp(recipe->preset, usual->preset) != 0)
        failed |= put_text(part, "preset", recipe->preset);
    if (recipe->quality != usual->quality)
        failed |= json_object_set_new(part, "quality", json_real(recipe->quality));
    return put_unless_empty(object, "output", part, failed);
}

json_t *vd_order_to_json(const struct vd_order *order, const struct vd_recipe *recipe)
{
    char session[VD_SESSION];
    json_t *object = json_object();
    int failed = 0;
    first_folder(order->path, session);
    if (*order->id)
        failed |= put_text(object, "id", order->id);
    failed |= put_input(object, order);
    if (*order->session && strcmp(order->session, session) != 0)
        failed |= put_text(object, "session", order->session);
    failed |= put_effect(object, &order->recipe.effect, &recipe->effect);
    failed |= put_output(object, &order->recipe, recipe);
    if (*order->device)
        failed |= put_text(object, "device", order->device);
    if (json_object_size(order->meta) > 0)
        failed |= json_object_set(object, "meta", order->meta);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* Each part ends with a 0, which none has within: no two orders give the same bytes. Ids outlive this program. */
void vd_job_id(const struct vd_order *order, const char *digest, char id[VD_JOB_ID])
{
    char text[VD_ORDER_PATH + 512];
    const struct vd_recipe *recipe = &order->recipe;
    const struct vd_effect_params *effect = &recipe->effect;
    int size = snprintf(text, sizeof text, "%s%c%s%c%s%c%s%c%02x%02x%02x%02x%02x%02x %.17g %d%c%s%c%s%c%.17g",
                        order->root, 0, order->path, 0, digest, 0, effect->name, 0, effect->left.r, effect->left.g,
                        effect->left.b, effect->right.r, effect->right.g, effect->right.b, effect->strength,
                        effect->split, 0, vd_codec_name(recipe->codec), 0, recipe->preset, 0, recipe->quality);
    assert(size > 0 && size < (int)sizeof text);
    XXH128_hash_t hash = XXH3_128bits(text, (size_t)size);
    snprintf(id, VD_JOB_ID, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}
