/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing by trying, on devices whose slots do as they are told. */
#include "fake_slot.h"

#include "verdict.h"

#include "vidriera/choose.h"
#include "vidriera/log.h"
#include "vidriera/now.h"
#include "vidriera/patience.h"

#include <math.h>
#include <sys/stat.h>

static struct vd_candidate machine[VD_CANDIDATES];
static int machines;
static char folder[32], cache[64], notes[64];
static struct vd_job job;
static struct vd_chooser *chooser;
static struct vd_choice choice;
static struct vd_err err;

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list);

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list)
{
    int count = 0;
    for (int i = 0; i < machines; i++)
        if (!strcmp(wanted, "auto") || !strncmp(machine[i].words, wanted, strcspn(wanted, ":")))
            list[count++] = machine[i];
    return count;
}

static void add(const char *words, const char *refusal)
{
    struct vd_candidate *candidate = &machine[machines++];
    snprintf(candidate->words, sizeof candidate->words, "%s", words);
    snprintf(candidate->key, sizeof candidate->key, "%s of this machine", words);
    snprintf(candidate->refusal, sizeof candidate->refusal, "%s", refusal);
}

static int prepare(void **state)
{
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_ERROR});
    vd_job_defaults(&job);
    folder_make(folder);
    snprintf(cache, sizeof cache, "%s/a/b", folder);
    snprintf(notes, sizeof notes, "%s/notes", folder);
    setenv(FAKE_NOTES, notes, 1);
    machines = 0;
    err = (struct vd_err){0};
    chooser = NULL;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    vd_chooser_close(chooser);
    folder_drop(folder);
    return 0;
}

static void open_chooser(const char *wanted, const char *where, bool afresh)
{
    vd_chooser_close(chooser);
    chooser = vd_chooser_open(&(struct vd_chooser_setup){wanted, where, &job.limits, afresh}, &err);
    assert_non_null(chooser);
}

static void assert_taken(const char *words)
{
    if (vd_chooser_take(chooser, &choice, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(choice.words, words);
}

static void assert_says(const char *text, const char *word)
{
    if (!strstr(text, word))
        fail_msg("\"%s\" does not say \"%s\"", text, word);
}

/* How many slots were started, since the last call. */
static int starts(void)
{
    int count = 0, c;
    FILE *file = fopen(notes, "r");
    while (file && (c = getc(file)) != EOF)
        count += c == '\n';
    if (file)
        fclose(file);
    unlink(notes);
    return count;
}

static void takes_the_first_that_works(void **state)
{
    (void)state;
    add("absent", "/dev/dri: no render node; start a container with --device /dev/dri");
    add("wrong:0", "");
    add("late:0", "");
    add("crash:0", "");
    add("exit:0", "");
    add("right:0", "");
    add("right:1", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_false(choice.demanded);
    assert_says(choice.reason, "absent: /dev/dri: no render node; wrong: the pixels are not right; ");
    assert_says(choice.reason, "crash:0: its driver crashed when tried (SIGSEGV)");
    assert_says(choice.reason, "exit:0: its driver ended the process when tried (status 3)");
    assert_null(strstr(choice.reason, "doctor")); /* what to do is told elsewhere */
    assert_int_equal(starts(), 5);
    assert_taken("right:0");
    assert_int_equal(starts(), 0);
    const struct vd_trial *trial = vd_chooser_trial(chooser, 5);
    assert_true(trial->tried && trial->works);
    assert_int_equal(json_array_size(trial->report), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(trial->report, 1), "height")), 362);
    assert_int_equal(json_array_size(vd_chooser_trial(chooser, 2)->report), 1);
    assert_false(vd_chooser_trial(chooser, 6)->tried);
    assert_null(vd_chooser_trial(chooser, 8));
}

static void the_best_needs_no_reason(void **state)
{
    (void)state;
    add("right:0", "");
    add("cpu", "");
    open_chooser("auto", NULL, false);
    assert_taken("right:0");
    assert_string_equal(choice.reason, "");
}

static void nothing_is_tried_without_devices(void **state)
{
    struct stat st;
    (void)state;
    add("absent", "/dev/dri: no render node; load a driver");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("cpu");
    assert_string_equal(choice.reason, "absent: /dev/dri: no render node");
    assert_int_equal(starts(), 0);
    assert_true(stat(cache, &st) < 0);
}

static void hangs(void **state)
{
    (void)state;
    add("hang:0", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    double before = vd_monotonic();
    assert_taken("cpu");
    double spent = vd_monotonic() - before;
    assert_true(spent >= VD_PATIENCE_S && spent < VD_PATIENCE_MOST_S);
    assert_says(choice.reason, "hang:0: no answer within ");
    assert_says(choice.reason, " s when tried: its driver hangs");
    assert_int_equal(starts(), 1);
    open_chooser("auto", cache, false);
    assert_taken("cpu");
    assert_int_equal(starts(), 0); /* nobody waits for it twice in ten minutes */
}

/* Without the folder that drivers compile into. */
static int verdicts(void)
{
    char drivers[80];
    snprintf(drivers, sizeof drivers, "%s/drivers", cache);
    return folder_count(cache) - (access(drivers, F_OK) == 0);
}

static void verdicts_are_kept(void **state)
{
    struct stat st;
    (void)state;
    add("wrong:0", "");
    add("right:0", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(stat(cache, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(verdicts(), 2);
    assert_int_equal(starts(), 2);
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_string_equal(choice.reason, "wrong: the pixels are not right");
    assert_int_equal(starts(), 0);
    assert_int_equal(json_array_size(vd_chooser_trial(chooser, 1)->report), 2);
    open_chooser("auto", cache, true);
    assert_taken("right:0");
    assert_int_equal(starts(), 2);
    strcpy(machine[1].key, "another driver");
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
}

/* An older refusal, or one from a clock that was set back. */
static void refusals_age(void **state)
{
    struct vd_verdict_on verdict = {.works = false}, got = {0};
    (void)state;
    vd_fail(&verdict.err, VD_UNAVAILABLE, "open", "no; see");
    assert_true(vd_verdict_folder(cache));
    vd_verdict_write(cache, "key", 1000, &verdict);
    assert_true(vd_verdict_read(cache, "key", 1000 + VD_VERDICT_REFUSED_S, &got));
    assert_false(got.works);
    assert_int_equal(got.err.code, VD_UNAVAILABLE);
    assert_string_equal(got.err.text, "no; see");
    assert_false(vd_verdict_read(cache, "key", 1001 + VD_VERDICT_REFUSED_S, &got));
    assert_false(vd_verdict_read(cache, "key", 999, &got));
    assert_false(vd_verdict_read(cache, "kex", 1000, &got));
    verdict.works = true;
    vd_verdict_write(cache, "key", 1000, &verdict);
    assert_true(vd_verdict_read(cache, "key", 1e9, &got));
    assert_true(got.works);
    assert_int_equal(verdicts(), 1);
}

/* Whatever lies where a verdict would be: the device is tried. */
static void spoilt(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"key\":1}",
                                        "{\"key\":\"right:0 of this machine\",\"at\":1,\"works\":false}",
                                        "{\"key\":\"wrong:0 of this machine\",\"at\":1,\"works\":true}"};
    char command[160];
    (void)state;
    add("right:0", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(command, sizeof command, "for f in %s/device-*; do printf '%%s' '%s' > \"$f\"; done", cache, texts[i]);
        assert_int_equal(system(command), 0);
        open_chooser("auto", cache, false);
        assert_taken("right:0");
        assert_int_equal(starts(), 1);
    }
    snprintf(command, sizeof command, "for f in %s/device-*; do rm \"$f\"; mkdir \"$f\"; done", cache);
    assert_int_equal(system(command), 0);
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
    open_chooser("auto", "/dev/null/none", false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
}

static void busy_is_no_verdict(void **state)
{
    (void)state;
    add("busy:0", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("cpu");
    assert_string_equal(choice.reason, "busy: all sessions are taken");
    assert_int_equal(verdicts(), 0);
    assert_int_equal(starts(), 1);
    assert_taken("cpu"); /* not asked again at once */
    assert_int_equal(starts(), 0);
    vd_chooser_worked(chooser, "busy:0", vd_monotonic()); /* the time is over */
    assert_taken("cpu");
    assert_int_equal(starts(), 1);
}

/* Failed so long ago, is it taken? */
static bool taken_after(double age, enum vd_code code)
{
    struct vd_err why = {0};
    vd_fail(&why, code, "encode", "right: it is gone; see dmesg");
    vd_chooser_failed(chooser, "right:0", &why, vd_monotonic() - age);
    assert_int_equal(vd_chooser_take(chooser, &choice, &err), 0);
    if (!strcmp(choice.words, "cpu"))
        assert_string_equal(choice.reason, "right: it is gone");
    return strcmp(choice.words, "cpu");
}

static void gives_up_for_a_while(void **state)
{
    static const double pauses[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    (void)state;
    add("right:0", "");
    add("cpu", "");
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        for (int late = 0; late < 2; late++) {
            open_chooser("auto", cache, false);
            assert_taken("right:0");
            for (size_t j = 0; j < i; j++)
                assert_true(taken_after(1e6, VD_UNAVAILABLE));
            assert_int_equal(taken_after(pauses[i] + (late ? 1 : -5), VD_UNAVAILABLE), late);
        }
    double before = vd_monotonic();
    assert_false(taken_after(0, VD_UNAVAILABLE));
    vd_chooser_worked(chooser, "right:0", before); /* a job that had begun before it failed */
    assert_taken("cpu");
    vd_chooser_worked(chooser, "right:0", vd_monotonic());
    assert_taken("right:0");
    assert_true(taken_after(61, VD_UNAVAILABLE)); /* from the beginning */
    assert_false(taken_after(5, VD_AGAIN));
    open_chooser("auto", cache, false);
    assert_true(taken_after(11, VD_AGAIN));
    assert_true(taken_after(11, VD_AGAIN)); /* never longer */
    vd_chooser_failed(chooser, "cpu", &err, vd_monotonic());
    vd_chooser_failed(chooser, "unheard of", &err, vd_monotonic());
}

/* What works when it is tried, and fails in jobs, is tried again before it is taken again. */
static void what_failed_is_not_remembered(void **state)
{
    struct vd_err why = {0};
    (void)state;
    add("right:0", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
    vd_fail(&why, VD_AGAIN, "encode", "right: all sessions are taken; wait");
    vd_chooser_failed(chooser, "right:0", &why, vd_monotonic());
    assert_int_equal(verdicts(), 1);
    vd_fail(&why, VD_UNAVAILABLE, "encode", "right: it is gone; see dmesg");
    vd_chooser_failed(chooser, "right:0", &why, vd_monotonic());
    assert_int_equal(verdicts(), 0);
    assert_taken("cpu");
    assert_int_equal(starts(), 0);
    open_chooser("auto", cache, false);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
    vd_chooser_failed(chooser, "right:0", &why, vd_monotonic() - 61);
    assert_taken("right:0");
    assert_int_equal(starts(), 1);
}

static void a_node_is_given_up_with_all_its_rows(void **state)
{
    struct vd_err why = {0};
    (void)state;
    add("right:/dev/dri/renderD128", "");
    add("right:/dev/dri/renderD129", "");
    add("wrong:/dev/dri/renderD128", "");
    add("late:/dev/dri/renderD128", "/dev/dri/renderD128: no OpenCL driver; install one");
    add("right:0", "");
    add("host:/dev/dri/renderD128", "");
    add("cpu", "");
    open_chooser("auto", cache, false);
    assert_taken("right:/dev/dri/renderD128");
    vd_fail(&why, VD_UNAVAILABLE, "effect", "right: it is gone; see dmesg");
    vd_chooser_failed(chooser, choice.words, &why, INFINITY);
    assert_taken("right:/dev/dri/renderD129");
    assert_string_equal(choice.reason, "right: it is gone");
    vd_chooser_failed(chooser, choice.words, &why, INFINITY);
    assert_taken("right:0");
    assert_string_equal(choice.reason, "right: it is gone; late: /dev/dri/renderD128: no OpenCL driver");
    vd_chooser_failed(chooser, choice.words, &why, INFINITY);
    assert_taken("cpu");
    assert_int_equal(starts(), 3);
}

static void only_its_own_errors_are_blamed_on_it(void **state)
{
    static const struct {
        enum vd_code code;
        const char *stage;
        bool blamed;
    } rows[] = {
        {VD_UNAVAILABLE, "open", true},
        {VD_UNAVAILABLE, "decode", true},
        {VD_UNAVAILABLE, "effect", true},
        {VD_UNAVAILABLE, "encode", true},
        {VD_AGAIN, "encode", true},
        {VD_AGAIN, "effect", true},
        {VD_AGAIN, "commit", false}, /* the recording changed while it was read */
        {VD_AGAIN, "start", false},  /* too many threads are running */
        {VD_AGAIN, "", false},
        {VD_UNFIT, "encode", false},
        {VD_INPUT, "decode", false},
        {VD_IO, "open", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vd_fail(&err, rows[i].code, rows[i].stage, "no");
        if (vd_chooser_blames(&err) != rows[i].blamed)
            fail_msg("row %zu", i);
    }
}

static void demanded(void **state)
{
    (void)state;
    add("vaapi-opencl:/dev/dri/renderD128", "");
    add("vaapi-host:/dev/dri/renderD128", "");
    add("cuda:1", "");
    add("away:0", "/dev/dri/renderD130: there is no such node; look");
    add("cpu", "");
    open_chooser("vaapi:0", cache, false);
    assert_taken("vaapi:/dev/dri/renderD128");
    assert_true(choice.demanded);
    open_chooser("vaapi", cache, false);
    assert_taken("vaapi:/dev/dri/renderD128");
    open_chooser("cuda:/dev/nvidia1", cache, false);
    assert_taken("cuda:1");
    open_chooser("cpu", NULL, false);
    assert_taken("cpu");
    assert_int_equal(starts(), 0);
    open_chooser("away", cache, false);
    assert_int_equal(vd_chooser_take(chooser, &choice, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_string_equal(err.text, "--device away: /dev/dri/renderD130: there is no such node; look");
    open_chooser("quantum", cache, false);
    assert_int_equal(vd_chooser_take(chooser, &choice, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
}

static void of_several_the_first_that_works(void **state)
{
    (void)state;
    add("wrong-opencl:/dev/dri/renderD128", "");
    add("wrong:/dev/dri/renderD128", "");
    add("wrong:/dev/dri/renderD129", "/dev/dri/renderD129: permission denied; join a group");
    add("cuda:wrong", "");
    add("cuda:right", "");
    add("cuda:busy", "");
    add("cpu", "");
    open_chooser("cuda", cache, false);
    assert_taken("cuda:right");
    assert_true(choice.demanded);
    assert_string_equal(choice.reason, "cuda: wrong: the pixels are not right");
    assert_int_equal(starts(), 2);
    open_chooser("wrong", cache, false); /* one of them only is to be had */
    assert_taken("wrong:/dev/dri/renderD128");
    assert_int_equal(starts(), 0);
    strcpy(machine[4].words, "cuda:late");
    strcpy(machine[4].key, "another");
    open_chooser("cuda", cache, false);
    assert_int_equal(vd_chooser_take(chooser, &choice, &err), -1);
    assert_int_equal(err.code, VD_AGAIN);
    assert_says(err.text, "--device cuda: ");
    assert_says(err.text, "busy: all sessions are taken");
    machines -= 2;
    open_chooser("cuda", cache, false);
    assert_int_equal(vd_chooser_take(chooser, &choice, &err), -1);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_says(err.text, "--device cuda: cuda: wrong: the pixels are not right");
}

/* Many refusals in few bytes: cut, and still text. */
static void long_reasons(void **state)
{
    char text[300], words[32];
    (void)state;
    for (int i = 0; i < 8; i++) {
        memset(text, 'a' + i, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        snprintf(words, sizeof words, "row%d", i);
        add(words, text);
    }
    add("cpu", "");
    open_chooser("auto", NULL, false);
    assert_taken("cpu");
    assert_true(strlen(choice.reason) < sizeof choice.reason);
    assert_string_equal(choice.reason + strlen(choice.reason) - 3, "…");
    json_t *text_of = json_string(choice.reason);
    assert_non_null(text_of);
    json_decref(text_of);
}

static void tries_all(void **state)
{
    (void)state;
    add("absent", "no; yes");
    add("wrong:0", "");
    add("right:0", "");
    add("right:1", "");
    open_chooser("auto", cache, true);
    vd_chooser_try_all(chooser);
    assert_int_equal(starts(), 3);
    assert_false(vd_chooser_trial(chooser, 0)->tried);
    assert_int_equal(vd_chooser_trial(chooser, 0)->err.code, VD_UNAVAILABLE);
    assert_true(vd_chooser_trial(chooser, 1)->tried && !vd_chooser_trial(chooser, 1)->works);
    assert_true(vd_chooser_trial(chooser, 3)->works);
    assert_taken("right:0");
    assert_int_equal(starts(), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return fake_slot();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_first_that_works, prepare, drop),
        cmocka_unit_test_setup_teardown(the_best_needs_no_reason, prepare, drop),
        cmocka_unit_test_setup_teardown(nothing_is_tried_without_devices, prepare, drop),
        cmocka_unit_test_setup_teardown(hangs, prepare, drop),
        cmocka_unit_test_setup_teardown(verdicts_are_kept, prepare, drop),
        cmocka_unit_test_setup_teardown(refusals_age, prepare, drop),
        cmocka_unit_test_setup_teardown(spoilt, prepare, drop),
        cmocka_unit_test_setup_teardown(busy_is_no_verdict, prepare, drop),
        cmocka_unit_test_setup_teardown(gives_up_for_a_while, prepare, drop),
        cmocka_unit_test_setup_teardown(what_failed_is_not_remembered, prepare, drop),
        cmocka_unit_test_setup_teardown(a_node_is_given_up_with_all_its_rows, prepare, drop),
        cmocka_unit_test_setup_teardown(only_its_own_errors_are_blamed_on_it, prepare, drop),
        cmocka_unit_test_setup_teardown(demanded, prepare, drop),
        cmocka_unit_test_setup_teardown(of_several_the_first_that_works, prepare, drop),
        cmocka_unit_test_setup_teardown(long_reasons, prepare, drop),
        cmocka_unit_test_setup_teardown(tries_all, prepare, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
