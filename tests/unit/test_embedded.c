/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include "vidriera/embedded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int connect_to(const char *host, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ret = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    close(fd);
    return ret;
}

/* Nobody reaches it from elsewhere: not even under this host's other addresses. */
static void loopback_only(void **state)
{
    struct vd_embedded *embedded;
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_embedded_open(&embedded, &err), 0);
    const char *address = vd_embedded_address(embedded);
    assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
    assert_int_equal(connect_to("127.0.0.1", address + 10), 0);
    assert_int_equal(connect_to("127.0.0.2", address + 10), ECONNREFUSED);
    vd_embedded_close(embedded);
}

static void has_topics(void **state)
{
    struct vd_embedded *embedded, *second;
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_embedded_open(&embedded, &err), 0);
    assert_int_equal(vd_embedded_open(&second, &err), 0);
    assert_string_not_equal(vd_embedded_address(embedded), vd_embedded_address(second));
    vd_embedded_close(second);
    rd_kafka_t *client = client_open(vd_embedded_address(embedded), RD_KAFKA_CONSUMER);
    assert_int_equal(client_partitions(client, "vidriera.jobs"), 12);
    assert_int_equal(client_partitions(client, "vidriera.results"), 12);
    assert_int_equal(client_partitions(client, "vidriera.control"), 1);
    rd_kafka_destroy(client);
    vd_embedded_close(embedded);
}

/* librdkafka itself would abort. */
static void cannot_listen(void **state)
{
    struct rlimit before, none;
    struct vd_embedded *embedded;
    struct vd_err err = {0};
    (void)state;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    int ret = vd_embedded_open(&embedded, &err);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(ret, -1);
    assert_null(embedded);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_non_null(strstr(err.text, "Too many open files"));
    vd_embedded_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loopback_only), cmocka_unit_test(has_topics),
                                       cmocka_unit_test(cannot_listen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
