/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file: libconfuse's syntax, the table's names. */
#include "conf_text.h"

#include "vidriera/conf.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECTIONS_MAX = 12, KEYS_MAX = 96, WORD = 32, NAME = 128, LARGEST_FILE = 1 << 20 };

/* The rows' keys as libconfuse wants them: all are text, parsed by the rows themselves. */
struct section {
    char name[WORD];
    cfg_opt_t keys[KEYS_MAX + 1];
    int count;
    bool free; /* its names are not ours to know */
};

/* libconfuse's callbacks carry no pointer of ours; the configuration is read by one thread, once at a time. */
static struct {
    const struct vd_setting *rows;
    int count;
    struct section *section; /* the first has no name: keys that stand in none */
    int sections;
    struct { /* names of the free section, and where they stood first */
        char name[NAME];
        int line;
    } met[KEYS_MAX];
    int met_count;
    const char *path; /* not cfg->filename: sections have none */
    void *settings;
    struct vd_conf *conf;
    bool failed; /* *err is filled: what libconfuse says from here on is an echo */
    struct vd_err *err;
} reading;

/* libconfuse calls what stands in no section "root". */
static bool is_top(const char *section)
{
    return !strcmp(section, "root");
}

static const struct vd_setting *row_of(const char *section, const char *name)
{
    char key[2 * WORD];
    snprintf(key, sizeof key, "%s%s%s", is_top(section) ? "" : section, is_top(section) ? "" : ".", name);
    for (int i = 0; i < reading.count; i++)
        if (reading.rows[i].key && !strcmp(reading.rows[i].key, key))
            return &reading.rows[i];
    return NULL;
}

static int set(const struct vd_setting *row, const char *key, const char *text, int line)
{
    char wanted[160] = "", where[PATH_MAX + 16];
    bool show = !vd_setting_free(row); /* it may be a password */
    snprintf(where, sizeof where, "%s:%d", reading.path, line);
    if (vd_conf_set(reading.conf, row, key, text, where, reading.settings, wanted, sizeof wanted) == 0)
        return 0;
    reading.failed = true;
    return vd_fail(reading.err, VD_CONFIG, "", "%s: %s%s%.80s: does not fit; give %s", where, key, show ? " = " : "",
                   show ? text : "", wanted);
}

/* Called for each value where it stands, so that its line can be told. */
static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct vd_setting *row = row_of(cfg_name(cfg), cfg_opt_name(opt));
    return set(row, row->key, cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1), cfg->line);
}

/* Called at the end of the free section, whose values libconfuse checks with nobody. It may stand there twice. */
static int validate_free(cfg_t *cfg, cfg_opt_t *opt)
{
    char key[NAME];
    const struct vd_setting *row = row_of(cfg_opt_name(opt), "*");
    cfg_t *section = cfg_opt_getnsec(opt, 0);
    cfg_opt_t *pair;
    for (unsigned i = 0; (pair = cfg_getnopt(section, i)); i++) {
        int line = cfg->line;
        if (!(pair->flags & CFGF_MODIFIED))
            continue;
        pair->flags &= ~CFGF_MODIFIED;
        for (int k = 0; k < reading.met_count; k++)
            if (!strcmp(reading.met[k].name, pair->name))
                line = reading.met[k].line;
        snprintf(key, sizeof key, "%s.%s", cfg_opt_name(opt), pair->name);
        if (set(row, key, cfg_opt_getnstr(pair, 0), line) < 0)
            return -1;
    }
    return 0;
}

static bool is_free(const char *section)
{
    for (int i = 0; i < reading.sections; i++)
        if (!strcmp(reading.section[i].name, section))
            return reading.section[i].free;
    return false;
}

/* What was meant by a name that is none: a key, wherever it stands, or a section. NULL: nothing near. */
static const char *nearest_key(const char *name)
{
    const char *names[KEYS_MAX], *keys[KEYS_MAX];
    int count = 0;
    for (int i = 0; i < reading.count && count < KEYS_MAX; i++)
        if (reading.rows[i].key && !vd_setting_free(&reading.rows[i])) {
            const char *key = reading.rows[i].key, *dot = strchr(key, '.');
            keys[count] = key;
            names[count++] = dot ? dot + 1 : key;
        }
    const char *nearest = vd_nearest(name, names, count);
    for (int i = 0; nearest && i < count; i++)
        if (names[i] == nearest)
            return keys[i];
    for (int i = 0; i < reading.sections; i++)
        names[i] = *reading.section[i].name ? reading.section[i].name : NULL;
    return vd_nearest(name, names, reading.sections);
}

/* libconfuse's own errors: names that it does not know, and syntax. In the free section this tells of each name. */
static void complain(cfg_t *cfg, const char *fmt, va_list args)
{
    char text[200], name[NAME] = "";
    if (reading.failed)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    bool unknown = sscanf(text, "no such option '%127[^']'", name) == 1;
    if (unknown && is_free(cfg_name(cfg))) { /* said of each name there, but it is taken */
        if (reading.met_count < KEYS_MAX) {
            snprintf(reading.met[reading.met_count].name, NAME, "%s", name);
            reading.met[reading.met_count++].line = cfg->line;
        }
        return;
    }
    reading.failed = true;
    if (!unknown) {
        vd_fail(reading.err, VD_CONFIG, "",
                "%s:%d: %s; write section { key = \"value\" }, with quotes round anything but a word", reading.path,
                cfg->line, text);
        return;
    }
    const char *nearest = nearest_key(name);
    vd_fail(reading.err, VD_CONFIG, "", "%s:%d: %s: no such key here; %s%s%s", reading.path, cfg->line, name,
            nearest ? "did you mean " : "see README, configuration", nearest ? nearest : "", nearest ? "?" : "");
}

/* The section of that name, made when it is new. */
static struct section *section_of(const char *name, size_t length)
{
    int at = 0;
    while (at < reading.sections &&
           (strncmp(reading.section[at].name, name, length) || reading.section[at].name[length]))
        at++;
    assert(at < SECTIONS_MAX && length < WORD);
    if (at == reading.sections)
        memcpy(reading.section[reading.sections++].name, name, length);
    return &reading.section[at];
}

static void gather(void)
{
    section_of("", 0);
    for (int i = 0; i < reading.count; i++) {
        const char *key = reading.rows[i].key, *dot = key ? strchr(key, '.') : NULL;
        if (!key)
            continue;
        struct section *section = section_of(key, dot ? (size_t)(dot - key) : 0);
        section->free = vd_setting_free(&reading.rows[i]);
        if (section->free)
            continue;
        assert(section->count < KEYS_MAX);
        cfg_opt_t *row = &section->keys[section->count++];
        *row = (cfg_opt_t)CFG_STR(dot ? dot + 1 : key, NULL, CFGF_NODEFAULT);
        row->validcb = validate;
    }
}

/* Past what begins at text with a quote or "${", as libconfuse's lexer reads it. */
static char *skip_text(char *text)
{
    char quote = *text, *end;
    if (quote == '$')
        return text[1] == '{' && (end = strchr(text, '}')) ? end + 1 : text + 1;
    for (text++; *text && *text != quote;)
        if (*text == '\\' && text[1])
            text += 2;
        else if (quote == '"' && *text == '$')
            text = skip_text(text);
        else
            text++;
    return *text ? text + 1 : text;
}

/* The end of the comment that begins at text; NULL: none does. `//` and `/` `*` count where no word is under way. */
static char *comment_end(char *text, bool in_word)
{
    char *end;
    if (*text == '#' || (!in_word && text[0] == '/' && text[1] == '/'))
        return text + strcspn(text, "\n");
    if (in_word || text[0] != '/' || text[1] != '*')
        return NULL;
    end = strstr(text + 2, "*/");
    return end ? end + 2 : text + strlen(text);
}

/*
 * libconfuse 3.3 counts lines wrongly where there are comments, and every line that we tell would be beside the point.
 * It also takes the end of a file for the end of a section: returns how many were left open.
 */
static int blank_comments(char *text)
{
    bool in_word = false;
    int open = 0;
    while (*text) {
        char *end = comment_end(text, in_word);
        if (end) {
            for (; text < end; text++)
                if (*text != '\n')
                    *text = ' ';
            in_word = false;
        } else if (strchr("\"'$", *text)) {
            text = skip_text(text);
            in_word = false;
        } else {
            open += (*text == '{') - (*text == '}');
            in_word = !strchr(" \t\r\n={}()+,*", *text);
            text++;
        }
    }
    return open;
}

static int parse(const char *text)
{
    cfg_opt_t top[KEYS_MAX + SECTIONS_MAX + 1];
    int count = 0;
    for (; count < reading.section[0].count; count++)
        top[count] = reading.section[0].keys[count];
    for (int i = 1; i < reading.sections; i++) {
        struct section *section = &reading.section[i];
        section->keys[section->count] = (cfg_opt_t)CFG_END();
        top[count] = (cfg_opt_t)CFG_SEC(section->name, section->keys, CFGF_NONE);
        if (section->free) {
            top[count].flags = CFGF_KEYSTRVAL;
            top[count].validcb = validate_free;
        }
        count++;
    }
    top[count] = (cfg_opt_t)CFG_END();
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

static char *read_text(FILE *file, const char *path, const char *cure, struct vd_err *err)
{
    struct stat st;
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > LARGEST_FILE) {
        vd_fail(err, VD_CONFIG, "", "%s: is not a small regular file; %s", path, cure);
        return NULL;
    }
    size_t size = (size_t)st.st_size;
    char *text = calloc(1, size + 1);
    if (!text) {
        vd_fail(err, VD_AGAIN, "", "%s: no memory to read it; free some", path);
    } else if (fread(text, 1, size, file) != size || strlen(text) != size) {
        vd_fail(err, VD_CONFIG, "", "%s: cannot be read as text; %s", path, cure);
        free(text);
        text = NULL;
    }
    return text;
}

/* Not left to libconfuse: its lexer ends the program when a read fails, as of a folder. */
char *vd_conf_text(const char *path, int missing_ok, const char *cure, struct vd_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        if (errno != ENOENT || !missing_ok)
            vd_fail(err, VD_CONFIG, "", "%s: %s; %s", path, strerror(errno), cure);
        return NULL;
    }
    char *text = read_text(file, path, cure, err);
    fclose(file);
    return text;
}

int vd_conf_file(const char *path, int required, const struct vd_setting *rows, int count, void *settings,
                 struct vd_conf *conf, struct vd_err *err)
{
    struct vd_err why = {0};
    char *text = vd_conf_text(path, !required, "check --config", &why);
    int ret = -1;
    if (!text && !why.code)
        return 0;
    if (!text) {
        *err = why;
        return -1;
    }
    memset(&reading, 0, sizeof reading);
    reading.rows = rows;
    reading.count = count;
    reading.section = calloc(SECTIONS_MAX, sizeof *reading.section);
    reading.path = path;
    reading.settings = settings;
    reading.conf = conf;
    reading.err = err;
    if (reading.section) {
        gather();
        int unclosed = blank_comments(text);
        ret = parse(text);
        if (ret == 0 && unclosed)
            ret = vd_fail(err, VD_CONFIG, "", "%s: ends within a section; add the } that is missing", path);
    } else {
        vd_fail(err, VD_AGAIN, "", "%s: no memory to read it; free some", path);
    }
    free(reading.section);
    free(text);
    return ret;
}
