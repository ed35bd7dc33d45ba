/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera manual`: man pages and bash completion, from the tables. The build calls it, nobody else. */
#include "settings.h"

#include "vidriera/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void print_text(FILE *to, const char *text)
{
    static const char ellipsis[] = "…";
    if (*text == '.' || *text == '\'')
        fputs("\\&", to);
    for (; *text; text++)
        if (!strncmp(text, ellipsis, sizeof ellipsis - 1)) {
            fputs("\\&...", to);
            text += sizeof ellipsis - 2;
        } else {
            fputs(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : (const char[]){*text, '\0'}, to);
        }
}

static void print_marked(FILE *to, char font, const char *text)
{
    fprintf(to, "\\f%c", font);
    print_text(to, text);
    fputs("\\fR", to);
}

static void print_title(FILE *to, const char *name, int section, const char *kind)
{
    fprintf(to, ".\\\" made by vidriera manual\n.TH %s %d \"\" \"vidriera " VD_VERSION "\" \"%s\"\n.nh\n", name,
            section, kind);
}

static void print_commands(FILE *to, unsigned bits)
{
    fputs("Commands: ", to);
    vd_help_commands(to, bits);
    fputs(".\n", to);
}

static void print_default(FILE *to, const struct vd_setting *row)
{
    if (!row->shown)
        return;
    fputs("Default: ", to);
    print_marked(to, 'B', row->shown);
    fputs(".\n", to);
}

static void print_help(FILE *to, const struct vd_setting *row)
{
    print_text(to, row->help);
    fputs("\n.br\n", to);
}

static void option_row(FILE *to, const struct vd_setting *row)
{
    fputs(".TP\n", to);
    if (row->letter)
        fprintf(to, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", to);
    print_text(to, row->option);
    fputs("\\fR", to);
    if (row->metavar) {
        fputc(' ', to);
        print_marked(to, 'I', row->metavar);
    }
    fputc('\n', to);
    print_help(to, row);
    print_default(to, row);
    print_commands(to, row->commands);
}

static void key_row(FILE *to, const struct vd_setting *row)
{
    char name[64];
    vd_setting_env(row, name, sizeof name);
    fputs(".TP\n", to);
    print_marked(to, 'B', row->key);
    fputs(" = ", to);
    print_marked(to, 'I', vd_setting_free(row) ? "VALUE" : row->metavar);
    fputc('\n', to);
    print_help(to, row);
    print_default(to, row);
    fputs("Variable: ", to);
    print_marked(to, 'B', name);
    fputs(".\n", to);
    print_commands(to, row->commands);
}

/* The rows that have an option, or those that have a key, beneath their headings. */
static void print_rows(FILE *to, bool keys)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows), *heading = NULL;
    for (int i = 0; i < rows; i++) {
        if (vd_setting_heading(&table[i])) {
            heading = &table[i];
            continue;
        }
        if (!(keys ? table[i].key : table[i].option))
            continue;
        if (heading) {
            fputs(".SS ", to);
            print_text(to, heading->help);
            fputc('\n', to);
            heading = NULL;
        }
        (keys ? key_row : option_row)(to, &table[i]);
    }
}

static void print_synopsis(FILE *to)
{
    fputs(".SH SYNOPSIS\n", to);
    for (int i = 0; vd_command_at(i); i++) {
        fprintf(to, "%s.B vidriera %s\n", i ? ".br\n" : "", vd_command_at(i)->name);
        print_text(to, vd_command_at(i)->usage);
        fputc('\n', to);
    }
}

static void print_command_table(FILE *to)
{
    fputs(".SH COMMANDS\n", to);
    for (int i = 0; vd_command_at(i); i++) {
        fprintf(to, ".TP\n.B %s\n", vd_command_at(i)->name);
        print_text(to, vd_command_at(i)->summary);
        fputc('\n', to);
    }
}

static void print_exit_codes(FILE *to)
{
    const char *meaning;
    int status;
    fputs(".SH \"EXIT STATUS\"\n", to);
    for (int i = 0; (status = vd_help_exit_code(i, &meaning)) >= 0; i++) {
        fprintf(to, ".TP\n.B %d\n", status);
        print_text(to, meaning);
        fputc('\n', to);
    }
    fputs(".PP\nSIGINT and SIGTERM end\n.B vidriera process\nby that signal; the services finish what runs, and end "
          "with 0.\n",
          to);
}

struct item {
    const char *name, *text;
};

static void print_items(FILE *to, const char *title, const struct item *items)
{
    fprintf(to, ".SH %s\n", title);
    for (; items->name; items++) {
        fputs(".TP\n", to);
        print_marked(to, 'B', items->name);
        fputc('\n', to);
        print_text(to, items->text);
        fputc('\n', to);
    }
}

static const struct item variables[] = {
    {"VIDRIERA_SECTION_NAME", "A key of the configuration file, as vidriera.conf(5) lists them. It wins over the file; "
                              "options win over it. An empty one counts as none."},
    {"VIDRIERA_SECTION_NAME_FILE", "Names a file that holds the value: for secrets."},
    {"CACHE_DIRECTORY, XDG_CACHE_HOME, HOME", "Where the cache folder is, if no setting says so: the first that is "
                                              "there."},
    {"NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", "Of systemd: the services tell it how they are."},
    {"TMPDIR", "Where vidriera doctor FILE makes its outputs."},
    {"VD_CPU", "c, avx2 or neon: instructions that the processor is to be used with."},
    {NULL, NULL},
};

static const struct item files[] = {
    {"/etc/vidriera/vidriera.conf", "The configuration; see vidriera.conf(5)."},
    {"DATA/recordings, DATA/processed, DATA/archived, DATA/failed",
     "What comes in, what is made of it, originals that are done, and those that cannot be processed. DATA is the "
     "setting data; in the Debian package it is /var/lib/vidriera."},
    {"DATA/.vidriera", "What is remembered of jobs."},
    {NULL, NULL},
};

static const char description[] =
    "vidriera takes a recording, tints the left half of the picture blue and the right half red, and gives back a "
    "recording that is otherwise the same: every frame at its time, the sound byte for byte, subtitles, chapters and "
    "tags. It does so for one file (process), for a folder that recordings fall into (run), or as any number of "
    "workers behind Kafka (worker, watch). What it made is read again and checked before it gets its name. The kernels "
    "for GPUs are inside the program.";

static const char conf_description[] =
    "A file of lines KEY = VALUE. A key with a dot stands in a section: worker.slots is slots in worker { }. A value "
    "that is not a single word stands in quotes. \"${NAME}\" in it is an environment variable, \"${NAME:-VALUE}\" one "
    "with a default. What follows # is a comment. Sizes take k, M or G; times take s, m or h.";

static const char conf_order[] =
    "Options win over the environment, the environment over the file, the file over the defaults. A variable with "
    "_FILE behind its name names a file that holds the value. vidriera config --check tells what is wrong and where, "
    "vidriera config --print what is in force.";

static void print_paragraph(FILE *to, const char *before, const char *text)
{
    fputs(before, to);
    print_text(to, text);
    fputc('\n', to);
}

static void manual_program(FILE *to)
{
    print_title(to, "VIDRIERA", 1, "User Commands");
    fputs(".SH NAME\nvidriera \\- tints the halves of recordings, one by one or as a service\n", to);
    print_synopsis(to);
    print_paragraph(to, ".SH DESCRIPTION\n", description);
    print_command_table(to);
    fputs(".SH OPTIONS\n", to);
    print_rows(to, false);
    print_exit_codes(to);
    print_items(to, "ENVIRONMENT", variables);
    print_items(to, "FILES", files);
    fputs(
        ".SH EXAMPLES\n.nf\n"
        "vidriera process session.mp4\n"
        "vidriera process clip.mov \\-\\-left \\(aq#004488\\(aq \\-\\-right gold \\-o out.mp4\n"
        "vidriera run \\-\\-data /srv/vidriera\n"
        "vidriera worker \\-\\-data /srv/vidriera \\-X bootstrap.servers=kafka:9092\n"
        "vidriera doctor\n"
        ".fi\n"
        ".SH \"SEE ALSO\"\n.BR vidriera.conf (5),\n.BR systemctl (1),\n.BR setfacl (1),\n.I /usr/share/doc/vidriera\n",
        to);
}

static void manual_conf(FILE *to)
{
    print_title(to, "VIDRIERA.CONF", 5, "File Formats");
    fputs(".SH NAME\nvidriera.conf \\- configuration of vidriera\n"
          ".SH SYNOPSIS\n.I /etc/vidriera/vidriera.conf\n",
          to);
    print_paragraph(to, ".SH DESCRIPTION\n", conf_description);
    print_paragraph(to, ".PP\n", conf_order);
    fputs(".SH KEYS\n", to);
    print_rows(to, true);
    fputs(".SH EXAMPLE\n.nf\n"
          "data = /srv/vidriera\n"
          "worker { slots = 2 drain = 5m }\n"
          "kafka { bootstrap.servers = \"kafka1:9093,kafka2:9093\" security.protocol = sasl_ssl }\n"
          ".fi\n"
          ".SH \"SEE ALSO\"\n.BR vidriera (1)\n",
          to);
}

/* Words that a value may be: of those in what the parser says would fit, the ones that it takes. */
static void print_values(FILE *to, const struct vd_setting *row)
{
    struct vd_settings scratch = {0};
    char wanted[160] = "", ignored[160], *rest = NULL;
    if (vd_setting_free(row) || row->parse(row, "?", &scratch, wanted, sizeof wanted) == 0)
        return;
    for (char *word = strtok_r(wanted, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest))
        if (islower((unsigned char)*word) && row->parse(row, word, &scratch, ignored, sizeof ignored) == 0)
            fprintf(to, " %s", word);
}

/* What may stand behind an option that takes a value. */
static void complete_value(FILE *to, const struct vd_setting *row)
{
    fputs("    ", to);
    if (row->letter)
        fprintf(to, "-%c | ", row->letter);
    fprintf(to, "--%s) ", row->option);
    if (!strcmp(row->metavar, "DIR"))
        fputs("kind=-d", to);
    else if (!strncmp(row->metavar, "FILE", 4) || !strcmp(row->metavar, "OUTPUT"))
        fputs("kind=-f", to);
    else {
        fputs("kind=-W words='", to);
        print_values(to, row);
        fputc('\'', to);
    }
    fputs(" ;;\n", to);
}

static void complete_command(FILE *to, const struct vd_command *command)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    bool takes_files = strstr(command->usage, "INPUT") || strstr(command->usage, "PATH") ||
                       strstr(command->usage, "[FILE]");
    fprintf(to, "        %s) kind=%s words='", command->name, takes_files ? "-f" : "-W");
    for (int i = 0; i < rows; i++)
        if (table[i].option && table[i].commands & command->bit)
            fprintf(to, " --%s", table[i].option);
    fputs("' ;;\n", to);
}

static void manual_completion(FILE *to)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    fputs("# bash completion for vidriera; made by vidriera manual\n"
          "_vidriera() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} kind='' words=''\n"
          "    COMPREPLY=()\n"
          "    # --option=value is three words\n"
          "    if [[ $cur == = ]]; then\n"
          "        cur=''\n"
          "    elif [[ $prev == = ]]; then\n"
          "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case $prev in\n",
          to);
    for (int i = 0; i < rows; i++)
        if (table[i].option && table[i].metavar)
            complete_value(to, &table[i]);
    fputs("    esac\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        kind=-W words='",
          to);
    for (int i = 0; vd_command_at(i); i++)
        fprintf(to, "%s ", vd_command_at(i)->name);
    fputs("--help --version'\n"
          "    elif [[ -z $kind ]]; then\n"
          "        case ${COMP_WORDS[1]} in\n",
          to);
    for (int i = 0; vd_command_at(i); i++)
        complete_command(to, vd_command_at(i));
    fputs("        *) return ;;\n"
          "        esac\n"
          "        [[ $cur != -* ]] || kind=-W\n"
          "    fi\n"
          "    case $kind in\n"
          "    -W) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
          "    *)\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$cur\")\n"
          "        ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _vidriera vidriera\n",
          to);
}

static const struct {
    const char *name;
    void (*print)(FILE *to);
} documents[] = {
    {"vidriera.1", manual_program}, {"vidriera.conf.5", manual_conf}, {"vidriera.bash", manual_completion}};

int vd_cmd_manual(int argc, char **argv)
{
    struct vd_err err;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        if (argc == 2 && !strcmp(argv[1], documents[i].name)) {
            documents[i].print(stdout);
            return vd_command_end(vd_command_printed(&err), &err);
        }
    vd_log(VD_LOG_ERROR, "manual: which one?; give vidriera.1, vidriera.conf.5 or vidriera.bash");
    return vd_code_exit(VD_USAGE);
}
