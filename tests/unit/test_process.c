/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera process` on devices that fail in the middle: their slots are doubles, the processor's are real. */
#include "fake_slot.h"

#include "settings.h"

#include "vidriera/device.h"

#include <sys/stat.h>

const struct vd_command *vd_command_at(int i)
{
    (void)i;
    return NULL;
}

static const struct vd_command process = {"process", "INPUT", "…", VD_COMMAND_PROCESS, vd_cmd_process};

static const char *const *machine; /* its devices, NULL behind the last */
static char folder[32], notes[64], output[64], said[8000];
static json_t *result;

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list);
bool __wrap_vd_device_known(const char *words);

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list)
{
    int count = 0;
    for (int i = 0; machine[i]; i++) {
        if (strcmp(wanted, "auto") != 0 && strcmp(wanted, machine[i]) != 0)
            continue;
        list[count] = (struct vd_candidate){0};
        snprintf(list[count].words, sizeof list->words, "%s", machine[i]);
        snprintf(list[count].key, sizeof list->key, "%s", machine[i]);
        if (fake_is(machine[i], "vaapi"))
            strcpy(list[count].refusal, "/dev/dri/renderD128: permission denied; join a group");
        count++;
    }
    return count;
}

bool __wrap_vd_device_known(const char *words)
{
    (void)words;
    return true;
}

static int prepare(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(notes, sizeof notes, "%s/notes", folder);
    snprintf(output, sizeof output, "%s/out.mp4", folder);
    setenv(FAKE_NOTES, notes, 1);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    json_decref(result);
    result = NULL;
    folder_drop(folder);
    return 0;
}

/* The exit status. */
static int run(const char *const *devices, const char *device)
{
    char config[64], text[16000];
    struct capture out, err;
    machine = devices;
    snprintf(config, sizeof config, "%s/cache", folder);
    char *argv[] = {(char *)"process",
                    (char *)VD_CLIPS_FOLDER "/bikes.mp4",
                    (char *)"-o",
                    output,
                    (char *)"--json",
                    (char *)"--overwrite",
                    (char *)"--cache",
                    config,
                    (char *)"--preset",
                    (char *)"ultrafast",
                    (char *)"--device",
                    (char *)device,
                    NULL};
    json_decref(result);
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    int status = vd_cmd_process(&process, 12, argv);
    capture_end(&err, said, sizeof said);
    capture_end(&out, text, sizeof text);
    result = json_loads(text, 0, NULL);
    return status;
}

static void assert_says(const char *word)
{
    if (!strstr(said, word))
        fail_msg("\"%s\" does not say \"%s\"", said, word);
}

static void assert_started(const char *words)
{
    char text[1000] = "";
    FILE *file = fopen(notes, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(notes);
    assert_string_equal(text, words);
}

static const char *device_fact(const char *name)
{
    return json_string_value(json_object_get(json_object_get(result, "device"), name));
}

static bool there(void)
{
    struct stat st;
    return stat(output, &st) == 0;
}

#define MACHINE(...) ((const char *const[]){__VA_ARGS__, "cpu", NULL})

static void begins_anew(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("fickle:0"), "auto"), 0);
    assert_started("fickle:0\nfickle:0\ncpu\n");
    assert_string_equal(device_fact("backend"), "cpu");
    assert_string_equal(device_fact("fallback"), "fickle: a surface is lost");
    assert_says("warning: " VD_CLIPS_FOLDER "/bikes.mp4: fickle: a surface is lost; see dmesg; begun anew on cpu");
    assert_true(there());
    /* what the first one left in it is gone: it is read again, to the end, before it gets its name */
    assert_int_equal(json_integer_value(json_object_get(json_object_get(result, "output"), "frames")), 250);

    assert_int_equal(run(MACHINE("vaapi:0", "fragile:0"), "auto"), 0);
    assert_started("fragile:0\nfragile:0\ncpu\n");
    assert_string_equal(device_fact("fallback"),
                        "vaapi: /dev/dri/renderD128: permission denied; fragile:0: the media process died of SIGSEGV");
    assert_says("device vaapi:0 is not used: /dev/dri/renderD128: permission denied; join a group");

    assert_int_equal(run(MACHINE("full:0"), "auto"), 0);
    assert_started("full:0\nfull:0\ncpu\n");
    assert_string_equal(device_fact("fallback"), "full: all sessions are taken");
}

static void until_one_has_done_it(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("fickle:0", "full:1", "fragile:2"), "auto"), 0);
    assert_started("fickle:0\nfickle:0\nfull:1\nfull:1\nfragile:2\nfragile:2\ncpu\n");
    assert_string_equal(device_fact("backend"), "cpu");
    assert_says("begun anew on full:1");
    assert_says("begun anew on fragile:2");
    assert_says("begun anew on cpu");
    assert_true(there());
    /* of those only the busy one is trusted again unseen */
    assert_int_equal(run(MACHINE("fickle:0", "full:1"), "auto"), 0);
    assert_started("fickle:0\nfickle:0\nfull:1\ncpu\n");
    /* a node is not begun on twice */
    assert_int_equal(run(MACHINE("fickle:/dev/dri/a", "fragile:/dev/dri/a"), "auto"), 0);
    assert_started("fickle:/dev/dri/a\nfickle:/dev/dri/a\ncpu\n");
}

static void demanded(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("cuda:fickle"), "cuda:fickle"), 69);
    assert_started("cuda:fickle\n");
    assert_says("fickle: a surface is lost; see dmesg\n");
    assert_int_equal(run(MACHINE("cuda:full"), "cuda:full"), 75);
    assert_started("cuda:full\n");
    assert_int_equal(run(MACHINE("cuda:fragile"), "cuda:fragile"), 69);
    assert_started("cuda:fragile\nnone\n");
    assert_says("died of SIGSEGV, but the input decodes without cuda:fragile; see vidriera doctor");
    assert_int_equal(run(MACHINE("cuda:vaapi"), "cuda:vaapi"), 69);
    assert_says("--device cuda:vaapi: /dev/dri/renderD128: permission denied; join a group");
    assert_false(there());
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return fake_slot();
    if (access(VD_CLIPS_FOLDER "/bikes.mp4", R_OK) < 0) {
        puts("no clip: skipped");
        return 77; /* SKIP_RETURN_CODE */
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begins_anew, prepare, drop),
        cmocka_unit_test_setup_teardown(until_one_has_done_it, prepare, drop),
        cmocka_unit_test_setup_teardown(demanded, prepare, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
