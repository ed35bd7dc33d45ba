/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sources of settings share, and the environment as one of them. */
#include "vidriera/conf.h"

#include "conf_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD = 32, NAME = 128, WANTED = 160 };

bool vd_setting_heading(const struct vd_setting *row)
{
    return !row->option && !row->key;
}

bool vd_setting_free(const struct vd_setting *row)
{
    size_t length = row->key ? strlen(row->key) : 0;
    return length > 2 && !strcmp(row->key + length - 2, ".*");
}

void vd_setting_env(const struct vd_setting *row, char *name, size_t size)
{
    snprintf(name, size, "VIDRIERA_%s", row->key);
    for (char *c = name; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

/* Edits (insert, delete, change) between two words, by one row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD + 1], length = strlen(b);
    if (strlen(a) > WORD || length > WORD)
        return WORD;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = change < least + 1 ? change : least + 1;
        }
    }
    return row[length];
}

const char *vd_nearest(const char *word, const char *const *words, int count)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 3 + 1; /* a third of the letters may be wrong */
    for (int i = 0; i < count; i++) {
        size_t far = words[i] ? distance(word, words[i]) : WORD;
        if (far <= best && (!nearest || far < best)) {
            nearest = words[i];
            best = far;
        }
    }
    return nearest;
}

static struct vd_conf_value *add(struct vd_conf *conf, const char *key, const char *text, const char *where)
{
    struct vd_conf_value *grown = realloc(conf->values, ((size_t)conf->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    conf->values = grown;
    struct vd_conf_value *value = &grown[conf->count++];
    *value = (struct vd_conf_value){strdup(key), strdup(text), strdup(where)};
    return value->key && value->text && value->where ? value : NULL;
}

int vd_conf_set(struct vd_conf *conf, const struct vd_setting *row, const char *key, const char *text,
                const char *where, void *settings, char *wanted, size_t size)
{
    char whole[NAME];
    struct vd_setting one = *row;
    if (vd_setting_free(row) && !strcmp(key, row->key)) {
        const char *value = strchr(text, '=');
        int length = value ? (int)(value - text) : 0;
        if (length == 0 || strlen(key) + (size_t)length > sizeof whole) {
            snprintf(wanted, size, "NAME=VALUE");
            return -1;
        }
        snprintf(whole, sizeof whole, "%.*s%.*s", (int)strlen(key) - 1, key, length, text);
        key = whole;
        text = value + 1;
    }
    struct vd_conf_value *value = add(conf, key, text ? text : "yes", where);
    if (!value) {
        snprintf(wanted, size, "this program more memory");
        return -1;
    }
    one.key = value->key;
    return row->parse(&one, value->text, settings, wanted, size);
}

const struct vd_conf_value *vd_conf_find(const struct vd_conf *conf, const char *key)
{
    for (int i = conf->count - 1; i >= 0; i--)
        if (!strcmp(conf->values[i].key, key))
            return &conf->values[i];
    return NULL;
}

void vd_conf_finish(struct vd_conf *conf)
{
    for (int i = 0; i < conf->count; i++) {
        free(conf->values[i].key);
        if (conf->values[i].text)
            explicit_bzero(conf->values[i].text, strlen(conf->values[i].text)); /* perhaps a password */
        free(conf->values[i].text);
        free(conf->values[i].where);
    }
    free(conf->values);
    *conf = (struct vd_conf){0};
}

/* An empty one counts as none. */
static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

/* Where everything goes. */
struct target {
    void *settings;
    struct vd_conf *conf;
    struct vd_err *err;
};

/* The text of a secret's file; a final newline is the editor's, not the secret's. */
static int take_file(const struct target *target, const struct vd_setting *row, const char *key, const char *name,
                     const char *path)
{
    char wanted[WANTED] = "", cure[NAME + 32];
    snprintf(cure, sizeof cure, "check %s", name);
    char *text = vd_conf_text(path, 0, cure, target->err);
    if (!text)
        return -1;
    size_t length = strlen(text);
    if (length && text[length - 1] == '\n')
        text[--length] = '\0';
    if (length && text[length - 1] == '\r')
        text[--length] = '\0';
    int ret = vd_conf_set(target->conf, row, key, text, name, target->settings, wanted, sizeof wanted);
    explicit_bzero(text, length);
    free(text);
    return ret < 0 ? vd_fail(target->err, VD_CONFIG, "", "%s=%.80s: what is in it does not fit; give %s", name, path,
                             wanted)
                   : 0;
}

/* The variable `name`, or `name`_FILE. */
static int take(const struct target *target, const struct vd_setting *row, const char *key, const char *name)
{
    char file[NAME + 8], wanted[WANTED] = "";
    snprintf(file, sizeof file, "%s_FILE", name);
    const char *text = variable(name), *path = variable(file);
    if (text && path)
        return vd_fail(target->err, VD_CONFIG, "", "%s and %s: both are set; leave out one", name, file);
    if (path)
        return take_file(target, row, key, file, path);
    if (!text || vd_conf_set(target->conf, row, key, text, name, target->settings, wanted, sizeof wanted) == 0)
        return 0;
    bool show = !vd_setting_free(row); /* it may be a password */
    return vd_fail(target->err, VD_CONFIG, "", "%s%s%.80s: does not fit; give %s", name, show ? "=" : "",
                   show ? text : "", wanted);
}

/* Of a Service called vidriera-kafka, Kubernetes gives every pod variables such as VIDRIERA_KAFKA_PORT_9092_TCP. */
static bool is_kubernetes(const char *rest)
{
    char words[NAME + 2];
    snprintf(words, sizeof words, "_%s_", rest);
    return strstr(words, "_SERVICE_HOST_") || strstr(words, "_PORT_");
}

/* Every variable that begins as the section does. */
static int take_free(const struct target *target, const struct vd_setting *row)
{
    char prefix[NAME], name[NAME], key[NAME];
    vd_setting_env(row, prefix, sizeof prefix);
    size_t length = strlen(prefix) - 1; /* the star */
    for (char **entry = environ; entry && *entry; entry++) {
        size_t size = strcspn(*entry, "=");
        if (strncmp(*entry, prefix, length) || size <= length || size >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)size, *entry);
        if (is_kubernetes(name + length))
            continue;
        if (size > length + 5 && !strcmp(name + size - 5, "_FILE"))
            name[size - 5] = '\0';
        int section = snprintf(key, sizeof key, "%.*s", (int)strlen(row->key) - 1, row->key);
        snprintf(key + section, sizeof key - (size_t)section, "%s", name + length);
        for (char *c = key + section; *c; c++)
            *c = *c == '_' ? '.' : (char)tolower((unsigned char)*c);
        if (take(target, row, key, name) < 0)
            return -1;
    }
    return 0;
}

int vd_conf_env(const struct vd_setting *rows, int count, void *settings, struct vd_conf *conf, struct vd_err *err)
{
    struct target target = {settings, conf, err};
    char name[NAME];
    for (int i = 0; i < count; i++) {
        if (!rows[i].key)
            continue;
        vd_setting_env(&rows[i], name, sizeof name);
        if ((vd_setting_free(&rows[i]) ? take_free(&target, &rows[i]) : take(&target, &rows[i], rows[i].key, name)) < 0)
            return -1;
    }
    return 0;
}
