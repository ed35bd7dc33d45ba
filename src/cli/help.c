/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help for people and README's tables, all from the tables in the code. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 26, WIDTH = 80 };

/* Words from column *at on, in lines that begin at COLUMN. */
static void print_wrapped(FILE *to, int *at, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        int size = (int)strcspn(text, " ");
        if (*at + 1 + size > WIDTH)
            *at = fprintf(to, "\n%*s", COLUMN - 1, "") - 1;
        *at += fprintf(to, " %.*s", size, text);
        text += size;
    }
}

void vd_help_all(FILE *to)
{
    fprintf(to, "vidriera: tints the left half of a recording blue and the right half red, and keeps the rest.\n\n"
                "usage: vidriera COMMAND [OPTIONS]\n\n");
    for (int i = 0; vd_command_at(i); i++)
        if (vd_command_at(i)->summary)
            fprintf(to, "  %-12s %s\n", vd_command_at(i)->name, vd_command_at(i)->summary);
    fprintf(to, "\nvidriera COMMAND --help tells more; vidriera --version tells the version.\n");
}

/* "-o, --output OUTPUT", or "worker.drain = TIME" of what is no option. */
static void spell(const struct vd_setting *row, char *text, size_t size)
{
    char letter[8] = "";
    if (!row->option) {
        snprintf(text, size, "%s = %s", row->key, row->metavar);
        return;
    }
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(text, size, "%s--%s%s%s", letter, row->option, row->metavar ? " " : "", row->metavar ? row->metavar : "");
}

static void help_row(FILE *to, const struct vd_setting *row)
{
    char name[64], preset[64] = "";
    if (vd_setting_heading(row)) {
        fprintf(to, "\n%s:\n", row->help);
        return;
    }
    spell(row, name, sizeof name);
    int at = fprintf(to, "  %s%s", row->letter || !row->option ? "" : "    ", name);
    /* a long name has a line of its own */
    if (at >= COLUMN)
        at = fprintf(to, "\n") - 1;
    at += fprintf(to, "%*s", COLUMN - 1 - at, "");
    if (row->shown)
        snprintf(preset, sizeof preset, " [%s]", row->shown);
    print_wrapped(to, &at, row->help);
    print_wrapped(to, &at, preset);
    fputc('\n', to);
}

void vd_help_command(FILE *to, const struct vd_command *command)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    fprintf(to, "usage: vidriera %s %s\n\n%s\n", command->name, command->usage, command->summary);
    for (int i = 0; i < rows; i++)
        if (table[i].commands & command->bit)
            help_row(to, &table[i]);
    fprintf(to, "\nIn brackets: the default. Sizes take k, M, G; times take s, m, h. What has no\n"
                "dashes stands in the file or the environment. Options win over the environment\n"
                "(VIDRIERA_OUTPUT_PRESET), that over the file (output { preset = fast }), that\n"
                "over defaults. README has all names.\n");
}

static void print_escaped(FILE *to, const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (strchr(escaped, *text))
            fputc('\\', to);
        fputc(*text, to);
    }
}

/* A cell of a Markdown table. */
static void print_cell(FILE *to, const char *text)
{
    fputc(' ', to);
    print_escaped(to, text, "|<>");
    fputs(" |", to);
}

static void print_code(FILE *to, const char *text)
{
    fputs(*text ? " `" : "", to);
    print_escaped(to, text, "|"); /* even in code */
    fputs(*text ? "` |" : " |", to);
}

void vd_help_commands(FILE *to, unsigned bits)
{
    const char *comma = "";
    if (bits == (unsigned)VD_COMMAND_ALL)
        fputs("all", to);
    else
        for (int i = 0; vd_command_at(i); i++)
            if (bits & vd_command_at(i)->bit) {
                fprintf(to, "%s%s", comma, vd_command_at(i)->name);
                comma = ", ";
            }
}

void vd_help_options_markdown(FILE *to)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    char name[64], env[64];
    fprintf(to, "| option | in the file | in the environment | default | what it does | commands |\n"
                "| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < rows; i++) {
        const struct vd_setting *row = &table[i];
        if (vd_setting_heading(row))
            continue;
        name[0] = env[0] = '\0';
        if (row->option)
            spell(row, name, sizeof name);
        if (row->key)
            vd_setting_env(row, env, sizeof env);
        fputc('|', to);
        print_code(to, name);
        print_code(to, row->key ? row->key : "");
        print_code(to, env);
        print_cell(to, row->shown ? row->shown : "");
        print_cell(to, row->help);
        fputc(' ', to);
        vd_help_commands(to, row->commands);
        fputs(" |\n", to);
    }
}

static const struct {
    enum vd_code code;
    const char *meaning;
} exit_codes[] = {
    {VD_OK, "done"},
    {VD_USAGE, "the command line is wrong"},
    {VD_INPUT, "the input is unusable: no video, broken, encrypted, over a limit"},
    {VD_NO_INPUT, "there is no such input"},
    {VD_UNAVAILABLE, "something required is not there, such as the device that was demanded"},
    {VD_DEFECT, "a defect of ours"},
    {VD_NO_OUTPUT, "the output cannot be created, or exists already"},
    {VD_IO, "reading or writing failed: a full disk, a broken one"},
    {VD_AGAIN, "try again later: the input is still being written, or too many processes run"},
    {VD_CONFIG, "the configuration is wrong"},
};

int vd_help_exit_code(int i, const char **meaning)
{
    if (i >= (int)(sizeof exit_codes / sizeof *exit_codes))
        return -1;
    *meaning = exit_codes[i].meaning;
    return vd_code_exit(exit_codes[i].code);
}

void vd_help_exit_codes_markdown(FILE *to)
{
    const char *meaning;
    int status;
    fprintf(to, "| code | meaning |\n| --- | --- |\n");
    for (int i = 0; (status = vd_help_exit_code(i, &meaning)) >= 0; i++)
        fprintf(to, "| %d | %s |\n", status, meaning);
}
