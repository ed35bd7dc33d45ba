/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user may write in the section `kafka`. */
#include "capture.h"

#include "vidriera/bus.h"

#define CHECK(at, err, ...)                                                                                            \
    vd_kafka_check((const struct vd_pair[]){__VA_ARGS__},                                                              \
                   sizeof(const struct vd_pair[]){__VA_ARGS__} / sizeof(struct vd_pair), at, err)

static void test_passed_on(void **state)
{
    int at;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_kafka_check(NULL, 0, &at, &err), 0);
    assert_int_equal(CHECK(&at, &err, {"bootstrap.servers", "kafka:9092"}, {"security.protocol", "sasl_ssl"},
                           {"sasl.mechanism", "SCRAM-SHA-512"}, {"sasl.username", "worker"},
                           {"sasl.password", "s3cret"}, {"socket.keepalive.enable", "true"},
                           {"compression.type", "lz4"}, {"session.timeout.ms", "30000"}),
                     0);
}

static void test_protected(void **state)
{
    static const char *const names[] = {
        "enable.auto.commit",       "auto.offset.reset",
        "isolation.level",          "transactional.id",
        "enable.idempotence",       "acks",
        "group.protocol",           "partition.assignment.strategy",
        "enable.auto.offset.store", "test.mock.num.brokers",
        "plugin.library.paths",     "log_cb",
    };
    int at;
    struct vd_err err;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(CHECK(&at, &err, {"bootstrap.servers", "kafka:9092"}, {names[i], "1"}) < 0);
        assert_int_equal(err.code, VD_CONFIG);
        assert_int_equal(at, 1);
        assert_non_null(strstr(err.text, names[i]));
        assert_non_null(strstr(err.text, "not to be changed: "));
    }
    assert_true(CHECK(&at, &err, {"group.instance.id", "one"}) < 0);
    assert_non_null(strstr(err.text, "use the setting `instance`"));
    assert_true(CHECK(&at, &err, {"group.id", "one"}) < 0);
    assert_non_null(strstr(err.text, "use the setting `group`"));
}

static void test_refused_by_librdkafka(void **state)
{
    int at;
    struct vd_err err;
    (void)state;
    assert_true(CHECK(&at, &err, {"client.rack", "a"}, {"bootstrap.serverz", "kafka:9092"}) < 0);
    assert_int_equal(at, 1);
    assert_non_null(strstr(err.text, "bootstrap.serverz"));
    assert_true(CHECK(&at, &err, {"socket.timeout.ms", "soon"}) < 0);
    assert_int_equal(at, 0);
}

/* Each is fine by itself. */
static void test_refused_together(void **state)
{
    int at = 7;
    struct vd_err err;
    (void)state;
    assert_true(CHECK(&at, &err, {"security.protocol", "ssl"}, {"ssl.ca.location", "/nowhere/ca.pem"},
                      {"ssl.key.password", "s3cret"}) < 0);
    assert_int_equal(at, -1);
    assert_int_equal(err.code, VD_CONFIG);
    assert_non_null(strstr(err.text, "ssl.ca.location"));
    assert_null(strstr(err.text, "s3cret"));
}

/* A bus is opened with what was checked alone. */
static void test_bus_refuses(void **state)
{
    const struct vd_pair pairs[] = {{"bootstrap.servers", "127.0.0.1:9"}, {"isolation.level", "read_uncommitted"}};
    struct vd_bus_setup setup = {.kafka = pairs, .count = 2};
    struct vd_bus *bus = NULL;
    struct vd_err err;
    (void)state;
    assert_true(vd_bus_open(&bus, &setup, &err) < 0);
    assert_int_equal(err.code, VD_CONFIG);
    assert_null(bus);
    vd_bus_close(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_protected),
        cmocka_unit_test(test_refused_by_librdkafka),
        cmocka_unit_test(test_refused_together),
        cmocka_unit_test(test_bus_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
