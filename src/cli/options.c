/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, read by getopt_long as the table says. */
#include "settings.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/vidriera/vidriera.conf"

enum { ROWS_MAX = 64, GIVEN_MAX = 128 };
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

static int take_arguments(struct vd_settings *settings, int argc, char **argv, struct vd_err *err)
{
    if (optind == argc)
        return vd_fail(err, VD_USAGE, "", "process: which recording?; give INPUT, see vidriera process --help");
    if (argc - optind > 1)
        return vd_fail(err, VD_USAGE, "",
                       "process: one recording at a time, and %s is the second; quote names with spaces",
                       argv[optind + 1]);
    settings->input = argv[optind];
    if (!strcmp(settings->input, "-"))
        return vd_fail(err, VD_USAGE, "", "-: a recording must be a file, its index may be at the end; save it first");
    if (!*settings->input)
        return vd_fail(err, VD_USAGE, "", "process: INPUT is empty; give a file's name");
    return 0;
}

static int apply(const struct given *given, struct vd_settings *settings, struct vd_err *err)
{
    char wanted[160] = "";
    if (given->row->parse(given->row, given->text, settings, wanted, sizeof wanted) == 0)
        return 0;
    return vd_fail(err, VD_USAGE, "", "--%s %.80s: does not fit; give %s", given->row->option,
                   given->text ? given->text : "", wanted);
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
    *settings = (struct vd_settings){.device = "auto", .log = {.level = VD_LOG_INFO}};
    vd_job_defaults(&settings->job);
}

/* File and environment. Other commands' rows too: there is one file for all. */
static int read_background(struct vd_settings *settings, const char *config, struct vd_err *err)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    if (vd_conf_file(config ? config : DEFAULT_CONFIG, config != NULL, table, rows, settings, err) < 0)
        return -1;
    return vd_conf_env(table, rows, settings, err);
}

static int put(struct vd_settings *settings, const struct given *given, int count, struct vd_err *err)
{
    for (int i = 0; i < count; i++)
        if (apply(&given[i], settings, err) < 0)
            return -1;
    return 0;
}

/* What --help and --version print is all that was asked for: it must not get lost silently. */
static int answered(struct vd_err *err)
{
    if (fflush(stdout) == 0)
        return 1;
    return vd_fail(err, VD_IO, "", "stdout cannot be written: %s; check it", strerror(errno));
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
        return puts("vidriera " VD_VERSION), answered(err);
    int ret = read_background(settings, config, err);
    if (ret == 0)
        ret = put(settings, given, count, err);
    if (ret == 0)
        ret = take_arguments(settings, argc, argv, err);
    vd_log_init(&settings->log); /* of what was understood; the error is said in this form */
    return ret;
}
