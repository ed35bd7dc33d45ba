/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order_fields.h"

#include "vidriera/order.h"
#include "vidriera/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int want(char wanted[VD_WANTED], const char *what)
{
    snprintf(wanted, VD_WANTED, "%s", what);
    return -1;
}

/* A string that fits into size bytes; NULL else. */
static const char *text_of(const json_t *value, size_t size)
{
    const char *text = json_string_value(value);
    return text && strlen(text) < size ? text : NULL;
}

/* One of the words that next(i) names: it itself, or NULL. */
static const char *find_word(const json_t *value, const char *(*next)(int i), char wanted[VD_WANTED])
{
    const char *text = json_string_value(value);
    size_t used = (size_t)snprintf(wanted, VD_WANTED, "one of");
    for (int i = 0; next(i); i++) {
        if (text && !strcmp(next(i), text))
            return next(i);
        if (used < VD_WANTED)
            used += (size_t)snprintf(wanted + used, VD_WANTED - used, "%s %s", i ? "," : "", next(i));
    }
    return NULL;
}

static int take_number(const json_t *value, double max, double *number, char wanted[VD_WANTED])
{
    double got = json_number_value(value);
    if (json_is_number(value) && got >= 0 && got <= max) {
        *number = got + 0.0; /* 0 for -0: they are one recipe */
        return 0;
    }
    snprintf(wanted, VD_WANTED, "a number from 0 to %g", max);
    return -1;
}

static int take_colour(const json_t *value, struct vd_rgb *colour, char wanted[VD_WANTED])
{
    const char *text = json_string_value(value);
    return text && vd_colour_parse(text, colour) == 0 ? 0 : want(wanted, "#rrggbb or a colour's name, such as blue");
}

bool vd_job_id_valid(const char *id)
{
    static const char any[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(id);
    return size > 0 && size < VD_JOB_ID && strspn(id, any) == size && !strchr("._-", *id);
}

static int take_id(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    const char *id = json_string_value(value);
    if (!id || !vd_job_id_valid(id))
        return want(wanted, "1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit");
    snprintf(order->id, sizeof order->id, "%s", id);
    return 0;
}

static const char *root_name(int i)
{
    static const char *const names[] = {"recordings", "processed", "archived", "failed"};
    return i < 4 ? names[i] : NULL;
}

static int take_root(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    const char *root = find_word(value, root_name, wanted);
    snprintf(order->root, sizeof order->root, "%s", root ? root : "");
    return root ? 0 : -1;
}

enum { NAME_BYTES = 255 }; /* of a file or folder, on every file system here */

static bool is_own_name(const char *name)
{
    return !strncmp(name, ".vidriera", 9) || !strncmp(name, ".vd-", 4);
}

/* What would fit better than this path; NULL: it fits. */
static const char *path_wanted(const char *path)
{
    size_t length;
    if (!*path || *path == '/')
        return "a path relative to its root, such as folder/name.mp4";
    if (strlen(path) >= VD_ORDER_PATH)
        return "a path of at most 4095 bytes";
    for (const char *name = path;; name += length + 1) {
        length = strcspn(name, "/");
        if (length == 0 || (length == 1 && *name == '.') || (length == 2 && !strncmp(name, "..", 2)))
            return "a path without empty names, \".\" and \"..\" in it";
        if (length > NAME_BYTES)
            return "a path of names of at most 255 bytes";
        if (is_own_name(name))
            return "a recording; names that begin with .vidriera or .vd- are vidriera's own";
        if (!name[length])
            return NULL;
    }
}

int vd_order_path_check(const char *path, struct vd_err *err)
{
    const char *wanted = path_wanted(path);
    json_t *text = json_string(path); /* NULL for what is not UTF-8 */
    json_decref(text);
    if (!text)
        wanted = "a name in UTF-8: rename the file or its folder";
    return wanted ? vd_fail(err, VD_USAGE, "", "%.200s: does not fit; give %s", path, wanted) : 0;
}

static int take_path(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    const char *path = json_string_value(value);
    const char *better = path_wanted(path ? path : "");
    if (better)
        return want(wanted, better);
    snprintf(order->path, sizeof order->path, "%s", path);
    return 0;
}

static int take_session(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    char clean[VD_SESSION];
    const char *session = text_of(value, sizeof clean);
    snprintf(clean, sizeof clean, "%s", session ? session : "");
    vd_text_clean(clean);
    if (!*clean || strchr(clean, '/') || strcmp(clean, session) != 0)
        return want(wanted, "1 to 255 bytes of text without / and control characters");
    snprintf(order->session, sizeof order->session, "%s", session);
    return 0;
}

static int take_effect(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_effect_params *effect = &((struct vd_order *)to)->recipe.effect;
    const char *name = find_word(value, vd_effect_name, wanted);
    if (!name)
        return -1;
    snprintf(effect->name, sizeof effect->name, "%s", name);
    return 0;
}

static int take_left(const json_t *value, void *to, char wanted[VD_WANTED])
{
    return take_colour(value, &((struct vd_order *)to)->recipe.effect.left, wanted);
}

static int take_right(const json_t *value, void *to, char wanted[VD_WANTED])
{
    return take_colour(value, &((struct vd_order *)to)->recipe.effect.right, wanted);
}

static int take_strength(const json_t *value, void *to, char wanted[VD_WANTED])
{
    return take_number(value, 1, &((struct vd_order *)to)->recipe.effect.strength, wanted);
}

static int take_split(const json_t *value, void *to, char wanted[VD_WANTED])
{
    double split = -1, whole;
    if (take_number(value, 1, &split, wanted) == 0) {
        whole = round(split * 10000);
        if (whole / 10000 == split) { /* the double nearest to those decimals */
            ((struct vd_order *)to)->recipe.effect.split = (int)whole;
            return 0;
        }
    }
    return want(wanted, "a number from 0 to 1 of at most 4 decimals");
}

static int take_codec(const json_t *value, void *to, char wanted[VD_WANTED])
{
    const char *codec = json_string_value(value);
    if (codec && vd_codec_parse(codec, &((struct vd_order *)to)->recipe.codec) == 0)
        return 0;
    return want(wanted, "auto, h264, hevc or av1");
}

static int take_preset(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_recipe *recipe = &((struct vd_order *)to)->recipe;
    const char *preset = find_word(value, vd_preset_name, wanted);
    if (!preset)
        return -1;
    snprintf(recipe->preset, sizeof recipe->preset, "%s", preset);
    return 0;
}

static int take_quality(const json_t *value, void *to, char wanted[VD_WANTED])
{
    return take_number(value, 51, &((struct vd_order *)to)->recipe.quality, wanted);
}

static bool is_device(const char *text)
{
    static const char *const names[] = {"auto", "cpu", "opencl", "vaapi", "vaapi-opencl", "vaapi-host", "cuda"};
    size_t length = strcspn(text, ":");
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && !strncmp(text, names[i], length))
            return !text[length] || (i >= 2 && text[length + 1]);
    return false;
}

static int take_device(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    const char *device = text_of(value, sizeof order->device);
    if (!device || !is_device(device))
        return want(wanted, "auto, cpu, or opencl, vaapi or cuda with :PATH or :INDEX if you like");
    snprintf(order->device, sizeof order->device, "%s", device);
    return 0;
}

static int take_meta(const json_t *value, void *to, char wanted[VD_WANTED])
{
    struct vd_order *order = to;
    if (!json_is_object(value))
        return want(wanted, "an object");
    json_decref(order->meta);
    order->meta = json_incref((json_t *)value);
    return 0;
}

static const struct vd_field input_fields[] = {
    {"root", take_root, NULL, NULL},
    {"path", take_path, NULL, "a path relative to its root, such as folder/name.mp4"},
    {0}};

static const struct vd_field effect_fields[] = {
    {"name", take_effect, NULL, NULL},       {"left", take_left, NULL, NULL},   {"right", take_right, NULL, NULL},
    {"strength", take_strength, NULL, NULL}, {"split", take_split, NULL, NULL}, {0}};

static const struct vd_field output_fields[] = {
    {"codec", take_codec, NULL, NULL}, {"preset", take_preset, NULL, NULL}, {"quality", take_quality, NULL, NULL}, {0}};

const struct vd_field vd_order_fields[] = {
    {"id", take_id, NULL, NULL},           {"input", NULL, input_fields, "{\"path\": \"folder/name.mp4\"}"},
    {"session", take_session, NULL, NULL}, {"effect", NULL, effect_fields, NULL},
    {"output", NULL, output_fields, NULL}, {"device", take_device, NULL, NULL},
    {"meta", take_meta, NULL, NULL},       {0}};
