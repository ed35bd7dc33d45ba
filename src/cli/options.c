/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, read by getopt_long as the table says. */
#include "settings.h"

#include "vidriera/device.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/vidriera/vidriera.conf"

enum { ROWS_MAX = 96, GIVEN_MAX = 256 };
enum { LONG_ONLY = 256 }; /* + the row: what getopt_long gives for a long option; above every letter */

/* An option as it was given; read only after file and environment, which it overrides. */
struct given {
    const struct vd_setting *row;
    const char *text;
};

struct options {
    struct option names[ROWS_MAX + 1];
    const struct vd_setting *rows[ROWS_MAX];
    char letters[2 * ROWS_MAX + 2];
    int count;
};

static void list_options(struct options *options, unsigned command)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    char *letter = options->letters;
    *letter++ = ':';
    for (int i = 0; i < rows; i++) {
        if (!table[i].option || !(table[i].commands & command))
            continue;
        options->rows[options->count] = &table[i];
        options->names[options->count] = (struct option){
            table[i].option, table[i].metavar ? required_argument : no_argument, NULL, LONG_ONLY + options->count};
        options->count++;
        if (table[i].letter) {
            *letter++ = table[i].letter;
            if (table[i].metavar)
                *letter++ = ':';
        }
    }
}

/* The row of what getopt_long knows: a letter, or LONG_ONLY and more. */
static const struct vd_setting *row_of(const struct options *options, int found)
{
    const struct vd_setting *row = found >= LONG_ONLY ? options->rows[found - LONG_ONLY] : NULL;
    for (int i = 0; !row && i < options->count; i++)
        if (options->rows[i]->letter == found)
            row = options->rows[i];
    assert(row);
    return row;
}

static int fail_unknown(const struct options *options, const char *word, const char *command, struct vd_err *err)
{
    const char *names[ROWS_MAX];
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    for (int i = 0; i < options->count; i++)
        names[i] = options->rows[i]->option;
    const char *nearest = vd_nearest(name, names, options->count);
    if (nearest)
        return vd_fail(err, VD_USAGE, "", "--%s: unknown option; did you mean --%s?", name, nearest);
    return vd_fail(err, VD_USAGE, "", "--%s: unknown option; see vidriera %s --help", name, command);
}

/* After getopt_long gave ':' or '?'. optopt tells a short option, or a known long one by its row. */
static int fail_option(const struct options *options, int found, char **argv, const char *command, struct vd_err *err)
{
    if (found == ':')
        return vd_fail(err, VD_USAGE, "", "--%s: needs a value; see vidriera %s --help",
                       row_of(options, optopt)->option, command);
    if (optopt >= LONG_ONLY)
        return vd_fail(err, VD_USAGE, "",
                       "--%s: takes no value; leave out what follows the =", row_of(options, optopt)->option);
    if (optopt)
        return vd_fail(err, VD_USAGE, "", "-%c: unknown option; see vidriera %s --help", optopt, command);
    return fail_unknown(options, argv[optind - 1] + 2, command, err);
}

/* How many of them a command wants, and what they are. */
static int check_count(const struct vd_command *command, int count, char **words, struct vd_err *err)
{
    bool one = command->bit & (VD_COMMAND_PROCESS | VD_COMMAND_DOCTOR);
    bool jobs = command->bit & (VD_COMMAND_CANCEL | VD_COMMAND_RETRY);
    if (!one && !jobs && command->bit != VD_COMMAND_SUBMIT)
        return count ? vd_fail(err, VD_USAGE, "", "%s: takes no arguments, and %s is one; see vidriera %s --help",
                               command->name, words[0], command->name)
                     : 0;
    if (!count && command->bit == VD_COMMAND_DOCTOR)
        return 0;
    if (!count && jobs)
        return vd_fail(err, VD_USAGE, "", "%s: which job?; give JOB, see vidriera status", command->name);
    if (!count)
        return vd_fail(err, VD_USAGE, "", "%s: which recording?; give %s, see vidriera %s --help", command->name,
                       command->bit == VD_COMMAND_SUBMIT ? "PATH" : "INPUT", command->name);
    if (count > 1 && one)
        return vd_fail(err, VD_USAGE, "", "%s: one recording at a time, and %s is the second; quote names with spaces",
                       command->name, words[1]);
    return 0;
}

static int take_arguments(struct vd_settings *settings, const struct vd_command *command, int argc, char **argv,
                          struct vd_err *err)
{
    settings->inputs = argv + optind;
    settings->input_count = argc - optind;
    if (check_count(command, settings->input_count, settings->inputs, err) < 0)
        return -1;
    for (int i = 0; i < settings->input_count && !(command->bit & (VD_COMMAND_CANCEL | VD_COMMAND_RETRY)); i++) {
        if (!strcmp(settings->inputs[i], "-"))
            return vd_fail(err, VD_USAGE, "",
                           "-: a recording must be a file, its index may be at the end; save it first");
        if (!*settings->inputs[i])
            return vd_fail(err, VD_USAGE, "", "%s: %s is empty; give a file's name", command->name,
                           command->bit == VD_COMMAND_SUBMIT ? "PATH" : "INPUT");
    }
    if (settings->input_count && command->bit & (VD_COMMAND_PROCESS | VD_COMMAND_DOCTOR))
        settings->input = settings->inputs[0];
    return 0;
}

static int apply(const struct given *given, struct vd_settings *settings, struct vd_err *err)
{
    const struct vd_setting *row = given->row;
    char wanted[160] = "", where[64];
    snprintf(where, sizeof where, "--%s", row->option);
    int ret = row->key
                  ? vd_conf_set(&settings->conf, row, row->key, given->text, where, settings, wanted, sizeof wanted)
                  : row->parse(row, given->text, settings, wanted, sizeof wanted);
    if (ret == 0)
        return 0;
    return vd_fail(err, VD_USAGE, "", "--%s %.80s: does not fit; give %s", row->option, given->text ? given->text : "",
                   wanted);
}

static int collect(const struct options *options, const char *command, int argc, char **argv, struct given *given,
                   int *count, struct vd_err *err)
{
    int found;
    opterr = 0;
    optind = 0; /* glibc: begin anew, whatever was read before */
    while ((found = getopt_long(argc, argv, options->letters, options->names, NULL)) != -1) {
        if (found == ':' || found == '?')
            return fail_option(options, found, argv, command, err);
        if (*count == GIVEN_MAX)
            return vd_fail(err, VD_USAGE, "", "%s: more than %d options; leave out some", command, GIVEN_MAX);
        given[(*count)++] = (struct given){row_of(options, found), optarg};
    }
    return 0;
}

static void set_defaults(struct vd_settings *settings)
{
    *settings = (struct vd_settings){
        .device = "auto",
        .log = {.level = VD_LOG_INFO},
        .group = "vidriera",
        .slot_jobs = 100,
        .attempts = 3,
        .timeout_s = 12 * 3600,
        .drain_s = 8,
        .reserve_bytes = 256 << 20,
        .archive_move = true,
        .create_topics = true,
        .quiet_s = 5,
        .rescan_s = 10,
        .wait_s = 30,
        .http = {.listen = VD_HTTP_LISTEN},
    };
    vd_job_defaults(&settings->job);
}

/* As if it had been given. */
static int set_default(struct vd_settings *settings, const char *key, const char *text, const char *where,
                       struct vd_err *err)
{
    char wanted[160];
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    for (int i = 0; i < rows; i++)
        if (table[i].key && !strcmp(table[i].key, key) &&
            vd_conf_set(&settings->conf, &table[i], key, text, where, settings, wanted, sizeof wanted) < 0)
            return vd_fail(err, VD_AGAIN, "", "no memory for the settings; free some");
    return 0;
}

/* As systemd gives it, or the user's own; without any nothing is kept. */
static int find_cache(struct vd_settings *settings, struct vd_err *err)
{
    static const struct {
        const char *variable, *beneath;
    } places[] = {{"CACHE_DIRECTORY", ""}, {"XDG_CACHE_HOME", "/vidriera"}, {"HOME", "/.cache/vidriera"}};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *folder = getenv(places[i].variable);
        if (!folder || *folder != '/')
            continue;
        int size = snprintf(path, sizeof path, "%.*s%s", (int)strcspn(folder, ":"), folder, places[i].beneath);
        return (size_t)size < sizeof path ? set_default(settings, "cache", path, places[i].variable, err) : 0;
    }
    return 0;
}

/* Defaults that only this machine knows. */
static int look_around(struct vd_settings *settings, unsigned command, struct vd_err *err)
{
    char name[256] = "";
    bool service = command & (VD_COMMAND_RUN | VD_COMMAND_WORKER | VD_COMMAND_WATCH);
    settings->log.json = settings->log_format == VD_LOG_JSON ||
                         (settings->log_format == VD_LOG_AUTO && service && !isatty(STDERR_FILENO));
    if (!settings->cache && find_cache(settings, err) < 0)
        return -1;
    if (settings->worker_name)
        return 0;
    if (gethostname(name, sizeof name - 1) < 0 || !*name)
        snprintf(name, sizeof name, "vidriera");
    return set_default(settings, "worker.name", name, "the host's name", err);
}

/* File and environment. Other commands' rows too: there is one file for all. */
static int read_background(struct vd_settings *settings, const char *config, struct vd_err *err)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    if (vd_conf_file(config ? config : DEFAULT_CONFIG, config != NULL, table, rows, settings, &settings->conf, err) < 0)
        return -1;
    return vd_conf_env(table, rows, settings, &settings->conf, err);
}

static int put(struct vd_settings *settings, const struct given *given, int count, struct vd_err *err)
{
    for (int i = 0; i < count; i++)
        if (apply(&given[i], settings, err) < 0)
            return -1;
    return 0;
}

static int answered(struct vd_err *err)
{
    return vd_command_printed(err) < 0 ? -1 : 1;
}

int vd_settings_read(struct vd_settings *settings, const struct vd_command *command, int argc, char **argv,
                     struct vd_err *err)
{
    struct options options = {0};
    struct given given[GIVEN_MAX];
    int count = 0;
    const char *config = NULL;
    list_options(&options, command->bit);
    set_defaults(settings);
    if (collect(&options, command->name, argc, argv, given, &count, err) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        settings->help = settings->help || !strcmp(given[i].row->option, "help");
        settings->version = settings->version || !strcmp(given[i].row->option, "version");
        if (!strcmp(given[i].row->option, "config"))
            config = given[i].text;
    }
    if (settings->help)
        return vd_help_command(stdout, command), answered(err);
    if (settings->version)
        return vd_version_print(stdout), answered(err);
    int ret = read_background(settings, config, err);
    if (ret == 0)
        ret = put(settings, given, count, err);
    if (ret == 0)
        ret = take_arguments(settings, command, argc, argv, err);
    if (look_around(settings, command->bit, ret == 0 ? err : NULL) < 0)
        ret = -1;
    vd_log_init(&settings->log); /* of what was understood; the error is said in this form */
    return ret;
}

int vd_settings_device(const struct vd_settings *settings, struct vd_err *err)
{
    if (!strcmp(settings->device, "auto") || vd_device_known(settings->device))
        return 0;
    return vd_fail(err, VD_UNAVAILABLE, "open", "--device %s: not in this build; see vidriera doctor",
                   settings->device);
}

void vd_settings_finish(struct vd_settings *settings)
{
    vd_conf_finish(&settings->conf);
    *settings = (struct vd_settings){0};
}
