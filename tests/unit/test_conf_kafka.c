/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The services' settings: keys in no section, kafka { } with free names, secrets in files of their own. */
#include "settings_words.h"

/* main.c has the program's. */
static const struct vd_command worker = {"worker", "", "…", VD_COMMAND_WORKER, NULL};
static const struct vd_command submit = {"submit", "PATH...", "…", VD_COMMAND_SUBMIT, NULL};

const struct vd_command *vd_command_at(int i)
{
    return i == 0 ? &worker : NULL;
}

static int read_config(struct vd_settings *settings, const char *text, const char *words, struct vd_err *err)
{
    return read_config_of(&worker, settings, text, words, err);
}

/* NULL: there is no such pair. */
static const char *pair(const struct vd_settings *settings, const char *name)
{
    for (int i = 0; i < settings->kafka_count; i++)
        if (!strcmp(settings->kafka[i].name, name))
            return settings->kafka[i].value;
    return NULL;
}

static const char *where(const struct vd_settings *settings, const char *key)
{
    const struct vd_conf_value *value = vd_conf_find(&settings->conf, key);
    return value ? value->where : "default";
}

static void want_error(const struct vd_err *err, enum vd_code code, const char *says)
{
    assert_int_equal(err->code, code);
    if (!strstr(err->text, says))
        fail_msg("\"%s\" does not say \"%s\"", err->text, says);
}

static void services_defaults(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    char host[256] = "";
    (void)state;
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    gethostname(host, sizeof host - 1);
    assert_string_equal(settings.worker_name, host);
    assert_string_equal(settings.group, "vidriera");
    assert_null(settings.data);
    assert_null(settings.instance);
    assert_null(settings.folder[VD_RECORDINGS]);
    assert_int_equal(settings.kafka_count, 0);
    assert_true(settings.archive_move && settings.create_topics && !settings.once);
    assert_int_equal(settings.timeout_s, 12 * 3600);
    assert_int_equal(settings.reserve_bytes, 256 << 20);
    assert_int_equal(settings.wait_s, 30);
}

static void a_service_is_configured(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    char said[80];
    (void)state;
    assert_int_equal(read_config(&settings,
                                 "data = \"/srv/a b\"\nfailed = /mnt/failed\ninstance = w1\narchive = keep\n"
                                 "create_topics = no\nworker { slots = 3 drain = 2m timeout = 0 reserve = 1G\n"
                                 "attempts = 5 slot_jobs = 7 group = g name = n }\nwatch { quiet = 9 rescan = 1m }\n",
                                 "--once --wait-s 5 --slots 4 --data /srv/b", &err),
                     0);
    assert_string_equal(settings.data, "/srv/b");
    assert_string_equal(settings.folder[VD_FAILED_ROOT], "/mnt/failed");
    assert_null(settings.folder[VD_ARCHIVED]);
    assert_string_equal(settings.instance, "w1");
    assert_false(settings.archive_move || settings.create_topics);
    assert_int_equal(settings.slots, 4);
    assert_int_equal(settings.drain_s, 120);
    assert_int_equal(settings.timeout_s, 0);
    assert_int_equal(settings.reserve_bytes, 1 << 30);
    assert_int_equal(settings.attempts, 5);
    assert_int_equal(settings.slot_jobs, 7);
    assert_string_equal(settings.group, "g");
    assert_string_equal(settings.worker_name, "n");
    assert_int_equal(settings.quiet_s, 9);
    assert_int_equal(settings.rescan_s, 60);
    assert_true(settings.once && settings.wait_s == 5);
    assert_string_equal(where(&settings, "data"), "--data");
    snprintf(said, sizeof said, "%s/v.conf:7", folder);
    assert_string_equal(where(&settings, "worker.attempts"), said);
    assert_string_equal(where(&settings, "process.device"), "default");
}

/* Names are free there, dots and all, and libconfuse says nothing of them. */
static void kafka_in_the_file(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    struct capture capture;
    char said[200], place[80];
    (void)state;
    capture_begin(&capture, STDERR_FILENO);
    int ret = read_config(
        &settings,
        "kafka {\n  bootstrap.servers = \"a:9092,b:9092\"\n  security.protocol = sasl_ssl\n"
        "  sasl.password = \"p \\\"=# ü\"\n}\ndata = /d\nkafka { security.protocol = ssl\n acks = '' }\n",
        "", &err);
    capture_end(&capture, said, sizeof said);
    assert_string_equal(said, "");
    assert_int_equal(ret, 0);
    assert_int_equal(settings.kafka_count, 4);
    assert_string_equal(pair(&settings, "bootstrap.servers"), "a:9092,b:9092");
    assert_string_equal(pair(&settings, "security.protocol"), "ssl"); /* the latter of two */
    assert_string_equal(pair(&settings, "sasl.password"), "p \"=# ü");
    assert_string_equal(pair(&settings, "acks"), "");
    assert_string_equal(settings.data, "/d");
    snprintf(place, sizeof place, "%s/v.conf:4", folder);
    assert_string_equal(where(&settings, "kafka.sasl.password"), place);
    snprintf(place, sizeof place, "%s/v.conf:8", folder);
    assert_string_equal(where(&settings, "kafka.acks"), place);
}

static void kafka_in_the_environment(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    setenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS", "c:1", 1);
    setenv("VIDRIERA_KAFKA_SASL_MECHANISM", "PLAIN", 1);
    setenv("VIDRIERA_KAFKA_SSL_CA_LOCATION", "", 1); /* counts as none */
    assert_int_equal(
        read_config(&settings, "kafka { bootstrap.servers = \"a:1\" client.id = x }", "-X client.id=y=z", &err), 0);
    assert_int_equal(settings.kafka_count, 3);
    assert_string_equal(pair(&settings, "bootstrap.servers"), "c:1");
    assert_string_equal(pair(&settings, "sasl.mechanism"), "PLAIN");
    assert_string_equal(pair(&settings, "client.id"), "y=z");
    assert_string_equal(where(&settings, "kafka.bootstrap.servers"), "VIDRIERA_KAFKA_BOOTSTRAP_SERVERS");
    assert_int_equal(read_words_of(&worker, &settings, "-X client.id", &err), -1);
    want_error(&err, VD_USAGE, "NAME=VALUE");
    assert_int_equal(read_words_of(&worker, &settings, "-X =v", &err), -1);
    want_error(&err, VD_USAGE, "NAME=VALUE");
    unsetenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS");
    unsetenv("VIDRIERA_KAFKA_SASL_MECHANISM");
    unsetenv("VIDRIERA_KAFKA_SSL_CA_LOCATION");
}

/* What Kubernetes sets for Services called vidriera-kafka and vidriera-kafka-bootstrap is not meant for us. */
static void kubernetes_is_left_alone(void **state)
{
    static const char *const names[] = {
        "VIDRIERA_KAFKA_SERVICE_HOST",   "VIDRIERA_KAFKA_SERVICE_PORT",           "VIDRIERA_KAFKA_SERVICE_PORT_CLIENT",
        "VIDRIERA_KAFKA_PORT",           "VIDRIERA_KAFKA_PORT_9092_TCP",          "VIDRIERA_KAFKA_PORT_9092_TCP_ADDR",
        "VIDRIERA_KAFKA_BOOTSTRAP_PORT", "VIDRIERA_KAFKA_BOOTSTRAP_SERVICE_HOST", "VIDRIERA_KAFKA_BOOTSTRAP_PORT_1_TCP",
    };
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], "10.0.0.1", 1);
    setenv("VIDRIERA_KAFKA_SASL_KERBEROS_SERVICE_NAME", "kafka", 1); /* librdkafka's own */
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_int_equal(settings.kafka_count, 1);
    assert_string_equal(pair(&settings, "sasl.kerberos.service.name"), "kafka");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    unsetenv("VIDRIERA_KAFKA_SASL_KERBEROS_SERVICE_NAME");
}

static void secrets_in_files(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    setenv("VIDRIERA_KAFKA_SASL_PASSWORD_FILE", write_file("password", "hush\n\n"), 1);
    setenv("VIDRIERA_WORKER_SLOTS_FILE", write_file("slots", "6"), 1);
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_int_equal(settings.kafka_count, 1);
    assert_string_equal(pair(&settings, "sasl.password"), "hush\n"); /* less one newline, not all */
    assert_int_equal(settings.slots, 6);
    assert_string_equal(where(&settings, "worker.slots"), "VIDRIERA_WORKER_SLOTS_FILE");
    setenv("VIDRIERA_KAFKA_SASL_PASSWORD", "loud", 1);
    assert_int_equal(read_words_of(&worker, &settings, "", &err), -1);
    want_error(&err, VD_CONFIG, "VIDRIERA_KAFKA_SASL_PASSWORD and VIDRIERA_KAFKA_SASL_PASSWORD_FILE");
    assert_null(strstr(err.text, "loud"));
    unsetenv("VIDRIERA_KAFKA_SASL_PASSWORD");
    setenv("VIDRIERA_KAFKA_SASL_PASSWORD_FILE", "/nonexistent/p", 1);
    assert_int_equal(read_words_of(&worker, &settings, "", &err), -1);
    want_error(&err, VD_CONFIG, "/nonexistent/p: No such file or directory; check VIDRIERA_KAFKA_SASL_PASSWORD_FILE");
    unsetenv("VIDRIERA_KAFKA_SASL_PASSWORD_FILE");
    write_file("slots", "many\n");
    assert_int_equal(read_words_of(&worker, &settings, "", &err), -1);
    want_error(&err, VD_CONFIG, "VIDRIERA_WORKER_SLOTS_FILE=");
    want_error(&err, VD_CONFIG, "0 to 64");
    assert_null(strstr(err.text, "many")); /* what stands in such a file is not told */
    unsetenv("VIDRIERA_WORKER_SLOTS_FILE");
}

/* 78, file and line, and a hint. */
static void bad_files(void **state)
{
    static const struct {
        const char *text, *says[2];
    } rows[] = {
        {"data = /d\nslots = 3", {"v.conf:2: slots", "did you mean worker.slots?"}},
        {"\ndaat = 3", {"v.conf:2: daat", "did you mean data?"}},
        {"kafak { a = b }", {"v.conf:1: kafak", "did you mean kafka?"}},
        {"worker { slot_job = 3 }", {"v.conf:1: slot_job", "did you mean worker.slot_jobs?"}},
        {"watch { quite = 3 }", {"v.conf:1: quite", "did you mean watch.quiet?"}},
        {"\n\narchive = mvoe", {"v.conf:3: archive = mvoe", "move or keep"}},
        {"data = ''", {"v.conf:1: data"}},
        {"data { a = b }", {"v.conf:1:"}},
        {"create_topics = maybe", {"v.conf:1: create_topics", "yes or no"}},
        {"worker { slots = 65 }", {"v.conf:1: worker.slots = 65", "0 to 64"}},
        {"kafka {\n a = b,c }", {"v.conf:2:", "quotes"}},
        {"kafka {\n sasl { password = x } }", {"v.conf:2:", "sasl"}},
        {"kafka = x", {"v.conf:1:", "kafka"}},
        {"log { level = loud }", {"log.level = loud", "warning"}},
    };
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture capture;
        char said[200];
        capture_begin(&capture, STDERR_FILENO);
        int ret = read_config(&settings, rows[i].text, "", &err);
        capture_end(&capture, said, sizeof said);
        assert_string_equal(said, "");
        if (ret != -1)
            fail_msg("\"%s\" was taken", rows[i].text);
        for (int k = 0; k < 2 && rows[i].says[k]; k++)
            want_error(&err, VD_CONFIG, rows[i].says[k]);
    }
}

static void too_many_pairs(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    char text[4000] = "kafka {";
    (void)state;
    for (int i = 0; i <= VD_KAFKA_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "\nname%d = secret%d", i, i);
    strcat(text, "}");
    assert_int_equal(read_config(&settings, text, "", &err), -1);
    want_error(&err, VD_CONFIG, "v.conf:66: kafka.name64: does not fit; give at most 64 keys");
}

static void arguments(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    (void)state;
    assert_int_equal(read_words_of(&submit, &settings, "a --wait b", &err), 0);
    assert_int_equal(settings.input_count, 2);
    assert_string_equal(settings.inputs[0], "a");
    assert_string_equal(settings.inputs[1], "b");
    assert_true(settings.wait);
    assert_int_equal(read_words_of(&submit, &settings, "", &err), -1);
    want_error(&err, VD_USAGE, "PATH");
    assert_int_equal(read_words_of(&submit, &settings, "a ''", &err), -1);
    want_error(&err, VD_USAGE, "empty");
    assert_int_equal(read_words_of(&worker, &settings, "a", &err), -1);
    want_error(&err, VD_USAGE, "worker: takes no arguments, and a is one");
    assert_int_equal(read_words_of(&worker, &settings, "--wait", &err), -1); /* submit's */
    want_error(&err, VD_USAGE, "--wait");
}

/* A service whose log is no terminal writes JSON lines; its level is a key, so that SIGHUP can change it. */
static void log_of_a_service(void **state)
{
    struct vd_settings settings;
    struct vd_err err;
    struct capture capture;
    char said[100];
    (void)state;
    capture_begin(&capture, STDERR_FILENO); /* whatever the test runs on */
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_true(settings.log.json);
    assert_int_equal(read_words_of(&submit, &settings, "f", &err), 0);
    assert_false(settings.log.json);
    assert_int_equal(read_config(&settings, "log { format = text level = warning }", "", &err), 0);
    assert_false(settings.log.json);
    assert_int_equal(settings.log.level, VD_LOG_WARNING);
    assert_int_equal(read_config(&settings, "log { format = text }", "--log-format auto", &err), 0);
    assert_true(settings.log.json);
    capture_end(&capture, said, sizeof said);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_defaults),
        cmocka_unit_test(a_service_is_configured),
        cmocka_unit_test(kafka_in_the_file),
        cmocka_unit_test(kafka_in_the_environment),
        cmocka_unit_test(kubernetes_is_left_alone),
        cmocka_unit_test(secrets_in_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(too_many_pairs),
        cmocka_unit_test(arguments),
        cmocka_unit_test(log_of_a_service),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
