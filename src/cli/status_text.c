/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include "vidriera/text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { WORD = 512, ENDS = 20, STATE_WIDTH = 11 };

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static const char *path_of(const json_t *job)
{
    return text_of(json_object_get(job, "input"), "path");
}

/* What a person knows it by. It was given by somebody. */
static void name(const json_t *job, char text[WORD])
{
    const char *path = path_of(job);
    snprintf(text, WORD, "%s%s", *path ? "" : "job ", *path ? path : text_of(job, "job"));
    vd_text_clean(text);
}

/* What can be done about it, by its id; empty: nothing, or that is its name already. */
static void command(const json_t *job, char text[WORD])
{
    bool retry = json_is_true(json_object_get(job, "retry")), cancel = json_is_true(json_object_get(job, "cancel"));
    *text = '\0';
    if (*path_of(job) && (retry || cancel))
        snprintf(text, WORD, "vidriera %s %s", retry ? "retry" : "cancel", text_of(job, "job"));
    vd_text_clean(text);
}

__attribute__((format(printf, 2, 3))) static void add(char text[WORD], const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list args;
    if (used && used < WORD - 2)
        used = (size_t)(stpcpy(text + used, ", ") - text);
    va_start(args, fmt);
    vsnprintf(text + used, WORD - used, fmt, args);
    va_end(args);
}

/* As the page says it. */
static void add_left(char text[WORD], double left)
{
    char span[48];
    long seconds = lround(left), minutes = seconds / 60;
    if (minutes < 1)
        snprintf(span, sizeof span, "%ld s left", seconds);
    else if (minutes < 60)
        snprintf(span, sizeof span, "%ld min %ld s left", minutes, seconds % 60);
    else
        snprintf(span, sizeof span, "%ld h %ld min left", minutes / 60, minutes % 60);
    add(text, "%s", span);
}

/* What is known of it, in its state. */
static void facts(const json_t *job, char text[WORD])
{
    const char *state = text_of(job, "state");
    const json_t *error = json_object_get(job, "error"), *fraction = json_object_get(job, "fraction");
    const double fps = json_number_value(json_object_get(job, "fps"));
    const double left = json_number_value(json_object_get(job, "left_s"));
    const double speed = json_number_value(json_object_get(json_object_get(job, "metrics"), "speed"));
    *text = '\0';
    if (!strcmp(state, "running") && json_is_number(fraction))
        add(text, "%.0f %%", 100 * json_number_value(fraction));
    if (!strcmp(state, "running") && fps > 0)
        add(text, "%.0f fps", fps);
    if (!strcmp(state, "running") && left > 0)
        add_left(text, left);
    if (speed > 0)
        add(text, "%.1fx", speed);
    if (error)
        snprintf(text, WORD, "%s%s%s", text_of(error, "why"), *text_of(error, "cure") ? "; " : "",
                 text_of(error, "cure"));
    vd_text_clean(text);
}

/* At most `width` bytes, not in the middle of a character. */
static int fit(const char *text, int width)
{
    int size = (int)strlen(text);
    if (size <= width)
        return size;
    while (width > 0 && ((unsigned char)text[width] & 0xc0) == 0x80)
        width--;
    return width;
}

static void print_job(FILE *to, const json_t *job, int width)
{
    char what[WORD], more[WORD];
    int left = width - STATE_WIDTH;
    name(job, what);
    facts(job, more);
    int size = (int)strlen(what);
    fprintf(to, "%-*s%.*s", STATE_WIDTH, text_of(job, "state"), fit(what, left), what);
    if (*more && size + 2 + (int)strlen(more) <= left)
        fprintf(to, "%*s%s\n", left - size - (int)strlen(more), "", more);
    else if (*more)
        fprintf(to, "\n%*s%s\n", STATE_WIDTH, "", more);
    else
        fputc('\n', to);
    command(job, more);
    if (*more)
        fprintf(to, "%*s%s\n", STATE_WIDTH, "", more);
}

static bool is(const json_t *job, const char *states)
{
    const char *state = text_of(job, "state"), *at = *state ? strstr(states, state) : NULL;
    return at && (at[strlen(state)] == ' ' || !at[strlen(state)]);
}

/* How many there are; the first of them are printed. */
static int print_those(FILE *to, const json_t *jobs, const char *states, int most, int width)
{
    size_t i;
    json_t *job;
    int number = 0;
    json_array_foreach ((json_t *)jobs, i, job)
        if (is(job, states) && number++ < most)
            print_job(to, job, width);
    return number;
}

static void print_process(FILE *to, const json_t *board)
{
    const json_t *device = json_object_get(board, "device");
    const char *need;
    json_t *words;
    bool alive = json_is_true(json_object_get(board, "alive")), ready = json_is_true(json_object_get(board, "ready"));
    fprintf(to, "%s %s: %s", text_of(board, "kind"), text_of(board, "worker"),
            !alive   ? "stuck"
            : !ready ? "not ready"
                     : "ready");
    if (json_is_object(device))
        fprintf(to, ", %lld of %lld slots at work, on %s",
                (long long)json_integer_value(json_object_get(board, "working")),
                (long long)json_integer_value(json_object_get(board, "slots")), text_of(device, "name"));
    fputc('\n', to);
    if (*text_of(device, "reason"))
        fprintf(to, "  a faster device is not used because %s\n", text_of(device, "reason"));
    json_object_foreach (json_object_get(board, "needs"), need, words)
        if (json_is_string(words))
            fprintf(to, "  %s: %s\n", need, json_string_value(words));
    fputc('\n', to);
}

void vd_status_print(FILE *to, const json_t *board, int width)
{
    const json_t *jobs = json_object_get(board, "jobs");
    const long long waiting = json_integer_value(json_object_get(board, "waiting"));
    print_process(to, board);
    print_those(to, jobs, "running retrying", 1000, width);
    int shown = print_those(to, jobs, "waiting", ENDS, width);
    shown = shown < ENDS ? shown : ENDS;
    if (waiting > shown)
        fprintf(to, "%-*sand %lld more\n", STATE_WIDTH, "waiting", waiting - shown);
    print_those(to, jobs, "failed rejected", ENDS, width);
    print_those(to, jobs, "completed cancelled", ENDS, width);
    if (!json_array_size(jobs) && !waiting)
        fputs("no jobs\n", to);
}

void vd_status_line(FILE *to, const json_t *job)
{
    char what[WORD], more[WORD];
    if (is(job, "gone"))
        return;
    name(job, what);
    facts(job, more);
    fprintf(to, "%s %s%s%s", text_of(job, "state"), what, *more ? ": " : "", more);
    command(job, more);
    fprintf(to, "%s%s\n", *more ? "; " : "", more);
}
