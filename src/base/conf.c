/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/conf.h"

#include <assert.h>
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECTIONS_MAX = 8, KEYS_MAX = 64, WORD = 32, LARGEST_FILE = 1 << 20 };

/* The rows' keys as libconfuse wants them: all are text, parsed by the rows themselves. */
struct section {
    char name[WORD];
    cfg_opt_t keys[KEYS_MAX + 1];
    int count;
};

/* libconfuse's callbacks carry no pointer of ours; the configuration is read by one thread, once. */
static struct {
    const struct vd_setting *rows;
    int count;
    struct section *section;
    int sections;
    const char *path; /* not cfg->filename: sections have none */
    void *settings;
    bool failed; /* *err is filled: what libconfuse says from here on is an echo */
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

/* Called for each value where it stands, so that its line can be told. */
static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
    char wanted[160] = "";
    const struct vd_setting *row = row_of(cfg_name(cfg), cfg_opt_name(opt));
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (row->parse(row, text, reading.settings, wanted, sizeof wanted) == 0)
        return 0;
    reading.failed = true;
    return vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s = %.80s: does not fit; give %s", reading.path, cfg->line,
                   row->key, text, wanted);
}

/* What was meant by a name that is none: a key, wherever it stands, or a section. NULL: nothing near. */
static const char *nearest_key(const char *name)
{
    const char *names[KEYS_MAX], *keys[KEYS_MAX];
    int count = 0;
    for (int i = 0; i < reading.count && count < KEYS_MAX; i++)
        if (reading.rows[i].key) {
            keys[count] = reading.rows[i].key;
            names[count] = strchr(keys[count], '.') + 1;
            count++;
        }
    const char *nearest = vd_nearest(name, names, count);
    for (int i = 0; nearest && i < count; i++)
        if (names[i] == nearest)
            return keys[i];
    for (int i = 0; i < reading.sections; i++)
        names[i] = reading.section[i].name;
    return vd_nearest(name, names, reading.sections);
}

/* libconfuse's own errors: names that it does not know, and syntax. */
static void complain(cfg_t *cfg, const char *fmt, va_list args)
{
    char text[200], name[WORD] = "";
    if (reading.failed)
        return;
    reading.failed = true;
    vsnprintf(text, sizeof text, fmt, args);
    if (sscanf(text, "no such option '%31[^']'", name) != 1) {
        vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s; write section { key = \"value\" }", reading.path, cfg->line,
                text);
        return;
    }
    const char *nearest = nearest_key(name);
    vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s: no such key here; %s%s%s", reading.path, cfg->line, name,
            nearest ? "did you mean " : "see README, configuration", nearest ? nearest : "", nearest ? "?" : "");
}

static void gather(void)
{
    for (int i = 0; i < reading.count; i++) {
        const char *key = reading.rows[i].key, *dot = key ? strchr(key, '.') : NULL;
        int at = 0;
        if (!dot)
            continue;
        size_t length = (size_t)(dot - key);
        while (at < reading.sections &&
               (strncmp(reading.section[at].name, key, length) || reading.section[at].name[length]))
            at++;
        assert(at < SECTIONS_MAX && length < WORD);
        struct section *section = &reading.section[at];
        if (at == reading.sections) {
            reading.sections++;
            memcpy(section->name, key, length);
        }
        assert(section->count < KEYS_MAX);
        cfg_opt_t *row = &section->keys[section->count++];
        *row = (cfg_opt_t)CFG_STR(dot + 1, NULL, CFGF_NODEFAULT);
        row->validcb = validate;
    }
}

static int parse(const char *text)
{
    cfg_opt_t top[SECTIONS_MAX + 1];
    for (int i = 0; i < reading.sections; i++) {
        struct section *section = &reading.section[i];
        section->keys[section->count] = (cfg_opt_t)CFG_END();
        top[i] = (cfg_opt_t)CFG_SEC(section->name, section->keys, CFGF_NONE);
    }
    top[reading.sections] = (cfg_opt_t)CFG_END();
    cfg_t *cfg = cfg_init(top, CFGF_NONE);
    if (!cfg)
        return vd_fail(reading.err, VD_AGAIN, "", "%s: no memory to read it; free some", reading.path);
    cfg_set_error_function(cfg, complain);
    int ret = cfg_parse_buf(cfg, text);
    cfg_free(cfg);
    if (ret == CFG_SUCCESS && !reading.failed)
        return 0;
    return reading.failed
               ? -1
               : vd_fail(reading.err, VD_CONFIG, "", "%s: is not understood; see README, configuration", reading.path);
}

/* The whole of a file as text, for the caller to free. Not left to libconfuse: its lexer ends the program when a read
 * fails, as of a folder. */
static char *read_text(FILE *file, const char *path, struct vd_err *err)
{
    struct stat st;
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > LARGEST_FILE) {
        vd_fail(err, VD_CONFIG, "", "%s: is not a configuration file; check --config", path);
        return NULL;
    }
    size_t size = (size_t)st.st_size;
    char *text = calloc(1, size + 1);
    if (!text) {
        vd_fail(err, VD_AGAIN, "", "%s: no memory to read it; free some", path);
    } else if (fread(text, 1, size, file) != size || strlen(text) != size) {
        vd_fail(err, VD_CONFIG, "", "%s: cannot be read as text; check --config", path);
        free(text);
        text = NULL;
    }
    return text;
}

int vd_conf_file(const char *path, int required, const struct vd_setting *rows, int count, void *settings,
                 struct vd_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    int ret = -1;
    if (!file && errno == ENOENT && !required)
        return 0;
    if (!file)
        return vd_fail(err, VD_CONFIG, "", "%s: %s; check --config", path, strerror(errno));
    char *text = read_text(file, path, err);
    fclose(file);
    if (!text)
        return -1;
    memset(&reading, 0, sizeof reading);
    reading.rows = rows;
    reading.count = count;
    reading.section = calloc(SECTIONS_MAX, sizeof *reading.section);
    reading.path = path;
    reading.settings = settings;
    reading.err = err;
    if (reading.section) {
        gather();
        ret = parse(text);
    } else {
        vd_fail(err, VD_AGAIN, "", "%s: no memory to read it; free some", path);
    }
    free(reading.section);
    free(text);
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
        if (text && *text && rows[i].parse(&rows[i], text, settings, wanted, sizeof wanted) < 0)
            return vd_fail(err, VD_CONFIG, "", "%s=%.80s: does not fit; give %s", name, text, wanted);
    }
    return 0;
}
