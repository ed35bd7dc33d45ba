/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "row.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *suite_vidriera(void)
{
    static char built[] = VD_BINARY;
    char *named = getenv("VIDRIERA");
    return named && *named ? named : built;
}

const char *suite_clips(void)
{
    const char *named = getenv("VD_CLIPS");
    return named && *named ? named : VD_CLIPS_FOLDER;
}

char **process_argv(const char *input, const char *output, const char *words)
{
    static char *argv[48];
    static char text[1024];
    size_t count = 0;
    argv[count++] = suite_vidriera();
    argv[count++] = "process";
    if (input)
        argv[count++] = (char *)(uintptr_t)input;
    if (output) {
        argv[count++] = "-o";
        argv[count++] = (char *)(uintptr_t)output;
    }
    snprintf(text, sizeof(text), "%s", words ? words : "");
    for (char *word = strtok(text, " "); word && count + 1 < 48; word = strtok(NULL, " "))
        argv[count++] = word;
    argv[count] = NULL;
    return argv;
}

void complain(struct run *run, const char *fmt, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    print_error("%s: %s\n", run->row->name, text);
    run->complaints++;
}

static void expected_name(const struct row *row, char *name, size_t size)
{
    if (row->output) {
        snprintf(name, size, "%s", row->output);
        return;
    }
    int stem = (int)(strrchr(row->input, '.') - row->input);
    snprintf(name, size, "%.*s.tinted.%s", stem, row->input, row->container ? row->container : "mp4");
}

static void run_vidriera(struct run *run)
{
    char words[512];
    snprintf(words, sizeof(words), "--json --progress none --preset ultrafast --threads 2 %s",
             run->row->options ? run->row->options : "");
    char *before = folder_list(&run->folder);
    proc_run(&run->outcome, run->folder.path, process_argv(run->row->input, run->row->output, words));
    char *after = folder_list(&run->folder);
    if (strlen(after) != strlen(before) + strlen(run->output) + 1 || !strstr(after, run->output))
        complain(run, "wanted only %s to be new; the folder has:\n%s", run->output, after);
    free(before);
    free(after);
    if (run->outcome.timed_out || proc_code(&run->outcome) != 0) {
        print_error("%s%s", run->outcome.err, run->outcome.timed_out ? "(hangs)\n" : "");
        fail_msg("%s: exit %d", run->row->name, proc_code(&run->outcome));
    }
}

void run_make(struct run *run, const struct row *row)
{
    *run = (struct run){.row = row};
    expected_name(row, run->output, sizeof(run->output));
    folder_make(&run->folder);
    if (row->make)
        make_by(&run->folder, row->make);
    const char *input = folder_path(&run->folder, row->input);
    if (row->craft)
        row->craft(&run->folder, input);
    if (!inspect(input, 0, 0, &run->in))
        fail_msg("%s: the judge cannot read the input", row->name);
    if (run->in.video.count < row->frames || !run->in.video.count)
        fail_msg("%s: the input has only %zu frames", row->name, run->in.video.count);
    if (row->meant && !row->meant(&run->in))
        fail_msg("%s: the input is not what was meant", row->name);

    run_vidriera(run);
    const struct seen_frame *first = &run->in.video.frames[0];
    if (!inspect(folder_path(&run->folder, run->output), first->width, first->height, &run->out))
        fail_msg("%s: the judge cannot read the output", row->name);
    json_error_t error;
    run->result = json_loads(run->outcome.out, JSON_REJECT_DUPLICATES, &error);
    if (!run->result)
        fail_msg("%s: stdout is not one JSON document: %s\n%s", row->name, error.text, run->outcome.out);
}

static void print_said(const struct run *run, const char *array)
{
    char *text = json_dumps(json_object_get(run->result, array), JSON_COMPACT | JSON_ENCODE_ANY);
    print_error("%s: %s: %s\n", run->row->name, array, text ? text : "none");
    free(text);
}

void run_check(struct run *run)
{
    check_result(run);
    check_container(run);
    check_picture(run);
    check_sound(run);
    check_text(run);
    if (run->complaints) {
        print_said(run, "warnings");
        print_said(run, "dropped");
        fail_msg("%s: %d complaints", run->row->name, run->complaints);
    }
}

void run_drop(struct run *run)
{
    proc_forget(&run->outcome);
    seen_free(&run->in);
    seen_free(&run->out);
    json_decref(run->result);
    if (*run->folder.path)
        folder_drop(&run->folder);
    *run = (struct run){0};
}

/* A failed assertion leaves the test by longjmp: what it had is given back in the teardown. */
static struct run current;

static void test_row(void **state)
{
    run_make(&current, *state);
    run_check(&current);
}

static int teardown_row(void **state)
{
    (void)state;
    run_drop(&current);
    return 0;
}

int rows_run(const char *group, const struct row *rows, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    if (!tests)
        return 1;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, teardown_row, (void *)(uintptr_t)&rows[i]};
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}
