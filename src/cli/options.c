/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, read by getopt_long as the table says. */
#include "settings.h"

#include <getopt.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/vidriera/vidriera.conf"

enum { ROWS_MAX = 64, GIVEN_MAX = 128 };

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
        if (!(table[i].commands & command))
            continue;
        options->rows[options->count] = &table[i];
        options->names[options->count++] =
            (struct option){table[i].option, table[i].metavar ? required_argument : no_argument, NULL, 0};
        if (table[i].letter) {
            *letter++ = table[i].letter;
            if (table[i].metavar)
                *letter++ = ':';
        }
    }
}

static const struct vd_setting *row_for_letter(const struct options *options, int letter)
{
    for (int i = 0; i < options->count; i++)
        if (options->rows[i]->letter == letter)
            return options->rows[i];
    return NULL;
}

static int fail_option(const struct options *options, const char *word, const char *command, struct vd_err *err)
{
    const char *names[ROWS_MAX], *nearest = NULL;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + strspn(word, "-"), "="), word + strspn(word, "-"));
    for (int i = 0; i < options->count; i++)
        names[i] = options->rows[i]->option;
    if (!strncmp(word, "--", 2))
        nearest = vd_nearest(name, names, options->count);
    if (nearest)
        return vd_fail(err, VD_USAGE, "", "%s: unknown option; did you mean --%s?", word, nearest);
    return vd_fail(err, VD_USAGE, "", "%s: unknown option; see vidriera %s --help", word, command);
}

static int take_arguments(struct vd_settings *settings, int argc, char **argv, struct vd_err *err)
{
    if (optind == argc)
        return vd_fail(err, VD_USAGE, "", "process: which recording?; give INPUT, see vidriera process --help");
    if (argc - optind > 1)
        return vd_fail(err, VD_USAGE, "", "process: one recording at a time, and %s is the second; quote names with "
                                          "spaces", argv[optind + 1]);
    settings->input = argv[optind];
    if (!strcmp(settings->input, "-"))
        return vd_fail(err, VD_USAGE, "", "-: a recording must be a file, its index may be at the end; save it first");
    if (!*settings->input)
        return vd_fail(err, VD_USAGE, "", "process: INPUT is empty; give a file's name");
    return 0;
}

/* How the option was written, for messages. */
static void spell(const struct given *given, char *text, size_t size)
{
    snprintf(text, size, "--%s%s%s", given->row->option, given->text ? " " : "", given->text ? given->text : "");
}

static int apply(const struct given *given, struct vd_settings *settings, struct vd_err *err)
{
    char wanted[160] = "", spelled[160];
    if (given->row->parse(given->row, given->text, settings, wanted, sizeof wanted) == 0)
        return 0;
    spell(given, spelled, sizeof spelled);
    return vd_fail(err, VD_USAGE, "", "%s: does not fit; want %s", spelled, wanted);
}

static int collect(const struct options *options, const char *command, int argc, char **argv, struct given *given,
                   int *count, struct vd_err *err)
{
    int found, index;
    opterr = 0;
    optind = 0;
    while ((found = getopt_long(argc, argv, options->letters, options->names, &index)) != -1) {
        const char *word = argv[optind - 1];
        if (found == ':')
            return vd_fail(err, VD_USAGE, "", "%s: needs a value; see vidriera %s --help", word, command);
        if (found == '?')
            return fail_option(options, word, command, err);
        if (*count == GIVEN_MAX)
            return vd_fail(err, VD_USAGE, "", "%s: too many options", word);
        given[(*count)++] =
            (struct given){found ? row_for_letter(options, found) : options->rows[index], optarg};
    }
    return 0;
}

static void set_defaults(struct vd_settings *settings)
{
    *settings = (struct vd_settings){.device = "auto", .log = {.level = VD_LOG_INFO}};
    vd_job_defaults(&settings->job);
}

/* File and environment, for the rows of this command. */
static int read_background(struct vd_settings *settings, const char *config, struct vd_err *err)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    if (vd_conf_file(config ? config : DEFAULT_CONFIG, config != NULL, table, rows, settings, err) < 0)
        return -1;
    return vd_conf_env(table, rows, settings, err);
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
        return vd_help_command(stdout, command), 1;
    if (settings->version)
        return puts("vidriera " VD_VERSION), 1;
    if (read_background(settings, config, err) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (apply(&given[i], settings, err) < 0)
            return -1;
    vd_log_init(&settings->log);
    return take_arguments(settings, argc, argv, err);
}
