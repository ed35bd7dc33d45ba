/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * README's tables are what the code says. `unit_readme --print` prints the blocks to paste.
 */
#include "capture.h"

#include "cli.h"

#include "vidriera/metrics.h"

struct block {
    const char *name;
    void (*print)(FILE *to);
};

static const struct block blocks[] = {{"options", vd_help_options_markdown},
                                      {"exit-codes", vd_help_exit_codes_markdown},
                                      {"metrics", vd_metrics_markdown}};

enum { BLOCKS = sizeof blocks / sizeof *blocks };

/* main.c has the program's; the table needs their names. */
const struct vd_command *vd_command_at(int i)
{
    static const struct vd_command commands[] = {
        {.name = "process", .bit = VD_COMMAND_PROCESS}, {.name = "run", .bit = VD_COMMAND_RUN},
        {.name = "worker", .bit = VD_COMMAND_WORKER},   {.name = "watch", .bit = VD_COMMAND_WATCH},
        {.name = "submit", .bit = VD_COMMAND_SUBMIT},   {.name = "topics", .bit = VD_COMMAND_TOPICS},
        {.name = "config", .bit = VD_COMMAND_CONFIG},   {.name = "doctor", .bit = VD_COMMAND_DOCTOR},
    };
    return i < (int)(sizeof commands / sizeof *commands) ? &commands[i] : NULL;
}

static char *read_readme(void)
{
    FILE *file = fopen(VD_ROOT "/README.md", "r");
    char *text = NULL;
    size_t size = 0;
    if (!file)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

/* What stands between <!-- name --> and <!-- /name -->, to be freed; NULL: it is not there. */
static char *find_block(const char *readme, const char *name)
{
    char begin[64], end[64];
    snprintf(begin, sizeof begin, "<!-- %s -->\n", name);
    snprintf(end, sizeof end, "<!-- /%s -->", name);
    const char *from = strstr(readme, begin), *to = from ? strstr(from, end) : NULL;
    return to ? strndup(from + strlen(begin), (size_t)(to - from) - strlen(begin)) : NULL;
}

static char *print_block(const struct block *block)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    block->print(file);
    fclose(file);
    return text;
}

static void tables(void **state)
{
    char *readme = read_readme();
    (void)state;
    if (!readme)
        fail_msg("there is no README.md");
    for (int i = 0; i < BLOCKS; i++) {
        char *there = find_block(readme, blocks[i].name), *right = print_block(&blocks[i]);
        if (!there)
            fail_msg("README.md has no block <!-- %s --> ... <!-- /%s -->", blocks[i].name, blocks[i].name);
        if (strcmp(there, right)) {
            print_message("%s", right);
            fail_msg("README.md: the block %s is not what the code says; it is printed above", blocks[i].name);
        }
        free(there);
        free(right);
    }
    free(readme);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables)};
    if (argc < 2 || strcmp(argv[1], "--print"))
        return cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < BLOCKS; i++) {
        printf("<!-- %s -->\n", blocks[i].name);
        blocks[i].print(stdout);
        printf("<!-- /%s -->\n", blocks[i].name);
    }
    return 0;
}
