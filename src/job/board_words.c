/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of errors and warnings, without what they must not tell. */
#include "board_inner.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char recording[] = "the recording", machine[] = "a path of this machine";
static const char command[] = "run as root"; /* as all cures that are one begin; what is quoted in it is a path */

static bool inner(char c)
{
    return isalnum((unsigned char)c);
}

/* Words are cleaned (text.h): what moves cursors stands there as '?'. */
static bool same(char said, char meant)
{
    unsigned char byte = (unsigned char)meant;
    return said == meant || (said == '?' && (byte < 0x20 || byte >= 0x7f));
}

/*
 * How much of the text is a part of the path: from the beginning of a component to the end of one, or to a dot in it. Text
 * may have been cut off in the middle. Less than three bytes name nothing, unless they are the whole.
 */
static size_t path_at(const char *text, const char *path)
{
    size_t best = 0;
    for (const char *start = path; *start;) {
        size_t n = 0;
        while (text[n] && start[n] && same(text[n], start[n]))
            n++;
        if (text[n])
            while (n > 0 && ((start[n] && start[n] != '/' && start[n] != '.') || inner(text[n])))
                n--;
        bool whole = start == path && !start[n];
        if ((n >= 3 || whole) && n > best)
            best = n;
        const char *slash = strchr(start, '/');
        start = slash ? slash + 1 : start + strlen(start);
    }
    return best;
}

static size_t hidden_at(const char *text, const struct vd_hidden *hidden)
{
    size_t best = 0;
    for (int i = 0; i < hidden->count; i++) {
        size_t n = hidden->text[i] && *hidden->text[i] ? path_at(text, hidden->text[i]) : 0;
        best = n > best ? n : best;
    }
    return best;
}

/* Up to where a sentence goes on. */
static size_t clause(const char *text)
{
    size_t n = 0;
    while (text[n] && !((text[n] == ':' || text[n] == ';' || text[n] == ',') && (text[n + 1] == ' ' || !text[n + 1])))
        n++;
    return n;
}

/* A path beneath a root, whatever it is. */
static size_t rooted_at(const char *text, const struct vd_hidden *hidden)
{
    static const char *const roots[] = {"recordings/", "processed/", "archived/", "failed/"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t root = strlen(roots[i]);
        if (strncmp(text, roots[i], root))
            continue;
        size_t known = hidden_at(text + root, hidden), any = clause(text + root);
        return root + (known > any ? known : any);
    }
    return 0;
}

/* Up to the quote that ends it. One within stands as in a shell's word. */
static size_t quoted(const char *text)
{
    size_t n = 0;
    while (text[n] && (text[n] != '\'' || !strncmp(text + n, "'\\''", 4)))
        n += text[n] == '\'' ? 4 : 1;
    return n;
}

/* An absolute path. first: words begin with it, and it may have spaces; so may one in quotes. */
static size_t absolute_at(const char *text, bool first, bool in_quotes)
{
    if (text[0] != '/' || !(inner(text[1]) || strchr("._-", text[1])) || !text[1])
        return 0;
    if (in_quotes)
        return quoted(text);
    size_t n = clause(text);
    return first ? n : strcspn(text, " ") < n ? strcspn(text, " ") : n;
}

/* The node of a device, without its folder. That there is none is said without its name. 0: here is none. */
static size_t put_node(FILE *out, const char *text)
{
    static const char none[] = ": no ";
    size_t size = strcspn(text, ":;, '"), name = strncmp(text, "/dev/dri/", 9) ? 5 : 9;
    if (strncmp(text, "/dev/", 5) || size <= name || memchr(text + name, '/', size - name))
        return 0;
    if (!strncmp(text + size, none, sizeof none - 1))
        return size + 2;
    fwrite(text + name, size - name, 1, out);
    return size;
}

char *vd_board_words(const char *text, const struct vd_hidden *hidden)
{
    char *made = NULL;
    size_t size, n;
    bool in_command = false;
    const char *closed = text; /* behind a quote that ended a path */
    FILE *out = open_memstream(&made, &size);
    if (!out)
        return NULL;
    for (const char *at = text; *at; at += n) {
        bool border = at == text || !inner(at[-1]);
        bool apart = at == text || strchr(" \"'(=[:", at[-1]);
        bool first = at == text || (at >= text + 2 && at[-1] == ' ' && at[-2] == ':');
        bool quotes = at > closed && at[-1] == '\'';
        in_command |= border && !strncmp(at, command, sizeof command - 1);
        if (hidden && in_command) { /* it is of no use without its path */
            fputs("the log has the command", out);
            break;
        }
        if (in_command && quotes) {
            n = quoted(at);
            fputs(machine, out);
            if (at[n] && fputc('\'', out) != EOF)
                n++;
            closed = at + n;
            continue;
        }
        if (apart && (n = put_node(out, at)) > 0)
            continue;
        if (apart && (n = absolute_at(at, first, quotes)) > 0)
            fputs(machine, out);
        else if (border && hidden && ((n = rooted_at(at, hidden)) > 0 || (n = hidden_at(at, hidden)) > 0))
            fputs(recording, out);
        else
            fwrite(at, n = 1, 1, out);
    }
    if (fclose(out) == 0)
        return made;
    free(made);
    return NULL;
}

char *vd_board_public(const char *text)
{
    static const struct vd_hidden nothing = {0};
    return vd_board_words(text, &nothing);
}

static bool names_something(const char *member)
{
    static const char *const names[] = {"path", "session", "meta", "title"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(member, names[i]))
            return true;
    return false;
}

/* Documents are ours or have a bound on their depth. */
json_t *vd_board_clean(const json_t *value, const struct vd_hidden *hidden) // NOLINT(misc-no-recursion)
{
    json_t *made, *member;
    const char *name;
    size_t i;
    if (json_is_string(value)) {
        char *words = vd_board_words(json_string_value(value), hidden);
        made = words ? json_string(words) : NULL;
        free(words);
        return made ? made : json_null();
    }
    if (json_is_array(value)) {
        made = json_array();
        json_array_foreach (value, i, member)
            json_array_append_new(made, vd_board_clean(member, hidden));
        return made;
    }
    if (!json_is_object(value))
        return json_copy((json_t *)value);
    made = json_object();
    json_object_foreach ((json_t *)value, name, member)
        if (!hidden || !names_something(name))
            json_object_set_new(made, name, vd_board_clean(member, hidden));
    return made;
}

/* What the last clause says, which is what to do; NULL: there is one alone. */
static char *last_clause(const char *text)
{
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, "; ")); at += 2)
        last = at + 2;
    return (char *)last;
}

json_t *vd_board_error(const json_t *error, const struct vd_hidden *hidden)
{
    static const char *const members[] = {"class", "code", "stage"};
    const char *message = json_string_value(json_object_get(error, "message"));
    if (!message)
        return NULL;
    json_t *made = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(error, members[i]))
            json_object_set(made, members[i], json_object_get(error, members[i]));
    char *words = vd_board_words(message, hidden), *cure = words ? last_clause(words) : NULL;
    const char *whole = last_clause(message);
    if (cure) {
        cure[-2] = 0;
        bool of_node = whole && strstr(whole, "/dev/"); /* and of no use without its folder */
        json_object_set_new(made, "cure", json_string(of_node ? "vidriera doctor tells what mends it" : cure));
    }
    if (words)
        json_object_set_new(made, "why", json_string(words));
    free(words);
    return made;
}
