/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/conf.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTIONS_MAX = 8, KEYS_MAX = 64, WORD = 32 };

/* libconfuse's callbacks carry no pointer of ours; the configuration is read by one thread, once. */
static struct {
    const struct vd_setting *rows;
    int count;
    void *settings;
    struct vd_err *err;
} reading;

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

static const struct vd_setting *row_of(const char *section, const char *name)
{
    char key[2 * WORD];
    snprintf(key, sizeof key, "%s.%s", section, name);
    for (int i = 0; i < reading.count; i++)
        if (reading.rows[i].key && !strcmp(reading.rows[i].key, key))
            return &reading.rows[i];
    return NULL;
}

static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
    char wanted[160] = "";
    const struct vd_setting *row = row_of(cfg_name(cfg), cfg_opt_name(opt));
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (row->parse(row, text, reading.settings, wanted, sizeof wanted) == 0)
        return 0;
    vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s = %s: want %s", cfg->filename, cfg->line, row->key, text, wanted);
    return -1;
}

/* "no such option 'x'" and errors of syntax; the words are libconfuse's. */
static void complain(cfg_t *cfg, const char *fmt, va_list args)
{
    char text[200], word[WORD] = "";
    const char *names[KEYS_MAX], *nearest = NULL;
    int count = 0;
    if (reading.err->code)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    if (sscanf(text, "no such option '%31[^']'", word) == 1) {
        for (; count < reading.count && count < KEYS_MAX; count++) {
            const char *key = reading.rows[count].key;
            names[count] = key ? strchr(key, '.') + 1 : NULL;
        }
        nearest = vd_nearest(word, names, count);
    }
    vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s; %s%s", cfg && cfg->filename ? cfg->filename : "?",
            cfg ? cfg->line : 0, text, nearest ? "did you mean " : "see README, configuration", nearest ? nearest : "");
}

struct section {
    char name[WORD];
    cfg_opt_t keys[KEYS_MAX];
    int count;
};

/* The rows' keys as libconfuse wants them: all are text, parsed by the rows themselves. */
static int gather(struct section *sections)
{
    int count = 0;
    for (int i = 0; i < reading.count; i++) {
        const char *key = reading.rows[i].key, *dot = key ? strchr(key, '.') : NULL;
        int at = 0;
        if (!dot)
            continue;
        size_t length = (size_t)(dot - key);
        while (at < count && (strncmp(sections[at].name, key, length) || sections[at].name[length]))
            at++;
        struct section *section = &sections[at];
        if (at == count) {
            count++;
            memcpy(section->name, key, length);
        }
        section->keys[section->count++] = (cfg_opt_t)CFG_STR(dot + 1, NULL, CFGF_NODEFAULT);
    }
    return count;
}

static int parse_file(FILE *file, const char *path, struct section *sections, int count)
{
    cfg_opt_t top[SECTIONS_MAX + 1];
    char pattern[2 * WORD];
    for (int i = 0; i < count; i++) {
        sections[i].keys[sections[i].count] = (cfg_opt_t)CFG_END();
        top[i] = (cfg_opt_t)CFG_SEC(sections[i].name, sections[i].keys, CFGF_NONE);
    }
    top[count] = (cfg_opt_t)CFG_END();
    cfg_t *cfg = cfg_init(top, CFGF_NONE);
    if (!cfg)
        return vd_fail(reading.err, VD_CONFIG, "", "%s: no memory to read it", path);
    cfg_set_error_function(cfg, complain);
    for (int i = 0; i < reading.count; i++)
        if (reading.rows[i].key) {
            snprintf(pattern, sizeof pattern, "%s", reading.rows[i].key);
            *strchr(pattern, '.') = '|';
            cfg_set_validate_func(cfg, pattern, validate);
        }
    cfg->filename = strdup(path);
    int ret = cfg_parse_fp(cfg, file);
    cfg_free(cfg);
    if (ret != CFG_SUCCESS && !reading.err->code)
        vd_fail(reading.err, VD_CONFIG, "", "%s: cannot be read; see README, configuration", path);
    return reading.err->code ? -1 : 0;
}

int vd_conf_file(const char *path, int required, const struct vd_setting *rows, int count, void *settings,
                 struct vd_err *err)
{
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT && !required)
        return 0;
    if (!file)
        return vd_fail(err, VD_CONFIG, "", "%s: %s; check --config", path, strerror(errno));
    struct section *sections = calloc(SECTIONS_MAX, sizeof *sections);
    int ret = sections ? 0 : vd_fail(err, VD_CONFIG, "", "%s: no memory to read it", path);
    reading.rows = rows;
    reading.count = count;
    reading.settings = settings;
    reading.err = err;
    if (ret == 0)
        ret = parse_file(file, path, sections, gather(sections));
    free(sections);
    fclose(file);
    return ret;
}

int vd_conf_env(const struct vd_setting *rows, int count, void *settings, struct vd_err *err)
{
    char name[3 * WORD], wanted[160];
    for (int i = 0; i < count; i++) {
        if (!rows[i].key)
            continue;
        vd_setting_env(&rows[i], name, sizeof name);
        const char *text = getenv(name);
        if (text && rows[i].parse(&rows[i], text, settings, wanted, sizeof wanted) < 0)
            return vd_fail(err, VD_CONFIG, "", "%s=%s: want %s", name, text, wanted);
    }
    return 0;
}
