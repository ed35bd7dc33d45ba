/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values through the real table: from a file, from the environment, from options, and who wins. */
#include "settings_words.h"

/* main.c has the program's. */
static const struct vd_command command = {"process", "INPUT", "…", VD_COMMAND_PROCESS, NULL};

const struct vd_command *vd_command_at(int i)
{
    return i == 0 ? &command : NULL;
}

static int read_words(struct vd_settings *settings, const char *words, struct vd_err *err)
{
    return read_words_of(&command, settings, words, err);
}

static int read_config(struct vd_settings *settings, const char *text, const char *words, struct vd_err *err)
{
    return read_config_of(&command, settings, text, words, err);
}

static void defaults(void **state)
{
    struct vd_settings settings;
    struct vd_job job;
    struct vd_err err;
    (void)state;
    vd_job_defaults(&job);
    assert_int_equal(read_words(&settings, "in.mp4", &err), 0);
    assert_string_equal(settings.input, "in.mp4");
    assert_null(settings.output);
    assert_null(settings.preview);
    assert_string_equal(settings.device, "auto");
    assert_false(settings.overwrite || settings.json);
    assert_int_equal(settings.log.level, VD_LOG_INFO);
    json_t *ours = vd_job_to_json(&settings.job), *theirs = vd_job_to_json(&job);
    assert_true(json_equal(ours, theirs));
    json_decref(ours);
    json_decref(theirs);
}

/* What help shows as the default is the default. */
static void shown_defaults(void **state)
{
    struct vd_settings settings, given;
    struct vd_err err;
    char wanted[160];
    int rows;
    (void)state;
    const struct vd_setting *table = vd_settings_table(&rows);
    assert_int_equal(read_words(&settings, "f", &err), 0);
    for (int i = 0; i < rows; i++) {
        if (!table[i].shown || !table[i].key)
            continue;
        given = settings;
        assert_int_equal(table[i].parse(&table[i], table[i].shown, &given, wanted, sizeof wanted), 0);
        if (table[i].offset == offsetof(struct vd_settings, group)) {
            assert_string_equal(given.group, settings.group);
            given.group = settings.group;
        }
        if (table[i].offset == offsetof(struct vd_settings, http.listen)) {
            assert_string_equal(given.http.listen, settings.http.listen);
            given.http.listen = settings.http.listen;
        }
        if (memcmp(&given, &settings, sizeof settings))
            fail_msg("%s: %s is not its default", table[i].key, table[i].shown);
    }
}

static void every_option(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    assert_int_equal(read_words(&settings,
                                "-o out.mkv --effect none --left #010203 --right Gold --strength 1 in --json "
                                "--overwrite --preview p.png",
                                &err),
                     0);
    assert_string_equal(settings.input, "in");
    assert_string_equal(settings.output, "out.mkv");
    assert_string_equal(settings.preview, "p.png");
    assert_string_equal(settings.job.recipe.effect.name, "none");
    assert_int_equal(settings.job.recipe.effect.left.b, 3);
    assert_int_equal(settings.job.recipe.effect.right.g, 215);
    assert_true(settings.job.recipe.effect.strength == 1);
    assert_true(settings.json && settings.overwrite);
    assert_int_equal(read_words(&settings,
                                "--split=0.3333 --device vaapi:/dev/dri/renderD129 --codec hevc --preset slow "
                                "--quality 18.5 --threads 3 --progress plain -- -in",
                                &err),
                     0);
    assert_string_equal(settings.input, "-in");
    assert_int_equal(settings.job.recipe.effect.split, 3333);
    assert_string_equal(settings.device, "vaapi:/dev/dri/renderD129");
    assert_int_equal(settings.job.recipe.codec, VD_CODEC_HEVC);
    assert_string_equal(settings.job.recipe.preset, "slow");
    assert_true(settings.job.recipe.quality == 18.5);
    assert_int_equal(settings.job.threads, 3);
    assert_int_equal(settings.progress, VD_PROGRESS_PLAIN);
    assert_int_equal(read_words(&settings,
                                "--max-pixels 1000 --max-streams 9 --max-probe 2M --max-duration 2h "
                                "--max-memory 1g --stall 90s -vv f",
                                &err),
                     0);
    assert_int_equal(settings.job.limits.pixels, 1000);
    assert_int_equal(settings.job.limits.streams, 9);
    assert_int_equal(settings.job.limits.probe_bytes, 2 << 20);
    assert_int_equal(settings.job.limits.duration_s, 7200);
    assert_int_equal(settings.job.limits.memory_bytes, 1 << 30);
    assert_int_equal(settings.job.limits.stall_s, 90);
    assert_int_equal(settings.log.level, VD_LOG_TRACE);
    assert_int_equal(read_words(&settings, "-q --log-format json f", &err), 0);
    assert_int_equal(settings.log.level, VD_LOG_ERROR);
    assert_true(settings.log.json);
}

/* Each is refused with 64, and the words name what is wrong and what would be right. */
static void bad_options(void **state)
{
    static const struct {
        const char *words, *says[3];
    } rows[] = {
        {"", {"INPUT"}},
        {"a b", {"b"}},
        {"-", {"-", "file"}},
        {"''", {"INPUT"}},
        {"f --qualty 3", {"--qualty", "did you mean --quality?"}},
        {"f --overwirte", {"--overwirte", "did you mean --overwrite?"}},
        {"f --colours", {"--colours", "--help"}},
        {"f -x", {"-x", "--help"}},
        {"f -vx", {"-x", "--help"}},
        {"f --overwrite=yes", {"--overwrite", "no value"}},
        {"f --preset", {"--preset", "value"}},
        {"f -o", {"--output", "value"}},
        {"f -o ''", {"--output"}},
        {"f --quality 51.1", {"--quality 51.1", "0 to 51"}},
        {"f --quality -1", {"--quality -1", "0 to 51"}},
        {"f --quality nan", {"nan", "0 to 51"}},
        {"f --quality inf", {"inf", "0 to 51"}},
        {"f --quality 0x10", {"0x10"}},
        {"f --quality 1e1", {"1e1"}},
        {"f --quality 23q", {"23q"}},
        {"f --quality 2,5", {"2,5"}},
        {"f --quality ''", {"--quality"}},
        {"f --strength 1.01", {"--strength 1.01", "0 to 1"}},
        {"f --split 0.12345", {"0.12345", "4 decimals"}},
        {"f --split 1.1", {"1.1", "0 to 1"}},
        {"f --split .", {"--split ."}},
        {"f --split 0.5.5", {"0.5.5"}},
        {"f --threads 65", {"65", "0 to 64"}},
        {"f --threads 1.5", {"1.5", "whole"}},
        {"f --threads 99999999999999999999", {"0 to 64"}},
        {"f --left blurple", {"--left blurple", "#rrggbb"}},
        {"f --left #12345", {"--left #12345", "#rrggbb"}},
        {"f --effect blur", {"--effect blur", "split-tint", "none"}},
        {"f --codec vp9", {"--codec vp9", "hevc"}},
        {"f --preset fastest", {"--preset fastest", "veryfast"}},
        {"f --device gpu", {"--device gpu", "vaapi"}},
        {"f --device cpu:0", {"cpu:0"}},
        {"f --device cuda:", {"cuda:"}},
        {"f --progress loud", {"--progress loud", "plain"}},
        {"f --log-format xml", {"--log-format xml", "json"}},
        {"f --max-memory 1", {"--max-memory 1", "67108864"}},
        {"f --max-memory 4GB", {"4GB", "k, M or G"}},
        {"f --max-duration 1d", {"1d", "s, m or h"}},
        {"f --max-pixels 0", {"--max-pixels 0"}},
        {"f --stall 0", {"--stall 0"}},
    };
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (read_words(&settings, rows[i].words, &err) != -1)
            fail_msg("\"%s\" was taken", rows[i].words);
        assert_int_equal(err.code, VD_USAGE);
        for (int k = 0; k < 3 && rows[i].says[k]; k++)
            if (!strstr(err.text, rows[i].says[k]))
                fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].words, err.text, rows[i].says[k]);
    }
}

static void file_is_read(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    assert_int_equal(read_config(&settings,
                                 "# ours\noutput { preset = slow\n quality = 20 }\neffect {\n left = \"#0000fe\"\n}\n"
                                 "process { device = cpu }\nlog { format = json }\n",
                                 "f", &err),
                     0);
    assert_string_equal(settings.job.recipe.preset, "slow");
    assert_true(settings.job.recipe.quality == 20);
    assert_int_equal(settings.job.recipe.effect.left.b, 254);
    assert_string_equal(settings.device, "cpu");
    assert_true(settings.log.json);
    assert_int_equal(read_config(&settings, "", "f", &err), 0);
}

/* 78, file and line, and a hint. */
static void bad_files(void **state)
{
    static const struct {
        const char *text, *says[3];
    } rows[] = {
        {"output {\n\n quality = 99 }", {"v.conf:3: output.quality = 99", "0 to 51"}},
        {"output {\n qualty = 9 }", {"v.conf:2: qualty", "did you mean output.quality?"}},
        {"effect { quality = 9 }", {"v.conf:1: quality", "did you mean output.quality?"}},
        {"\nouptut { quality = 9 }", {"v.conf:2: ouptut", "did you mean output?"}},
        {"quality = 9", {"v.conf:1: quality", "did you mean output.quality?"}},
        {"zzzzzzzzzzzz = 9", {"v.conf:1: zzzzzzzzzzzz", "README"}},
        {"output { quality 9 }", {"v.conf:1:", "section { key"}},
        {"output { preset = \"slow }", {"v.conf:"}},
        {"output { preset = {slow, fast} }", {"v.conf:1:"}},
        {"include(\"/etc/passwd\")", {"v.conf:1: include"}},
        {"}", {"v.conf:1:"}},
        {"output { quality = 9\n", {"v.conf: ends within a section", "}"}},
    };
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture capture;
        char said[200];
        capture_begin(&capture, STDERR_FILENO);
        int ret = read_config(&settings, rows[i].text, "f", &err);
        capture_end(&capture, said, sizeof said);
        assert_string_equal(said, ""); /* libconfuse says nothing itself */
        if (ret != -1)
            fail_msg("\"%s\" was taken", rows[i].text);
        assert_int_equal(err.code, VD_CONFIG);
        for (int k = 0; k < 3 && rows[i].says[k]; k++)
            if (!strstr(err.text, rows[i].says[k]))
                fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].text, err.text, rows[i].says[k]);
    }
}

/* A comment is no value, a value no comment, and the line is the right one behind any of them. */
static void comments(void **state)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"\"a#b\"", "a#b"},
        {"a#b", "a"},
        {"'a // b'", "a // b"},
        {"a//b", "a//b"},
        {"http://b/c", "http://b/c"},
        {"\"a \\\" # \\\\\" # c", "a \" # \\"},
        {"'a \\' /* '", "a ' /* "},
        {"\"a /* b\"", "a /* b"},
        {"${NONE:-a#b}", "a#b"},
        {"\"${NONE:-\"#\"}\"", "\"#\""},
        {"\"$#\"", "$#"},
        {"a /* b */", "a"},
        {"a /* # */", "a"},
        {"\"a\"// b", "a"},
        {"a # \"b", "a"},
    };
    struct vd_settings settings;
    struct vd_err err;
    char text[400];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text,
                 "# \"\n // '\n/* \" \n ' */ instance = %s\n # }\n\noutput { quality = 99 }\n/* open", rows[i].text);
        assert_int_equal(read_config(&settings, text, "f", &err), -1);
        if (!settings.instance || strcmp(settings.instance, rows[i].value))
            fail_msg("%s: %s", rows[i].text, settings.instance ? settings.instance : err.text);
        if (!strstr(err.text, "v.conf:7: output.quality = 99"))
            fail_msg("%s: %s", rows[i].text, err.text);
    }
}

static void no_files(void **state)
{
    static const char *const paths[] = {"/nonexistent/v.conf", "/tmp", "/dev/zero"};
    struct vd_settings settings;
    struct vd_err err;
    char words[100];
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(words, sizeof words, "--config %s f", paths[i]);
        assert_int_equal(read_words(&settings, words, &err), -1);
        assert_int_equal(err.code, VD_CONFIG);
        assert_ptr_equal(strstr(err.text, paths[i]), err.text);
    }
}

static void environment(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    setenv("VIDRIERA_OUTPUT_QUALITY", "30", 1);
    setenv("VIDRIERA_EFFECT_SPLIT", "", 1);
    assert_int_equal(read_words(&settings, "f", &err), 0);
    assert_true(settings.job.recipe.quality == 30);
    assert_int_equal(settings.job.recipe.effect.split, 5000);
    setenv("VIDRIERA_OUTPUT_QUALITY", "lots", 1);
    assert_int_equal(read_words(&settings, "f", &err), -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_non_null(strstr(err.text, "VIDRIERA_OUTPUT_QUALITY=lots"));
    unsetenv("VIDRIERA_OUTPUT_QUALITY");
    unsetenv("VIDRIERA_EFFECT_SPLIT");
}

/* Options over environment over file over defaults. */
static void who_wins(void **state)
{
    static const char config[] = "output { quality = 10 preset = slow } effect { strength = 0.9 }";
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    setenv("VIDRIERA_OUTPUT_QUALITY", "11", 1);
    setenv("VIDRIERA_OUTPUT_PRESET", "slower", 1);
    assert_int_equal(read_config(&settings, config, "--quality 12 f", &err), 0);
    assert_true(settings.job.recipe.quality == 12);
    assert_string_equal(settings.job.recipe.preset, "slower");
    assert_true(settings.job.recipe.effect.strength == 0.9);
    assert_int_equal(settings.job.recipe.effect.split, 5000);
    unsetenv("VIDRIERA_OUTPUT_QUALITY");
    unsetenv("VIDRIERA_OUTPUT_PRESET");
}

/* Help fits a terminal, and names everything that the command takes. */
static void help_of(unsigned bit)
{
    const struct vd_command command_of = {"some", "[OPTIONS]", "…", bit, NULL};
    char *argv[] = {(char *)"some", (char *)"--help", NULL}, option[64];
    struct capture capture;
    struct vd_settings settings;
    struct vd_err err = {0};
    static char said[20000];
    int rows;
    capture_begin(&capture, STDOUT_FILENO);
    int ret = vd_settings_read(&settings, &command_of, 2, argv, &err);
    capture_end(&capture, said, sizeof said);
    vd_settings_finish(&settings);
    assert_int_equal(ret, 1);
    const struct vd_setting *table = vd_settings_table(&rows);
    for (int i = 0; i < rows; i++) {
        if (!(table[i].commands & bit) || (!table[i].option && !table[i].key))
            continue;
        if (table[i].option)
            snprintf(option, sizeof option, " --%s%s", table[i].option, table[i].metavar ? " " : "");
        else
            snprintf(option, sizeof option, " %s = ", table[i].key);
        if (!strstr(said, option))
            fail_msg("help does not tell of%s", option);
    }
    for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > 80)
            fail_msg("longer than 80: %s", line);
}

static void help(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    assert_int_equal(read_words(&settings, "--nothing-wrong --help", &err), -1);
    for (unsigned bit = 1; bit <= VD_COMMAND_CONFIG; bit <<= 1)
        help_of(bit);
}

static void nearest(void **state)
{
    static const char *const words[] = {"process", NULL, "worker", "watch"};
    (void)state;
    assert_string_equal(vd_nearest("proces", words, 4), "process");
    assert_string_equal(vd_nearest("watsh", words, 4), "watch");
    assert_string_equal(vd_nearest("workers", words, 4), "worker");
    assert_null(vd_nearest("doctor", words, 4));
    assert_null(vd_nearest("", words, 4));
    assert_null(vd_nearest("a word that is longer than any key may be, by far", words, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),    cmocka_unit_test(shown_defaults), cmocka_unit_test(every_option),
        cmocka_unit_test(bad_options), cmocka_unit_test(file_is_read),   cmocka_unit_test(bad_files),
        cmocka_unit_test(comments),    cmocka_unit_test(no_files),       cmocka_unit_test(environment),
        cmocka_unit_test(who_wins),    cmocka_unit_test(help),           cmocka_unit_test(nearest)};
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
