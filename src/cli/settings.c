/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *member(const struct vd_setting *row, void *settings)
{
    return (char *)settings + row->offset;
}

static int want(char *wanted, size_t size, const char *what)
{
    snprintf(wanted, size, "%s", what);
    return -1;
}

static int parse_flag(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    bool *flag = member(row, settings);
    *flag = !text || !strcmp(text, "yes") || !strcmp(text, "true");
    if (*flag || !strcmp(text, "no") || !strcmp(text, "false"))
        return 0;
    return want(wanted, size, "yes or no");
}

static int parse_text(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    *(const char **)member(row, settings) = text;
    return *text ? 0 : want(wanted, size, "a name");
}

/* Digits, perhaps with a point among them: no sign, no exponent, no nan. *end: what follows. */
static bool read_number(const char *text, char **end, double *value)
{
    size_t size = strspn(text, "0123456789.");
    if (strcspn(text, "0123456789") >= size)
        return false;
    *value = strtod(text, end);
    return *end == text + size;
}

static int parse_number(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    char *end;
    double value;
    if (read_number(text, &end, &value) && !*end && value >= row->min && value <= row->max) {
        *(double *)member(row, settings) = value;
        return 0;
    }
    snprintf(wanted, size, "a number from %g to %g", row->min, row->max);
    return -1;
}

static int parse_split(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    char *end;
    double value;
    const char *dot = strchr(text, '.');
    if (read_number(text, &end, &value) && !*end && value >= 0 && value <= 1 && (!dot || strlen(dot + 1) <= 4)) {
        *(int *)member(row, settings) = (int)lround(value * 10000);
        return 0;
    }
    return want(wanted, size, "a number from 0 to 1 of at most 4 decimals");
}

static int parse_count(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    char *end;
    double value;
    if (read_number(text, &end, &value) && !*end && value == floor(value) && value >= row->min && value <= row->max) {
        *(int *)member(row, settings) = (int)value;
        return 0;
    }
    snprintf(wanted, size, "a whole number from %.0f to %.0f", row->min, row->max);
    return -1;
}

/* A limit: a whole number, with a unit. */
static int parse_units(const struct vd_setting *row, const char *text, void *settings, const char *units,
                       const double *factors, char *wanted, size_t size)
{
    char *end = NULL;
    double value;
    bool number = read_number(text, &end, &value);
    const char *unit = number && *end && !end[1] ? strchr(units, tolower((unsigned char)*end)) : NULL;
    if (number && unit)
        value *= factors[unit - units];
    if (number && (unit || !*end) && value == floor(value) && value >= row->min && value <= row->max) {
        *(int64_t *)member(row, settings) = (int64_t)value;
        return 0;
    }
    snprintf(wanted, size, "a whole number from %.0f to %.0f, or one with %s", row->min, row->max,
             *units == 'k' ? "k, M or G" : "s, m or h");
    return -1;
}

static int parse_size(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    static const double factors[] = {1024, 1048576, 1073741824};
    return parse_units(row, text, settings, "kmg", factors, wanted, size);
}

static int parse_time(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    static const double factors[] = {1, 60, 3600};
    return parse_units(row, text, settings, "smh", factors, wanted, size);
}

static int parse_colour(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    if (vd_colour_parse(text, member(row, settings)) == 0)
        return 0;
    return want(wanted, size, "#rrggbb or a colour's name, such as blue");
}

/* One of the words that next(i) names; its index, or -1. */
static int find_word(const char *text, const char *(*next)(int i), char *wanted, size_t size)
{
    size_t used = (size_t)snprintf(wanted, size, "one of");
    for (int i = 0; next(i); i++) {
        if (!strcmp(next(i), text))
            return i;
        if (used < size)
            used += (size_t)snprintf(wanted + used, size - used, "%s %s", i ? "," : "", next(i));
    }
    return -1;
}

static int parse_effect(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    struct vd_settings *all = settings;
    (void)row;
    if (find_word(text, vd_effect_name, wanted, size) < 0)
        return -1;
    snprintf(all->job.recipe.effect.name, sizeof all->job.recipe.effect.name, "%s", text);
    return 0;
}

static int parse_preset(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    struct vd_settings *all = settings;
    (void)row;
    if (find_word(text, vd_preset_name, wanted, size) < 0)
        return -1;
    snprintf(all->job.recipe.preset, sizeof all->job.recipe.preset, "%s", text);
    return 0;
}

static int parse_codec(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    if (vd_codec_parse(text, member(row, settings)) == 0)
        return 0;
    return want(wanted, size, "auto, h264, hevc or av1");
}

static const char *progress_name(int i)
{
    static const char *const names[] = {"auto", "plain", "none"};
    return i < 3 ? names[i] : NULL;
}

static int parse_progress(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    int found = find_word(text, progress_name, wanted, size);
    if (found < 0)
        return -1;
    *(enum vd_progress_mode *)member(row, settings) = (enum vd_progress_mode)found;
    return 0;
}

static int parse_device(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    static const char *const names[] = {"auto", "cpu", "opencl", "vaapi", "cuda"};
    struct vd_settings *all = settings;
    size_t length = strcspn(text, ":");
    (void)row;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && !strncmp(text, names[i], length) && strlen(text) < sizeof all->device &&
            (!text[length] || (i >= 2 && text[length + 1]))) {
            snprintf(all->device, sizeof all->device, "%s", text);
            return 0;
        }
    return want(wanted, size, "auto, cpu, or opencl, vaapi or cuda with :PATH or :INDEX if you like");
}

static int parse_log_format(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    bool *json = member(row, settings);
    *json = !strcmp(text, "json");
    return *json || !strcmp(text, "text") ? 0 : want(wanted, size, "text or json");
}

static int parse_verbose(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    enum vd_level *level = member(row, settings);
    (void)text, (void)wanted, (void)size;
    *level = *level < VD_LOG_DEBUG ? VD_LOG_DEBUG : VD_LOG_TRACE;
    return 0;
}

static int parse_quiet(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    (void)text, (void)wanted, (void)size;
    *(enum vd_level *)member(row, settings) = VD_LOG_ERROR;
    return 0;
}

#define AT(field) offsetof(struct vd_settings, field)
#define EFFECT(field) AT(job.recipe.effect.field)
#define LIMIT(field) AT(job.limits.field)

/* A row of help alone: what the rows below are about. */
#define HEADING(text, commands)                                                                                        \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, NULL, 0, 0, 0, NULL, text, commands                                                       \
    }

static const struct vd_setting table[] = {
    HEADING("Output", VD_COMMAND_PROCESS),
    {"output", 'o', "OUTPUT", NULL, parse_text, AT(output), 0, 0, "<stem>.tinted.<ext> beside INPUT",
     "where to write; .mp4, .mov or .mkv decides the container", VD_COMMAND_PROCESS},
    {"overwrite", 0, NULL, NULL, parse_flag, AT(overwrite), 0, 0, NULL, "replace what is there, in one step",
     VD_COMMAND_PROCESS},
    {"preview", 0, "FILE.png", NULL, parse_text, AT(preview), 0, 0, NULL,
     "also write a frame from the middle, before and after", VD_COMMAND_PROCESS},
    {"json", 0, NULL, NULL, parse_flag, AT(json), 0, 0, NULL, "print the result document on stdout",
     VD_COMMAND_PROCESS},
    {"progress", 0, "MODE", "process.progress", parse_progress, AT(progress), 0, 0, "auto",
     "auto (a bar on a terminal), plain (lines) or none", VD_COMMAND_PROCESS},
    HEADING("Effect", VD_COMMAND_PROCESS),
    {"effect", 0, "NAME", "effect.name", parse_effect, 0, 0, 0, "split-tint", "split-tint or none", VD_COMMAND_PROCESS},
    {"left", 0, "COLOUR", "effect.left", parse_colour, EFFECT(left), 0, 0, "blue", "#rrggbb or a colour's name",
     VD_COMMAND_PROCESS},
    {"right", 0, "COLOUR", "effect.right", parse_colour, EFFECT(right), 0, 0, "red", "the same for the right part",
     VD_COMMAND_PROCESS},
    {"strength", 0, "S", "effect.strength", parse_number, EFFECT(strength), 0, 1, "0.3",
     "how much of the colour, 0 to 1", VD_COMMAND_PROCESS},
    {"split", 0, "F", "effect.split", parse_split, EFFECT(split), 0, 1, "0.5",
     "where right begins, 0 to 1 of the width as displayed", VD_COMMAND_PROCESS},
    HEADING("How it is made", VD_COMMAND_PROCESS),
    {"device", 0, "DEVICE", "process.device", parse_device, 0, 0, 0, "auto",
     "auto, cpu, opencl, vaapi or cuda, with :PATH or :INDEX", VD_COMMAND_PROCESS},
    {"codec", 0, "CODEC", "output.codec", parse_codec, AT(job.recipe.codec), 0, 0, "auto",
     "h264, hevc or av1; auto: h264, or hevc above 8 bits", VD_COMMAND_PROCESS},
    {"preset", 0, "P", "output.preset", parse_preset, 0, 0, 0, "veryfast",
     "ultrafast to placebo, x264's names for every encoder", VD_COMMAND_PROCESS},
    {"quality", 0, "Q", "output.quality", parse_number, AT(job.recipe.quality), 0, 51, "23",
     "0 (best) to 51, x264's scale for every encoder", VD_COMMAND_PROCESS},
    {"threads", 0, "N", "process.threads", parse_count, AT(job.threads), 0, VD_THREADS_MAX, "0",
     "for decoding and for encoding each; 0: as many as pay", VD_COMMAND_PROCESS},
    HEADING("Limits: an input beyond one is refused", VD_COMMAND_PROCESS),
    {"max-pixels", 0, "N", "limits.pixels", parse_size, LIMIT(pixels), 1, 1e9, "64M", "pixels of one picture",
     VD_COMMAND_PROCESS},
    {"max-streams", 0, "N", "limits.streams", parse_size, LIMIT(streams), 1, 1000, "64", "streams in the input",
     VD_COMMAND_PROCESS},
    {"max-probe", 0, "BYTES", "limits.probe", parse_size, LIMIT(probe_bytes), 2048, 1e9, "5M",
     "bytes read to find out what the input is", VD_COMMAND_PROCESS},
    {"max-duration", 0, "TIME", "limits.duration", parse_time, LIMIT(duration_s), 1, 1e7, "24h", "length of the input",
     VD_COMMAND_PROCESS},
    {"max-memory", 0, "BYTES", "limits.memory", parse_size, LIMIT(memory_bytes), 1 << 26, 1e13, "4G",
     "memory of the media process", VD_COMMAND_PROCESS},
    {"stall", 0, "TIME", "limits.stall", parse_time, LIMIT(stall_s), 1, 1e6, "60s",
     "time without progress, then the media process is ended", VD_COMMAND_PROCESS},
    HEADING("In every command", (unsigned)VD_COMMAND_ALL),
    {"config", 0, "FILE", NULL, parse_text, AT(config), 0, 0, "/etc/vidriera/vidriera.conf if there",
     "settings from a file", (unsigned)VD_COMMAND_ALL},
    {"log-format", 0, "FORMAT", "log.format", parse_log_format, AT(log.json), 0, 0, "text", "text or json",
     (unsigned)VD_COMMAND_ALL},
    {"verbose", 'v', NULL, NULL, parse_verbose, AT(log.level), 0, 0, NULL, "more of what happens; twice: all of it",
     (unsigned)VD_COMMAND_ALL},
    {"quiet", 'q', NULL, NULL, parse_quiet, AT(log.level), 0, 0, NULL, "errors only", (unsigned)VD_COMMAND_ALL},
    {"help", 'h', NULL, NULL, parse_flag, AT(help), 0, 0, NULL, "this help", (unsigned)VD_COMMAND_ALL},
    {"version", 0, NULL, NULL, parse_flag, AT(version), 0, 0, NULL, "the version", (unsigned)VD_COMMAND_ALL},
};

const struct vd_setting *vd_settings_table(int *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}
