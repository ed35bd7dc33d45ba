/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera config`: what it prints is what it would read, secrets are never seen, and a mistake is found. */
#include "service_doubles.h"

/* main.c has the program's. */
static const struct vd_command config = {"config", "", "…", VD_COMMAND_CONFIG, vd_cmd_config};
static const struct vd_command process = {"process", "INPUT", "…", VD_COMMAND_PROCESS, NULL};

const struct vd_command *vd_command_at(int i)
{
    return i == 0 ? &config : NULL;
}

struct outcome {
    int status;
    char out[16000], err[2000];
};

/* `vidriera config WORD --config PATH` */
static void run_config(struct outcome *outcome, const char *word, const char *path)
{
    char *argv[] = {(char *)"config", (char *)word, (char *)"--config", (char *)path, NULL};
    struct capture out, err;
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    outcome->status = vd_cmd_config(&config, path ? 4 : 2, argv);
    capture_end(&err, outcome->err, sizeof outcome->err);
    capture_end(&out, outcome->out, sizeof outcome->out);
}

static void want_text(const char *text, const char *says)
{
    if (!strstr(text, says))
        fail_msg("\"%s\" does not say \"%s\"", text, says);
}

static void fit(void **state)
{
    struct outcome outcome;
    char text[200];
    (void)state;
    snprintf(text, sizeof text, "data = \"%s\"\nkafka { bootstrap.servers = b }", folder);
    run_config(&outcome, "--check", write_file("v.conf", text));
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.out, "ok\n");
    assert_string_equal(outcome.err, "");
    assert_int_equal(folder_count(folder), 1); /* it makes nothing */
    run_config(&outcome, "--check", write_file("v.conf", ""));
    assert_int_equal(outcome.status, 0);
    want_text(outcome.err, "data is not set");
    want_text(outcome.err, "no broker is named");
}

static void unfit(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"worker {\n slots = many }", "v.conf:2: worker.slots = many: does not fit; give"},
        {"worker {\n slot = 2 }", "v.conf:2: slot: no such key here; did you mean worker.slots?"},
        {"\nkafka { isolation.level = read_uncommitted }", "v.conf:2: kafka isolation.level: not to be changed"},
        {"data = /nonexistent", "v.conf:1: data = /nonexistent: No such file or directory; make the folder"},
        {"\nfailed = /dev/null", "v.conf:2: failed = /dev/null: Not a directory"},
    };
    struct outcome outcome;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run_config(&outcome, "--check", write_file("v.conf", rows[i].text));
        assert_int_equal(outcome.status, 78);
        assert_string_equal(outcome.out, "");
        want_text(outcome.err, rows[i].says);
        assert_ptr_equal(strchr(outcome.err, '\n') + 1, outcome.err + strlen(outcome.err)); /* one line */
    }
    run_config(&outcome, "-v", NULL);
    assert_int_equal(outcome.status, 64);
    want_text(outcome.err, "--check or --print");
}

static void printed(void **state)
{
    struct outcome outcome;
    (void)state;
    setenv("VIDRIERA_OUTPUT_QUALITY", "30", 1);
    run_config(&outcome, "--print",
               write_file("v.conf", "instance = \"a b\"\nkafka { bootstrap.servers = \"a:1,b:2\" }\n"));
    unsetenv("VIDRIERA_OUTPUT_QUALITY");
    assert_int_equal(outcome.status, 0);
    want_text(outcome.out, "\n# data is not set\n");
    want_text(outcome.out, "\ninstance = \"a b\"  # ");
    want_text(outcome.out, "/v.conf:1\n");
    want_text(outcome.out, "\noutput {\n");
    want_text(outcome.out, "\n    quality = 30  # VIDRIERA_OUTPUT_QUALITY\n");
    want_text(outcome.out, "\n    preset = veryfast  # default\n");
    want_text(outcome.out, "\nkafka {\n    bootstrap.servers = \"a:1,b:2\"  # ");
}

static void no_secrets(void **state)
{
    struct outcome outcome;
    (void)state;
    setenv("VIDRIERA_KAFKA_SASL_USERNAME_FILE", write_file("name", "HUSH5"), 1);
    run_config(&outcome, "--print",
               write_file("v.conf", "kafka {\n sasl.password = HUSH1 ssl.key.password = HUSH2\n"
                                    " ssl.key.pem = HUSH3 sasl.oauthbearer.config = HUSH4\n"
                                    " sasl.oauthbearer.client.secret = HUSH6 client.id = seen }"));
    unsetenv("VIDRIERA_KAFKA_SASL_USERNAME_FILE");
    assert_int_equal(outcome.status, 0);
    want_text(outcome.out, "client.id = seen");
    want_text(outcome.out, "# sasl.password is hidden  # ");
    want_text(outcome.out, "# sasl.username is hidden  # VIDRIERA_KAFKA_SASL_USERNAME_FILE\n");
    assert_null(strstr(outcome.out, "HUSH"));
    assert_string_equal(outcome.err, "");
}

/* Two settings by their values; where they were set may differ. */
static void assert_same(const struct vd_settings *a, const struct vd_settings *b)
{
    int rows;
    const struct vd_setting *table = vd_settings_table(&rows);
    for (int i = 0; i < rows; i++) {
        if (!table[i].key || vd_setting_free(&table[i]))
            continue;
        const struct vd_conf_value *left = vd_conf_find(&a->conf, table[i].key);
        const struct vd_conf_value *right = vd_conf_find(&b->conf, table[i].key);
        const char *was = left ? left->text : table[i].shown, *is = right ? right->text : table[i].shown;
        if ((was || is) && (!was || !is || strcmp(was, is)))
            fail_msg("%s was %s and came back as %s", table[i].key, was ? was : "not set", is ? is : "not set");
    }
    assert_int_equal(a->kafka_count, b->kafka_count);
    for (int i = 0; i < a->kafka_count; i++) {
        assert_string_equal(a->kafka[i].name, b->kafka[i].name);
        assert_string_equal(a->kafka[i].value, b->kafka[i].value);
    }
}

/* Printed, and read back: the same, whatever is in the texts. */
static void round_trip(void **state)
{
    char path[64], back[64], *argv[] = {(char *)"config", (char *)"--print", (char *)"--config", path};
    struct vd_settings first, second;
    struct vd_err err = {0};
    struct outcome outcome;
    (void)state;
    snprintf(path, sizeof path, "%s",
             write_file("odd.conf", "data = \"/a \\\"b\\\" \\\\ \\${HOME} #= ü\\n\\x01f\"\narchive = keep\n"
                                    "worker { slots = 3 timeout = 2m name = 'x y' }\neffect { left = \"#010203\" }\n"
                                    "kafka { ssl.ca.location = \"a{b}\" client.id = '' }"));
    run_config(&outcome, "--print", path);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(vd_settings_read(&first, &config, 4, argv, &err), 0);
    assert_string_equal(first.data, "/a \"b\" \\ ${HOME} #= ü\n\x01"
                                    "f");
    snprintf(back, sizeof back, "%s", write_file("back.conf", outcome.out));
    argv[3] = back;
    if (vd_settings_read(&second, &config, 4, argv, &err) != 0)
        fail_msg("what was printed is refused: %s", err.text);
    assert_same(&first, &second);
    vd_settings_finish(&first);
    vd_settings_finish(&second);
}

static void use_home(const char *home)
{
    unsetenv("CACHE_DIRECTORY");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("VIDRIERA_CACHE");
    setenv("HOME", home, 1);
}

static void assert_cache(const char *words, const char *wanted)
{
    struct vd_settings settings;
    struct vd_err err;
    assert_int_equal(read_words_of(&process, &settings, words, &err), 0);
    if (wanted)
        assert_string_equal(settings.cache, wanted);
    else
        assert_null(settings.cache);
}

/* Where devices keep what they need again: as demanded, as systemd gives it, the user's, nowhere. */
static void cache(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    use_home("/home/a");
    assert_cache("x.mp4", "/home/a/.cache/vidriera");
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    assert_cache("x.mp4", "/xdg/vidriera");
    setenv("CACHE_DIRECTORY", "/var/cache/vidriera:/var/cache/other", 1);
    assert_cache("x.mp4", "/var/cache/vidriera");
    setenv("VIDRIERA_CACHE", "/env", 1);
    assert_cache("x.mp4", "/env");
    assert_cache("x.mp4 --cache /given", "/given");
    assert_int_equal(read_words_of(&process, &settings, "x.mp4 --cache given", &err), -1);
    assert_int_equal(err.code, VD_USAGE);
    use_home("relative");
    assert_cache("x.mp4", NULL);
    unsetenv("HOME");
    assert_cache("x.mp4", NULL);
}

/* docker/vidriera.conf has every key, each with its default, commented out; with the signs taken off it is taken. */
static void reference(void **state)
{
    static char text[32000], live[32000];
    struct vd_settings settings, defaults;
    struct vd_err err;
    int rows;
    (void)state;
    use_home("/home/somebody");
    FILE *file = fopen(VD_ROOT "/docker/vidriera.conf", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(read_words_of(&config, &defaults, "--config " VD_ROOT "/docker/vidriera.conf", &err), 0);
    assert_int_equal(defaults.conf.count, 2); /* the host's name, the user's cache folder */
    char *to = live;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *from = line + strspn(line, " ");
        from += *from == '#' && from[1] != ' '; /* "#key = value"; "# words" stay */
        to += sprintf(to, "%s\n", from);
    }
    if (read_config_of(&config, &settings, live, "", &err) < 0)
        fail_msg("%s", err.text);
    const struct vd_setting *table = vd_settings_table(&rows);
    for (int i = 0; i < rows; i++) {
        if (!table[i].key || vd_setting_free(&table[i]))
            continue;
        const struct vd_conf_value *value = vd_conf_find(&settings.conf, table[i].key);
        if (!value || !strncmp(value->where, "the host", 8) || !strcmp(value->where, "HOME"))
            fail_msg("docker/vidriera.conf lacks %s", table[i].key);
        if (table[i].shown)
            assert_string_equal(value->text, table[i].shown);
    }
    assert_true(settings.kafka_count > 0);
    assert_int_equal(vd_services_kafka_check(&settings, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache),     cmocka_unit_test(fit),        cmocka_unit_test(unfit),
        cmocka_unit_test(printed),   cmocka_unit_test(no_secrets), cmocka_unit_test(round_trip),
        cmocka_unit_test(reference),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
