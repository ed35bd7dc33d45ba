/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include "vidriera/supervisor.h"

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

static int parse_folder(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    *(const char **)member(row, settings) = text;
    return *text == '/' ? 0 : want(wanted, size, "a path that begins with /");
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
    static const char *const names[] = {"auto", "cpu", "opencl", "vaapi", "vaapi-opencl", "vaapi-host", "cuda"};
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
    static const char *const names[] = {"auto", "text", "json"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i])) {
            *(enum vd_log_format *)member(row, settings) = (enum vd_log_format)i;
            return 0;
        }
    return want(wanted, size, "auto, text or json");
}

static int parse_level(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    int found = find_word(text, vd_log_level_name, wanted, size);
    if (found < 0)
        return -1;
    *(enum vd_level *)member(row, settings) = (enum vd_level)found;
    return 0;
}

/* vd_web_start() says what is wrong with an address. */
static int parse_listen(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    *(const char **)member(row, settings) = text;
    return !strcmp(text, "off") || strchr(text, ':') ? 0 : want(wanted, size, "ADDRESS:PORT, or off");
}

static int parse_archive(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    bool *move = member(row, settings);
    *move = !strcmp(text, "move");
    return *move || !strcmp(text, "keep") ? 0 : want(wanted, size, "move or keep");
}

/* One pair for librdkafka; a later one of the same name takes its place. */
static int parse_kafka(const struct vd_setting *row, const char *text, void *settings, char *wanted, size_t size)
{
    struct vd_settings *all = settings;
    const char *name = strchr(row->key, '.') + 1;
    int at = 0;
    while (at < all->kafka_count && strcmp(all->kafka[at].name, name))
        at++;
    if (at == VD_KAFKA_MAX) {
        snprintf(wanted, size, "at most %d keys", VD_KAFKA_MAX);
        return -1;
    }
    all->kafka[at] = (struct vd_pair){name, text};
    all->kafka_count += at == all->kafka_count;
    return 0;
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

#define MAKE (VD_COMMAND_PROCESS | VD_COMMAND_RUN)
#define RECIPE (MAKE | VD_COMMAND_SUBMIT)
#define DEVICES (MAKE | VD_COMMAND_WORKER | VD_COMMAND_DOCTOR)
#define SERVICES (VD_COMMAND_RUN | VD_COMMAND_WORKER | VD_COMMAND_WATCH)
#define WORKERS (VD_COMMAND_RUN | VD_COMMAND_WORKER)
#define WATCHES (VD_COMMAND_RUN | VD_COMMAND_WATCH)
#define ACTS (VD_COMMAND_CANCEL | VD_COMMAND_RETRY)
#define ASKS (VD_COMMAND_STATUS | VD_COMMAND_HEALTH)
#define EVERY ((unsigned)VD_COMMAND_ALL)

/* A row of help alone: what the rows below are about. */
#define HEADING(text, commands)                                                                                        \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, NULL, 0, 0, 0, NULL, text, commands                                                       \
    }

/* In the file and the environment only. */
#define KEY(key, metavar, parse, offset, min, max, shown, help, commands)                                              \
    {                                                                                                                  \
        NULL, 0, metavar, key, parse, offset, min, max, shown, help, commands                                          \
    }

static const struct vd_setting table[] = {
    HEADING("What is wanted", VD_COMMAND_TOPICS | VD_COMMAND_CONFIG | VD_COMMAND_STATUS | VD_COMMAND_HEALTH),
    {"check", 0, NULL, NULL, parse_flag, AT(check), 0, 0, NULL, "is everything as it should be?",
     VD_COMMAND_TOPICS | VD_COMMAND_CONFIG},
    {"create", 0, NULL, NULL, parse_flag, AT(create), 0, 0, NULL, "make the topics that are missing",
     VD_COMMAND_TOPICS},
    {"print", 0, NULL, NULL, parse_flag, AT(print), 0, 0, NULL,
     "the configuration in force as a file, with where each value comes from, secrets hidden", VD_COMMAND_CONFIG},
    {"follow", 0, NULL, NULL, parse_flag, AT(follow), 0, 0, NULL, "go on telling what changes", VD_COMMAND_STATUS},
    {"ready", 0, NULL, NULL, parse_flag, AT(ready), 0, 0, NULL, "can it take jobs?", VD_COMMAND_HEALTH},
    {"wait", 0, NULL, NULL, parse_flag, AT(wait), 0, 0, NULL, "follow the jobs, and end as they do", VD_COMMAND_SUBMIT},
    HEADING("Folders", SERVICES | ACTS | VD_COMMAND_SUBMIT | VD_COMMAND_CONFIG),
    {"data", 0, "DIR", "data", parse_text, AT(data), 0, 0, NULL,
     "the folder that holds recordings, processed, archived and failed",
     SERVICES | ACTS | VD_COMMAND_SUBMIT | VD_COMMAND_CONFIG},
    KEY("data_on_host", "DIR", parse_text, AT(data_on_host), 0, 0, NULL,
        "data as the host of this container has it, for the commands that messages name", SERVICES | VD_COMMAND_SUBMIT),
    KEY("recordings", "DIR", parse_text, AT(folder[VD_RECORDINGS]), 0, 0, NULL,
        "what comes in; else recordings in data", SERVICES | VD_COMMAND_SUBMIT),
    KEY("processed", "DIR", parse_text, AT(folder[VD_PROCESSED]), 0, 0, NULL, "what was made; else processed in data",
        SERVICES | VD_COMMAND_SUBMIT),
    KEY("archived", "DIR", parse_text, AT(folder[VD_ARCHIVED]), 0, 0, NULL,
        "originals that are done; else archived in data", SERVICES | VD_COMMAND_SUBMIT),
    KEY("failed", "DIR", parse_text, AT(folder[VD_FAILED_ROOT]), 0, 0, NULL,
        "originals that cannot be processed, with the reason; else failed in data", SERVICES | VD_COMMAND_SUBMIT),
    KEY("archive", "move|keep", parse_archive, AT(archive_move), 0, 0, "move",
        "what becomes of an original that is done: keep leaves it where it is", WORKERS),
    HEADING("Kafka",
            ACTS | VD_COMMAND_WORKER | VD_COMMAND_WATCH | VD_COMMAND_SUBMIT | VD_COMMAND_TOPICS | VD_COMMAND_CONFIG),
    {"kafka", 'X', "NAME=VALUE", "kafka.*", parse_kafka, 0, 0, 0, NULL,
     "anything librdkafka knows: bootstrap.servers, security.protocol, sasl.password …",
     ACTS | VD_COMMAND_WORKER | VD_COMMAND_WATCH | VD_COMMAND_SUBMIT | VD_COMMAND_TOPICS | VD_COMMAND_CONFIG},
    {"instance", 0, "NAME", "instance", parse_text, AT(instance), 0, 0, NULL,
     "a name that stays, of this worker alone: after a restart it has its partitions at once", VD_COMMAND_WORKER},
    KEY("create_topics", "yes|no", parse_flag, AT(create_topics), 0, 0, "yes",
        "make the topics that are missing at start", VD_COMMAND_WORKER),
    HEADING("The worker", WORKERS),
    {"slots", 0, "N", "worker.slots", parse_count, AT(slots), 0, VD_SLOTS_MAX, "0",
     "jobs at a time; 0: one for every two processors", WORKERS},
    {"once", 0, NULL, NULL, parse_flag, AT(once), 0, 0, NULL, "end after what is there: one job, one look",
     VD_COMMAND_WORKER | VD_COMMAND_WATCH},
    {"wait-s", 0, "TIME", NULL, parse_time, AT(wait_s), 0, 1e6, "30", "with --once: how long to wait for the job",
     VD_COMMAND_WORKER},
    {"max-jobs", 0, "N", NULL, parse_count, AT(max_jobs), 0, 1e9, "0", "end after so many jobs; 0: never",
     VD_COMMAND_WORKER},
    {"exit-when-idle", 0, NULL, NULL, parse_flag, AT(exit_when_idle), 0, 0, NULL,
     "end when nothing is unfinished, growing or running", VD_COMMAND_RUN},
    KEY("worker.name", "NAME", parse_text, AT(worker_name), 0, 0, NULL, "as results tell it; else the host's name",
        WORKERS),
    KEY("worker.group", "NAME", parse_text, AT(group), 0, 0, "vidriera",
        "Kafka's consumer group: its workers share the jobs", VD_COMMAND_WORKER),
    KEY("worker.slot_jobs", "N", parse_count, AT(slot_jobs), 1, 1e6, "100", "a media process is replaced after so many",
        WORKERS),
    KEY("worker.attempts", "N", parse_count, AT(attempts), 1, 1000, "3", "of a job whose fault may pass", WORKERS),
    KEY("worker.timeout", "TIME", parse_time, AT(timeout_s), 0, 1e7, "12h", "of one attempt; 0: none", WORKERS),
    KEY("worker.drain", "TIME", parse_time, AT(drain_s), 0, 1e7, "8s",
        "how long running jobs may go on after SIGTERM; docker stop kills after 10s, Kubernetes after 30s: raise both",
        WORKERS),
    KEY("worker.reserve", "BYTES", parse_size, AT(reserve_bytes), 0, 1e15, "256M",
        "free space that must be there before a job begins", WORKERS),
    HEADING("The watch", WATCHES),
    KEY("watch.quiet", "TIME", parse_time, AT(quiet_s), 1, 1e6, "5s",
        "a recording is finished when it has not changed for so long", WATCHES),
    KEY("watch.rescan", "TIME", parse_time, AT(rescan_s), 1, 1e6, "10s",
        "how often to look where the kernel does not tell of changes", WATCHES),
    HEADING("HTTP: health, metrics, the page", SERVICES | ASKS),
    KEY("http.listen", "ADDRESS:PORT|off", parse_listen, AT(http.listen), 0, 0, VD_HTTP_LISTEN,
        "where the page, health and metrics are; beyond loopback it needs a token", SERVICES | ASKS),
    KEY("http.token_file", "FILE", parse_text, AT(http.token_file), 0, 0, NULL,
        "a private file with one line, the token: for changes, and for everything but health beyond loopback",
        SERVICES | ASKS),
    KEY("http.allowed_hosts", "NAME,NAME", parse_text, AT(http.allowed_hosts), 0, 0, NULL,
        "names under which browsers reach it, beside its address", SERVICES),
    KEY("http.media", "yes|no", parse_flag, AT(http.media), 0, 0, "no",
        "show names of recordings and play them: they are health data", SERVICES),
    KEY("http.metrics_auth", "yes|no", parse_flag, AT(http.metrics_auth), 0, 0, "no", "/metrics wants the token too",
        SERVICES),
    HEADING("Output", VD_COMMAND_PROCESS | VD_COMMAND_SUBMIT | VD_COMMAND_DOCTOR | VD_COMMAND_STATUS),
    {"output", 'o', "OUTPUT", NULL, parse_text, AT(output), 0, 0, "<stem>.tinted.<ext> beside INPUT",
     "where to write; .mp4, .mov or .mkv decides the container", VD_COMMAND_PROCESS},
    {"overwrite", 0, NULL, NULL, parse_flag, AT(overwrite), 0, 0, NULL, "replace what is there, in one step",
     VD_COMMAND_PROCESS},
    {"preview", 0, "FILE.png", NULL, parse_text, AT(preview), 0, 0, NULL,
     "also write a frame from the middle, before and after", VD_COMMAND_PROCESS},
    {"json", 0, NULL, NULL, parse_flag, AT(json), 0, 0, NULL,
     "print the result document on stdout; of submit: with --wait, each job's; of doctor and status: what was found",
     VD_COMMAND_PROCESS | VD_COMMAND_SUBMIT | VD_COMMAND_DOCTOR | VD_COMMAND_STATUS},
    {"progress", 0, "MODE", "process.progress", parse_progress, AT(progress), 0, 0, "auto",
     "auto (a bar on a terminal), plain (lines) or none", VD_COMMAND_PROCESS},
    HEADING("Effect", RECIPE),
    {"effect", 0, "NAME", "effect.name", parse_effect, 0, 0, 0, "split-tint", "split-tint or none", RECIPE},
    {"left", 0, "COLOUR", "effect.left", parse_colour, EFFECT(left), 0, 0, "blue", "#rrggbb or a colour's name",
     RECIPE},
    {"right", 0, "COLOUR", "effect.right", parse_colour, EFFECT(right), 0, 0, "red", "the same for the right part",
     RECIPE},
    {"strength", 0, "S", "effect.strength", parse_number, EFFECT(strength), 0, 1, "0.3",
     "how much of the colour, 0 to 1", RECIPE},
    {"split", 0, "F", "effect.split", parse_split, EFFECT(split), 0, 1, "0.5",
     "where right begins, 0 to 1 of the width as displayed", RECIPE},
    HEADING("How it is made", RECIPE | VD_COMMAND_DOCTOR),
    {"device", 0, "DEVICE", "process.device", parse_device, 0, 0, 0, "auto",
     "auto, cpu, opencl, vaapi or cuda, with :PATH or :INDEX", RECIPE | VD_COMMAND_DOCTOR},
    {"cache", 0, "DIR", "cache", parse_folder, AT(cache), 0, 0, NULL,
     "which devices work, and what their drivers compiled; else vidriera in the user's cache folder", DEVICES},
    KEY("process.without_landlock", "yes|no", parse_flag, LIMIT(without_landlock), 0, 0, "no",
        "use a GPU also where the kernel has no landlock: then its media process can open every file of this user",
        DEVICES),
    {"codec", 0, "CODEC", "output.codec", parse_codec, AT(job.recipe.codec), 0, 0, "auto",
     "h264, hevc or av1; auto: h264, or hevc above 8 bits", RECIPE},
    {"preset", 0, "P", "output.preset", parse_preset, 0, 0, 0, "veryfast",
     "ultrafast to placebo, x264's names for every encoder", RECIPE},
    {"quality", 0, "Q", "output.quality", parse_number, AT(job.recipe.quality), 0, 51, "23",
     "0 (best) to 51, x264's scale for every encoder", RECIPE},
    {"threads", 0, "N", "process.threads", parse_count, AT(job.threads), 0, VD_THREADS_MAX, "0",
     "for decoding and for encoding each; 0: as many as pay", MAKE},
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
    HEADING("In every command", EVERY),
    {"config", 0, "FILE", NULL, parse_text, AT(config), 0, 0, "/etc/vidriera/vidriera.conf if there",
     "settings from a file", EVERY},
    {"log-format", 0, "FORMAT", "log.format", parse_log_format, AT(log_format), 0, 0, "auto",
     "text or json; auto: json of a service whose log is no terminal", EVERY},
    KEY("log.level", "LEVEL", parse_level, AT(log.level), 0, 0, "info", "error, warning, info, debug or trace", EVERY),
    {"verbose", 'v', NULL, NULL, parse_verbose, AT(log.level), 0, 0, NULL, "more of what happens; twice: all of it",
     EVERY},
    {"quiet", 'q', NULL, NULL, parse_quiet, AT(log.level), 0, 0, NULL, "errors only", EVERY},
    {"help", 'h', NULL, NULL, parse_flag, AT(help), 0, 0, NULL, "this help", EVERY},
    {"version", 0, NULL, NULL, parse_flag, AT(version), 0, 0, NULL, "the version", EVERY},
};

const struct vd_setting *vd_settings_table(int *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}
