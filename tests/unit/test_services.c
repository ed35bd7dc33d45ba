/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which broker it is, what the supervisor is told, and what SIGHUP changes. */
#include "service_doubles.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>

/* main.c has the program's. */
static const struct vd_command worker = {"worker", "", "…", VD_COMMAND_WORKER, NULL};

const struct vd_command *vd_command_at(int i)
{
    return i == 0 ? &worker : NULL;
}

static void want_error(const struct vd_err *err, enum vd_code code, const char *says)
{
    assert_int_equal(err->code, code);
    if (!strstr(err->text, says))
        fail_msg("\"%s\" does not say \"%s\"", err->text, says);
}

/* A socket that somebody listens on, or, closed again, nobody does; its address goes into broker_file. */
static int listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    snprintf(broker_file, sizeof broker_file, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static void data_must_be_named(void **state)
{
    struct vd_settings settings;
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_err err;
    (void)state;
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_int_equal(vd_services_roots(&settings, &roots, &err), -1);
    want_error(&err, VD_CONFIG, "VIDRIERA_DATA");
    assert_int_equal(read_words_of(&worker, &settings, "--data /d", &err), 0);
    assert_int_equal(vd_services_roots(&settings, &roots, &err), 0);
    assert_string_equal(roots.data, "/d");
}

static void a_named_broker(void **state)
{
    struct vd_settings settings;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_err err;
    (void)state;
    int fd = listen_somewhere(); /* of no use here */
    assert_int_equal(read_config_of(&worker, &settings,
                                    "instance = i\ncreate_topics = no\nworker { name = n group = g }\n"
                                    "kafka { security.protocol = ssl bootstrap.servers = \"k:1\" }",
                                    "", &err),
                     0);
    assert_int_equal(vd_services_bus(&settings, &roots, &bus, &embedded, &err), 0);
    assert_int_equal(bus.count, 2);
    assert_string_equal(bus.kafka[1].value, "k:1");
    assert_string_equal(bus.group, "g");
    assert_string_equal(bus.instance, "i");
    assert_string_equal(bus.source, "n");
    assert_false(bus.embedded || bus.create_topics);
    close(fd);
    assert_int_equal(read_words_of(&worker, &settings, "-X metadata.broker.list=k:2", &err), 0);
    assert_int_equal(vd_services_bus(&settings, NULL, &bus, &embedded, &err), 0);
    assert_string_equal(bus.kafka[0].value, "k:2");
}

/* TLS and passwords are about another broker than the embedded one. */
static void the_embedded_broker(void **state)
{
    struct vd_settings settings;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_err err;
    (void)state;
    int fd = listen_somewhere();
    assert_int_equal(read_words_of(&worker, &settings, "-X security.protocol=ssl", &err), 0);
    assert_int_equal(vd_services_bus(&settings, &roots, &bus, &embedded, &err), 0);
    assert_true(bus.embedded);
    assert_int_equal(bus.count, 1);
    assert_string_equal(bus.kafka[0].name, "bootstrap.servers");
    assert_string_equal(bus.kafka[0].value, broker_file);
    close(fd);
}

static void no_broker(void **state)
{
    static const char *const elsewhere[] = {"192.0.2.1:9092", "127.0.0.1", "127.0.0.1:1x", "127.0.0.1:99999999", ""};
    struct vd_settings settings;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_err err;
    (void)state;
    close(listen_somewhere()); /* that of a `run` that was killed */
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_int_equal(vd_services_bus(&settings, &roots, &bus, &embedded, &err), -1);
    want_error(&err, VD_CONFIG, "that of vidriera run is gone; set kafka { bootstrap.servers }");
    assert_string_equal(err.stage, "broker");
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        strcpy(broker_file, elsewhere[i]);
        assert_int_equal(vd_services_bus(&settings, &roots, &bus, &embedded, &err), -1);
    }
    assert_int_equal(vd_services_bus(&settings, NULL, &bus, &embedded, &err), -1);
    want_error(&err, VD_CONFIG,
               "no broker is named; set kafka { bootstrap.servers } or VIDRIERA_KAFKA_BOOTSTRAP_SERVERS");
}

static void a_refused_key_is_found(void **state)
{
    struct vd_settings settings;
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_err err;
    (void)state;
    assert_int_equal(
        read_config_of(&worker, &settings, "kafka {\n bootstrap.servers = b\n isolation.level = x }", "", &err), 0);
    assert_int_equal(vd_services_bus(&settings, NULL, &bus, &embedded, &err), -1);
    want_error(&err, VD_CONFIG, "v.conf:3: kafka isolation.level: not to be changed");
    assert_string_equal(err.stage, "");
    setenv("VIDRIERA_KAFKA_ISOLATION_LEVEL", "y", 1);
    assert_int_equal(read_words_of(&worker, &settings, "", &err), 0);
    assert_int_equal(vd_services_bus(&settings, NULL, &bus, &embedded, &err), -1);
    want_error(&err, VD_CONFIG, "VIDRIERA_KAFKA_ISOLATION_LEVEL: kafka isolation.level");
    unsetenv("VIDRIERA_KAFKA_ISOLATION_LEVEL");
}

static void the_supervisor(void **state)
{
    struct vd_settings settings;
    struct vd_bus_setup bus = {.group = "g"};
    struct vd_supervisor_setup setup;
    struct vd_roots roots = VD_ROOTS_NONE;
    struct vd_err err;
    cpu_set_t set;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int half = CPU_COUNT(&set) / 2;
    assert_int_equal(read_words_of(&worker, &settings, "--max-jobs 1", &err), 0);
    assert_int_equal(vd_services_supervisor(&settings, &roots, &bus, &setup, &err), 0);
    assert_int_equal(setup.slots, half < 1 ? 1 : half > VD_SLOTS_MAX ? VD_SLOTS_MAX : half);
    assert_int_equal(setup.max_jobs, 1);
    assert_int_equal(setup.wait_s, -1);
    assert_ptr_equal(setup.roots, &roots);
    assert_string_equal(setup.bus.group, "g");
    assert_true(setup.archive);
    assert_null(setup.watch);
    assert_int_equal(read_words_of(&worker, &settings, "--once --wait-s 7 --slots 5", &err), 0);
    assert_int_equal(vd_services_supervisor(&settings, &roots, &bus, &setup, &err), 0);
    assert_int_equal(setup.slots, 5);
    assert_int_equal(setup.max_jobs, 1);
    assert_int_equal(setup.wait_s, 7);
    assert_string_equal(setup.device, "auto");
    const char *demanded = "cache = /kept\nprocess { device = cuda }";
    assert_int_equal(read_config_of(&worker, &settings, demanded, "", &err), 0);
    assert_int_equal(vd_services_supervisor(&settings, &roots, &bus, &setup, &err), 0);
    assert_string_equal(setup.device, "cuda");
    assert_string_equal(setup.cache, "/kept");
}

/* At SIGHUP the file is read again; what is wrong changes nothing, not even the log. */
static void reload(void **state)
{
    char path[64], *argv[] = {(char *)"worker", (char *)"--config", path, (char *)"--log-format", (char *)"text"};
    struct vd_reload again = {&worker, 5, argv};
    struct vd_settings settings;
    struct vd_bus_setup bus = {.group = "g"};
    struct vd_supervisor_setup setup;
    struct vd_err err = {0};
    (void)state;
    snprintf(path, sizeof path, "%s", write_file("w.conf", "worker { slots = 2 drain = 1 }"));
    assert_int_equal(vd_settings_read(&settings, &worker, 5, argv, &err), 0);
    assert_int_equal(vd_services_supervisor(&settings, NULL, &bus, &setup, &err), 0);
    write_file("w.conf", "worker { slots = 3 drain = 9 }\nlimits { stall = 5s }\nlog { level = debug }");
    assert_int_equal(vd_services_reload(&again, &setup, &err), 0);
    assert_int_equal(setup.drain_s, 9);
    assert_int_equal(setup.job.limits.stall_s, 5);
    assert_int_equal(setup.slots, 2); /* they are there already */
    assert_string_equal(setup.worker, settings.worker_name);
    assert_int_equal(vd_log_get().level, VD_LOG_DEBUG);
    write_file("w.conf", "log { level = error }\nworker { drain = 4 retries = 3 }");
    assert_int_equal(vd_services_reload(&again, &setup, &err), -1);
    want_error(&err, VD_CONFIG, "w.conf:2: retries");
    assert_int_equal(setup.drain_s, 9);
    assert_int_equal(vd_log_get().level, VD_LOG_DEBUG);
    vd_settings_finish(&settings);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_must_be_named),
        cmocka_unit_test(a_named_broker),
        cmocka_unit_test(the_embedded_broker),
        cmocka_unit_test(no_broker),
        cmocka_unit_test(a_refused_key_is_found),
        cmocka_unit_test(the_supervisor),
        cmocka_unit_test(reload),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
